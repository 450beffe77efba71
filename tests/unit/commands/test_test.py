"""`detect test`: the shipped rules' own cases hold, and those of a user's folder are told of and rewritten."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from integration.commands.test import Result, run_cases
from integration.detection.loading import load_rules
from integration.folders import asset_folder
from tests.support.builders import RULE
from tests.support.cli import detect

SHIPPED = list(run_cases(load_rules()))
CASES = """\
# What this rule is for.
- name: a crash
  lines:
  - time=2026-03-01T10:00:00.000Z level=ERROR source=server.go:1 msg="runner exited" err=EOF   # posted
  - time=2026-03-01T10:00:00.000Z level=INFO msg=model
  expect:
  - {label: none, ollama.err: "yes", host.name: gpu-1}  # by its first word
  findings:
  # One a host.
  - host: gpu-1
    severity: high
    error_details: [x, y]
  - host: gpu-2   # nobody

- name: stays as it is
  labels:
  - {label:   none, line: 'x\\'}
- name: labels
  labels:
  - {line: 'level=ERROR model', label: none} # why
"""
UPDATED = """\
# What this rule is for.
- name: a crash
  lines:
  - time=2026-03-01T10:00:00.000Z level=ERROR source=server.go:1 msg="runner exited" err=EOF   # posted
  - time=2026-03-01T10:00:00.000Z level=INFO msg=model
  expect:
  - {label: service_crash, ollama.err: "EOF", host.name: gpu-1} # by its first word
  - label: none
  findings:
  # One a host.
  - host: gpu-1
    severity: medium
    error_details:
    - EOF
- name: stays as it is
  labels:
  - {label: none, line: 'x\\'}
- name: labels
  labels:
  - {line: 'level=ERROR model', label: model_error} # why
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder of one rule, without cases."""
    text = (asset_folder("rules") / f"{RULE.id}.yml").read_text(encoding="utf-8")
    mine = text.replace(f"id: {RULE.id}", "id: mine", 1).replace("field: error_type", "field: my_type", 1)
    (tmp_path / "mine.yml").write_text(mine, encoding="utf-8")
    return tmp_path


@pytest.fixture
def cases(rules: Path) -> Path:
    file = rules / "tests" / "mine" / "cases.yml"
    file.parent.mkdir(parents=True)
    file.write_text(CASES, encoding="utf-8")
    return file


@pytest.mark.parametrize("result", SHIPPED, ids=[f"{each.rule_id}: {each.name}" for each in SHIPPED])
def test_a_shipped_rule_s_case_holds(result: Result) -> None:
    assert result.faults == (), result.place


def test_every_shipped_rule_has_cases() -> None:
    assert {result.rule_id for result in SHIPPED} == {rule.id for rule in load_rules()}


def test_the_shipped_cases_pass_by_the_command() -> None:
    answer = detect("test")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == f"{len(SHIPPED)} passed, 0 failed: {sum(each.lines for each in SHIPPED)} lines.\n"


def test_a_case_that_fails_ends_with_1_and_says_where(cases: Path, rules: Path) -> None:
    answer = detect("test", "--rules", str(rules), "--rule", "mine")
    assert answer.code == 1
    assert answer.out.splitlines()[:5] == [
        f"{cases}:2: a crash (mine, reference)",
        "    there are 2 lines, but 1 entries under `expect`",
        *(
            f'    line 1: {what}: time=2026-03-01T10:00:00.000Z level=ERROR source=server.go:1 msg="runner exited" err=EOF'
            for what in ("label is service_crash, not none", "ollama.err is EOF, not yes")
        ),
        "    finding of gpu-1: severity is medium, not high",
    ]
    assert f"{cases}:18: labels (mine, reference)\n    line 1: label is model_error, not none: level=ERROR model\n" in answer.out
    assert answer.err == "1 passed, 2 failed: 4 lines.\n"


def test_an_update_rewrites_what_fails_and_shows_the_difference(cases: Path, rules: Path) -> None:
    answer = detect("test", "--update", "--rules", str(rules), "--rule", "mine")
    assert cases.read_text(encoding="utf-8") == UPDATED
    assert (answer.code, answer.err) == (0, "3 passed, 0 failed: 4 lines.\n")
    assert {"-    severity: high", "+    severity: medium", "-  - host: gpu-2   # nobody"} <= set(answer.out.splitlines())
    assert detect("test", "--update", "--rules", str(rules), "--rule", "mine").out == ""


def test_what_yaml_would_take_for_something_else_is_written_in_quotes(cases: Path, rules: Path) -> None:
    values = ["no", "1", "null", "2026-03-01", "a: b", "- x", "'", "\\x1b[0m", "#", "plain"]
    lines = [f'time=2026-03-01T10:00:00.000Z level=ERROR msg="model" err="{value}"' for value in values]
    expected = "  findings:\n  - {host: gpu-1, error_details: []}\n"
    cases.write_text("".join(f"- name: a\n  lines:\n  - |-\n    {line}\n{expected}" for line in lines), encoding="utf-8")
    assert detect("test", "--update", "--rules", str(rules), "--rule", "mine").out != ""
    assert detect("test", "--rules", str(rules), "--rule", "mine").err.startswith(f"{len(values)} passed, 1 failed")


def test_a_rule_without_cases_on_both_sides_fails(rules: Path) -> None:
    answer = detect("test", "--rules", str(rules), "--rule", "mine", "--format", "json")
    (case,) = answer.json["cases"]
    assert (answer.code, answer.json["passed"], case["place"]) == (1, False, str(rules / "tests" / "mine"))
    assert case["faults"] == [
        "no case expects a label or a finding; add one to a file there",
        "no case expects no label or no finding; add one to a file there",
    ]


def test_junit_for_ci_holds_what_a_log_may_hold(cases: Path, rules: Path) -> None:
    cases.write_text('- {name: "]]><&\\x1b", labels: [{line: "level=ERROR model \\x1b\\uFFFE<b>", label: none}]}', encoding="utf-8")
    answer = detect("test", "--rules", str(rules), "--format", "junit")
    root = ET.fromstring(answer.out)
    assert (answer.code, root.get("failures"), root.get("tests")) == (1, "2", str(len(SHIPPED) + 2))
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {f"{rule.id} by reference" for rule in load_rules([rules])}
    case = suites["mine by reference"][0]
    assert (case.get("name"), case.get("file")) == ("]]><&\\x1b", f"{cases}:1")
    assert case[0].get("message") == "line 1: label is model_error, not none: level=ERROR model \\x1b\\ufffe<b>"


def test_a_file_that_cannot_be_written_is_told(cases: Path, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    answer = detect("test", "--update", "--rules", str(rules), "--rule", "mine")
    assert (answer.code, answer.err) == (2, f"detect: {cases}: cannot be written: Permission denied\n")
