"""Where cluster and reference agree on drawn logs, no part of the reference was left out."""

from __future__ import annotations

import json
from pathlib import Path

from coverage import Coverage
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.detection.schedule import Window
from integration.evaluation import reference
from tests.support.drawn_logs import RULES, found_logs, of_any_kind, reference_findings, shipped, spans
from tests.support.shipped import Shipped


@given(st.lists(shipped, min_size=1, max_size=12), st.lists(of_any_kind, min_size=1, max_size=30), spans)
@settings(max_examples=15, derandomize=True, database=None)
def evaluate_drawn_logs(lines: list[Shipped], others: list[Shipped], span: Window) -> None:
    for rule in RULES:
        reference_findings(rule, [*lines, *others])
        reference_findings(rule, [*lines, *others], span)


def test_drawn_logs_reach_every_branch_of_the_reference(tmp_path: Path) -> None:
    recorder = Coverage(branch=True, include=[reference.__file__], data_file=None, config_file=False)
    with recorder.collect():
        evaluate_drawn_logs()
    recorder.json_report(outfile=str(tmp_path / "coverage.json"))
    (file,) = json.loads((tmp_path / "coverage.json").read_text(encoding="utf-8"))["files"].values()
    functions = {name: each for name, each in file["functions"].items() if name}  # the rest ran when the module was imported
    assert {"Classifier.classify", "Reference.findings", "_address_field.test"} <= functions.keys()
    missed = {name: (each["missing_lines"], each["missing_branches"]) for name, each in functions.items()}
    assert {name: lines for name, lines in missed.items() if lines != ([], [])} == {}


def test_each_kept_log_is_one_in_which_a_rule_finds_something() -> None:
    for name, lines in found_logs().items():
        assert any(reference_findings(rule, lines) for rule in RULES), name
