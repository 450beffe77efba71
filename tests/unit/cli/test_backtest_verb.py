"""`detect backtest` over log files: the findings of `scan`, summed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builders import error
from tests.support.cli import detect

HOSTILE = "\x1b[2J[bold]\u202egpu"


def test_the_sums_are_those_of_what_scan_finds(logs: list[str]) -> None:
    found = detect("scan", *logs, "--format", "json").json
    summed = detect("backtest", *logs, "--format", "json").json
    (result,) = summed["results"]
    assert result["findings"] == len(found["findings"]) > 3
    assert summed["events"] == found["events"]
    for column in ("host", "severity"):
        counted = {each["host"]: each["findings"] for each in result["by_host"]} if column == "host" else result["severities"]
        values = [finding[column] for finding in found["findings"]]
        assert counted == {value: values.count(value) for value in values}
    days = [finding["window_start"][:10] for finding in found["findings"]]
    assert {each["day"]: each["findings"] for each in result["by_day"]} == {day: days.count(day) for day in days}


def test_a_span_leaves_out_the_windows_beyond(logs: list[str]) -> None:
    span = ("--from", "2026-11-24T05:50:00Z", "--to", "2026-11-25T05:50:00Z")
    found = [each["window_start"] for each in detect("scan", *logs, "--format", "json").json["findings"]]
    within = [start for start in found if "2026-11-24T05:50:00Z" <= start < "2026-11-25T05:50:00Z"]
    summed = detect("backtest", *logs, *span, "--format", "json").json
    assert summed["results"][0]["findings"] == len(within) < len(found)
    assert (summed["from"], summed["to"], summed["windows"]) == ("2026-11-24T05:50:00Z", "2026-11-25T05:50:00Z", 24)
    assert summed["results"][0]["findings_per_week"] == len(within) * 7


def test_settings_stand_beside_those_in_use_and_the_file_in_use_beside_none(logs: list[str]) -> None:
    hosts = [each["host"] for each in detect("backtest", *logs, "--format", "json").json["results"][0]["by_host"]]
    Path("detect.toml").write_text(f'[[filter]]\naction = "exclude"\nhost = "{hosts[0]}"\n', encoding="utf-8")
    Path("new.toml").write_text('thresholds.critical = 1000\n[[filter]]\naction = "exclude"\nhost = "*"\n', encoding="utf-8")

    def compared(file: str) -> dict[str, set[str]]:
        results = detect("backtest", *logs, "--compare", file, "--format", "json").json["results"]
        return {result["settings"]: {each["host"] for each in result["by_host"]} for result in results}

    assert compared("detect.toml") == {"rules alone": set(hosts), "detect.toml": set(hosts[1:])}
    assert compared("new.toml") == {"detect.toml": set(hosts[1:]), "new.toml": set()}
    table = detect("backtest", *logs, "--compare", "new.toml")
    assert "│ all      │" in table.out
    assert "taken away by the filter in your settings" in table.err


def test_another_schedule_is_not_compared(logs: list[str]) -> None:
    Path("other.toml").write_text('schedule.offset = "20m"\n', encoding="utf-8")
    answer = detect("backtest", *logs, "--compare", "other.toml")
    assert (answer.code, "another schedule" in answer.err) == (2, True)


def test_suggestions_are_about_what_is_left(logs: list[str]) -> None:
    first = detect("backtest", *logs, "--suggest", "--format", "json").json["suggestions"][0]
    Path("new.toml").write_text(first["toml"], encoding="utf-8")
    summed = detect("backtest", *logs, "--compare", "new.toml", "--suggest", "--format", "json").json
    before, after = (result["findings"] for result in summed["results"])
    assert before - after == first["hides"] == sum(first["severities"].values())
    assert first["entry"] not in [each["entry"] for each in summed["suggestions"]]


def test_hostile_hosts_and_messages_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    log = tmp_path / "server.log"
    log.write_text(error(f'msg="model [red]\u202e{"x" * 300}"') + "\n", encoding="utf-8")
    answer = detect("backtest", str(log), "--host", HOSTILE, "--suggest")
    assert answer.code == 0, answer.err
    assert all(c.isprintable() or c == "\n" for c in answer.out + answer.err)
    assert "[bold]" in answer.out
    assert max(len(line) for line in answer.out.splitlines() if not line.startswith("all_contain")) <= 100


def test_no_findings_make_no_fault(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(error('msg="all is well"', level="INFO") + "\n", encoding="utf-8")
    answer = detect("backtest", str(log), "--suggest", "--format", "json")
    assert (answer.code, answer.json["results"][0]["findings"], answer.json["suggestions"]) == (0, 0, [])
    assert (answer.json["from"], answer.json["windows"]) == (None, 0)
    assert detect("backtest", str(log), "--suggest").code == 0


def test_it_asks_for_a_past() -> None:
    answer = detect("backtest")
    assert (answer.code, "--from 30d" in answer.err) == (2, True)


@pytest.mark.parametrize(("zone", "suffix"), [("UTC", ""), ("Asia/Tokyo", " (Asia/Tokyo)")])
def test_days_and_hours_name_their_zone_where_it_is_not_utc(logs: list[str], zone: str, suffix: str) -> None:
    answer = detect("backtest", *logs, "--timezone", zone)
    headers = [line.split("┃")[1].strip() for line in answer.out.splitlines() if line.startswith("┃")]
    assert [header for header in headers if header.startswith(("day", "hour"))] == [f"day{suffix}", f"hour{suffix}"]
    assert "by_day" in detect("backtest", *logs, "--timezone", zone, "--format", "json").json["results"][0]
