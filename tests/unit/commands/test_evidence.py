"""`detect explain --finding` on files: the lines behind a finding of `detect scan`."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.commands import evidence
from integration.findings.finding import finding_id
from integration.times import parse_time
from tests.support.builders import RULE, error, event, findings_of
from tests.support.cli import detect

WINDOW = parse_time("2026-11-24T08:50:00Z")
ID = finding_id(RULE.id, "gpu-1", WINDOW)
FIRST = error("source=server.go:1 msg=model err=EOF", at="2026-11-24T08:50:00.000Z")
LAST = error('source=server.go:2 msg="runner exited" err="exit status 2"', at="2026-11-24T09:49:59.999Z")


@pytest.fixture
def logs(tmp_path: Path) -> list[str]:
    """Two files of gpu-1, the later one first, with lines of other windows and lines that are not selected."""
    other = error("msg=model", at="2026-11-24T09:50:00.000Z")
    texts = [f"{LAST}\n{other}\nlevel=INFO model\n", f"{error('msg=model', at='2026-11-24T08:49:59.999Z')}\n\n{FIRST}\n"]
    paths = [tmp_path / name for name in ("server.log", "server-1.log")]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return [str(path) for path in paths]


def test_an_id_is_that_of_the_finding_and_its_risk_event() -> None:
    (finding,) = findings_of([event(FIRST)])
    assert finding.id == ID


def test_the_lines_behind_a_finding_in_time_order(logs: list[str]) -> None:
    answer = detect("explain", "--finding", ID, *logs, "--host", "gpu-1", "--format", "json")
    assert (answer.code, answer.json["finding"]["id"], answer.json["lines_left_out"]) == (0, ID, 0), answer.err
    assert answer.json["lines"] == [
        {"time": "2026-11-24T08:50:00.000Z", "label": "model_error", "place": f"{logs[1]}:3", "text": FIRST},
        {"time": "2026-11-24T09:49:59.999Z", "label": "service_crash", "place": f"{logs[0]}:1", "text": LAST},
    ]
    found = detect("scan", *logs, "--host", "gpu-1", "--format", "json").json["findings"]
    assert answer.json["finding"] == found[1]
    assert [(part["says"], part["holds"], part["found"]) for part in answer.json["severity"]] == [
        ("critical: error_details has a value that contains `exit status`", True, ""),
        ("critical: error_count is greater than 5", False, "it is 2"),
    ]


def test_the_id_of_a_table_is_enough(logs: list[str]) -> None:
    table = detect("explain", "--finding", ID[:12], *logs, "--host", "gpu-1").out
    assert table.startswith(
        f"{ID}: {RULE.id}, host gpu-1, from 2026-11-24T08:50:00Z to 2026-11-24T09:50:00Z\n\nseverity critical\n"
    )
    assert "  yes  critical: error_details has a value that contains `exit status`\n" in table
    assert table.index(FIRST) < table.index(LAST)


def test_a_severity_that_no_condition_makes(logs: list[str]) -> None:
    table = detect(
        "explain", "--finding", finding_id(RULE.id, "gpu-1", parse_time("2026-11-24T09:50:00Z")), *logs, "--host", "gpu-1"
    ).out
    assert "severity medium\n" in table
    assert "  no   high: error_count is not greater than 2: it is 1\n  yes  medium: whatever is left\n" in table


def test_ids_that_are_none_or_several_are_told(logs: list[str]) -> None:
    none = detect("explain", "--finding", ID, *logs, "--host", "gpu-2")
    assert (none.code, f"no finding in these files has an id that begins with {ID}" in none.err) == (2, True)
    several = detect("explain", "--finding", "", *logs, "--host", "gpu-1")
    assert (several.code, "several findings have ids that begin with " in several.err, ID in several.err) == (2, True, True)


def test_of_many_and_long_lines_the_first_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MAX_LINES", 2)
    monkeypatch.setattr(evidence, "MAX_CHARACTERS", 10)
    path = tmp_path / "server.log"
    path.write_text(f"{LAST}\n{FIRST}\n{FIRST} again\n", encoding="utf-8")
    answer = detect("explain", "--finding", ID, str(path), "--host", "gpu-1", "--format", "json")
    assert [line["text"] for line in answer.json["lines"]] == [f"{FIRST[:9]}…"] * 2
    assert (answer.json["lines_left_out"], answer.json["finding"]["error_count"]) == (1, 3)
    assert "The first 2 lines in time; 1 more.\n" in detect("explain", "--finding", ID, str(path), "--host", "gpu-1").err
