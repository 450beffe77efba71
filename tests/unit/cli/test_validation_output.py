"""How a validation is written, whatever logs put into it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from integration.cli.options import Form
from integration.cli.validate import print_results
from integration.commands.losses import Loss
from integration.commands.validate import Place, Validation
from integration.evaluation.causes import Causes, CausingEvent
from integration.evaluation.comparison import Comparison, Difference
from tests.support.builders import RULE

WINDOWS = tuple(RULE.windows.within(0, 3 * 3_600_000))
HOSTILE = "gpu\x1b[31m\u202e]]><b>"
DIFFERENCE = Difference(RULE.id, HOSTILE, WINDOWS[0].start, "error_count", 2, 2, {"OpenSearch alert": 1})
CAUSES = Causes("these came late", (CausingEvent("i", "doc-7", WINDOWS[0].start, f"line {HOSTILE}", "model_error"),), 3)
DIFFERS = Validation(WINDOWS, 5, 2, Comparison(1, (DIFFERENCE,), 4), recorded=1, causes={Place(WINDOWS[0].start, HOSTILE): CAUSES})
AGREES = Validation(WINDOWS, 5, 2, Comparison(1, (), 0))
LOST = Loss("past_pipeline", "that never went through the pipeline", 2, fault=True, text="never went through the pipeline")


def written(capsys: pytest.CaptureFixture[str], result: Validation, form: Form, *losses: Loss) -> str:
    print_results([(RULE, result)], losses, form)
    return capsys.readouterr().out


def failures(text: str) -> dict[str | None, str]:
    return {case.get("name"): each.text or "" for case in ET.fromstring(text).iter("testcase") for each in case.findall("failure")}


def test_a_case_for_each_window_fails_with_what_differs_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    text = written(capsys, DIFFERS, "junit")
    assert ET.fromstring(text).get("tests") == str(len(WINDOWS) + 1)
    (window, said), (others, more) = failures(text).items()
    assert str(window).startswith("window 1970-01-01T")
    assert "error_count: reference 2, cluster 2, OpenSearch alert 1" in said
    assert "these came late" in said
    assert "doc-7 (model_error): line gpu\\x1b[31m\\u202e]]><b>" in said
    assert (others, more) == ("other differences", "4 more differences")
    assert failures(written(capsys, AGREES, "junit")) == {}


def test_lost_documents_and_no_events_fail_too(capsys: pytest.CaptureFixture[str]) -> None:
    text = written(capsys, replace(AGREES, events=0), "junit", LOST, replace(LOST, kind="cut_lines", fault=False))
    assert failures(text) == {
        "events": "nothing was compared: there is no event in these windows",
        "past_pipeline": "2 documents never went through the pipeline",
    }


def test_a_table_says_who_differs_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text = written(capsys, DIFFERS, "table")
    assert not {"\x1b", "\u202e"} & set(text)
    assert "doc-7" in text
    assert "3 more of these events." in text
    only_recorded = replace(DIFFERS, comparison=Comparison(1, (DIFFERENCE,), 0))
    assert written(capsys, only_recorded, "table").startswith("The Python reference agrees with the cluster, but what was")
    both = replace(only_recorded, comparison=Comparison(1, (replace(DIFFERENCE, cluster=3),), 0))
    assert written(capsys, both, "table").startswith("The Python reference and the cluster DIFFER")


def test_json_has_the_causes(capsys: pytest.CaptureFixture[str]) -> None:
    (rule,) = json.loads(written(capsys, DIFFERS, "json"))["rules"]
    assert rule["differences"][0]["recorded"] == {"OpenSearch alert": 1}
    (causes,) = rule["causes"]
    assert (causes["host"], causes["events"][0]["id"], causes["events_left_out"]) == (HOSTILE, "doc-7", 3)
