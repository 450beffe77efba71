"""Tables of findings: what happened has its column on a narrow terminal, and a screen holds totals and rows."""

from __future__ import annotations

import re
import sys

import pytest

from integration.cli.findings_table import print_every, print_some
from integration.commands.backtest import Sums
from integration.detection.loading import load_rules
from integration.findings.finding import Finding
from tests.support.builders import error, event, findings_of

EXPLOITATION = next(rule for rule in load_rules() if rule.id == "ollama_model_loading_exploitation")
PANIC = [
    "panic: x",
    "github.com/ollama/ollama/fs/gguf.readGGUF(",
    '[GIN] 2026/11/24 - 09:00:00 | 200 | 1s | 10.0.0.1 | GET "/../x"',
]


def attacks(*days: str) -> list[Finding]:
    """A finding of the exploitation rule for each day, of lines without messages."""
    return findings_of([event(line, "gpu-01", at=f"{day}T09:00:00Z") for day in days for line in PANIC], EXPLOITATION)


def crashes(*days: str) -> list[Finding]:
    """A finding of Splunk's rule for each day."""
    rest = 'source=server.go:1 msg="llama runner terminated" err="exit status 2"'
    return findings_of([event(error(rest, at=f"{day}T09:00:00.000Z"), "gpu-01") for day in days])


def shown(findings: list[Finding], capsys: pytest.CaptureFixture[str]) -> tuple[str, list[str]]:
    """The table as text, and the columns that had no room."""
    sums = Sums()
    _, no_room = print_some(sums.counted(findings), sums, None)
    return capsys.readouterr().out, list(no_room)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_labels_stand_behind_the_severity_and_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for findings, name, labels in (
        (attacks("2026-11-24"), "signals", ("parser_crash=1", "process_panic=1", "traversal_in_url=1")),
        (crashes("2026-11-24"), "error_types", ("runner_error",)),
    ):
        text, no_room = shown(findings, capsys)
        assert max(map(len, text.splitlines())) <= int(columns)
        assert re.search(rf"severity ┃ {name} ", text)
        assert [label for label in labels if label not in text] == []
        assert name not in no_room


def test_counts_go_before_what_a_log_says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    gone = {}
    for columns in (80, 100, 120, 150):
        monkeypatch.setenv("COLUMNS", str(columns))
        gone[columns] = shown(crashes("2026-11-24"), capsys)[1]
    assert gone == {80: ["SPL rows", "error_count", "error_details"], 100: ["SPL rows", "error_count"], 120: ["SPL rows"], 150: []}


def test_a_window_takes_two_lines_at_most(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text, _ = shown(crashes("2026-11-24"), capsys)
    assert "window of" in text
    assert "2026 (UTC)" in text
    assert re.search(r"│ 11-24 08:50 │.*\n.*│ to 09:50    │", text)
    text, _ = shown(crashes("2026-11-24", "2027-11-24"), capsys)
    assert "┃ window (UTC)     ┃" in text
    assert re.search(r"│ 2026-11-24 08:50 │.*\n.*│ to 09:50 ", text)
    monkeypatch.setenv("COLUMNS", "200")
    text, _ = shown(crashes("2026-11-24"), capsys)
    assert "┃ window of 2026 (UTC) ┃" in text
    assert "│ 11-24 08:50 to 09:50 │" in text


def test_a_column_without_a_value_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    text, no_room = shown(attacks("2026-11-24"), capsys)
    assert ("messages" in text, "score" in text, no_room) == (False, True, [])


def test_totals_and_rows_fit_a_screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    days = [f"2026-11-{day}" for day in range(10, 26)]
    sums = Sums()
    count, _ = print_some(sums.counted(attacks(*days)), sums, None)
    written = capsys.readouterr()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", written.out).splitlines()
    assert (count, len(lines) <= 24 - 5) == (16, True)
    assert [line.split("  ")[0] for line in lines[:3]] == ["severity", "day (UTC)", "host"]
    rows = [line for line in lines if re.match(r"│ [0-9a-f]{12} ", line)]
    assert len(rows) == 5
    assert f"the {len(rows)} most severe; {16 - len(rows)} more" in written.err


def test_every_finding_is_followed_by_totals_of_each_day(capsys: pytest.CaptureFixture[str]) -> None:
    days = [f"2026-11-{day}" for day in range(10, 26)]
    sums = Sums()
    print_every(sums.counted(crashes(*days)), sums, None)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line.split()[-3].rstrip(":") for line in lines if line.endswith("1 critical")] == [day[5:] for day in reversed(days)]
    assert lines[-1].split() == ["host", "gpu-01:", "16", "critical"]


def test_on_a_screen_each_rule_has_its_turn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    days = [f"2026-11-{day:02}" for day in range(1, 20)]
    findings = [*attacks(*days), *crashes(*days)]
    assert len({finding.severity for finding in findings}) == 1
    text, _ = shown(findings, capsys)
    assert abs(text.count("process_panic=1") - text.count("runner_error")) <= 1
