"""Files of cases beside a rule: what they may say, and where a fault in one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integration.detection.cases import Case, load_cases
from integration.errors import RuleError
from integration.times import parse_time
from tests.support.builders import RULE

FAULTS = {
    "a: 1": "cases.yml:1: a file of cases must be a list of which each begins with `- name: ...`",
    "[]": "cases.yml:1: the file: must not be empty",
    "- name: a": "cases.yml:1: 0: needs one of `labels`, `lines` and `log`, and no other",
    "- {name: a, log: x}": "cases.yml:1: 0: needs `expect` or `findings` beside its lines; `labels` says all by itself",
    "- name: a\n  lines: [x]\n  log: y\n  findings: []": "cases.yml:1: 0: needs one of `labels`, `lines` and `log`, and no other",
    "- {name: a, labels: [{line: x, label: none}], findings: []}": "`labels` says all by itself",
    "- name: a\n  lines:\n  - x\n  - 1\n  findings: []": "cases.yml:4: 0.lines.1: must be text",
    "- name: a\n  log: x\n  findings:\n  - {severity: high}": "cases.yml:1: 0: each of `findings` names its host",
    "- name: a\n  log: x\n  time: noon\n  findings: []": "cases.yml:3: 0.time: 'noon' is no time",
    "- name: a\n  log: x\n  findigs: []": "cases.yml:3: 0.findigs: there is no such key: did you mean findings?",
    "- name: a\n  labels:\n  - {line: x, label: off}": "cases.yml:3: 0.labels.0.label: must be text",
    "- name: 'x\n": "cases.yml:2: found unexpected end of stream",
}


def case(**says: Any) -> Case:
    return Case.model_validate({"name": "a", "log": "x", **says})


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_is_told_with_file_line_and_field(text: str, tmp_path: Path) -> None:
    file = tmp_path / "tests" / RULE.id / "cases.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RuleError) as fault:
        load_cases(RULE.read_from(tmp_path / "rule.yml"))
    assert FAULTS[text] in str(fault.value)


def test_files_come_by_name_and_cases_with_their_line(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / RULE.id
    folder.mkdir(parents=True)
    for name in ("b.yaml", "a.yml"):
        (folder / name).write_text(
            "# why\n- {name: one, log: x, findings: []}\n\n- {name: two, log: x, findings: []}", encoding="utf-8"
        )
    (folder / "notes.txt").write_text("none of it", encoding="utf-8")
    files = load_cases(RULE.read_from(tmp_path / "rule.yml"))
    assert [file.path.name for file in files] == ["a.yml", "b.yaml"]
    assert [(line, each.name) for line, each in files[0].cases] == [(2, "one"), (4, "two")]


def test_a_time_needs_no_quotes(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / RULE.id
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text("- {name: a, log: x, time: 2026-11-24T09:00:00Z, findings: []}", encoding="utf-8")
    ((_, found),) = load_cases(RULE.read_from(tmp_path / "rule.yml"))[0].cases
    assert found.shipped_at == parse_time("2026-11-24T09:00:00Z")


@pytest.mark.parametrize(
    ("says", "fires", "silent"),
    [
        ({"findings": ({"host": "h"},)}, True, False),
        ({"findings": ()}, False, True),
        ({"expect": ({"label": "none"}, {"label": "model_error"})}, True, True),
        ({"expect": ({"host.name": "h"},)}, False, False),
        ({"log": "", "labels": ({"line": "x", "label": "model_error"},)}, True, False),
    ],
)
def test_what_a_case_says_of_the_rule(says: dict[str, Any], fires: bool, silent: bool) -> None:
    assert (case(**says).fires, case(**says).stays_silent) == (fires, silent)
