"""The figures of a page: what they count, and what they leave out."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integration.cli.page.charts import Chart, charts_of
from integration.commands.backtest import Sums
from integration.findings import severity_counts
from tests.support.builders import RULE, error, event, findings_of

CRASH = 'source=server.go:1 msg="model" err="exit status 1"'


def charts(*instants: str, host: str = "gpu-1", zone: str = "UTC", top: int = 10, rest: str = CRASH) -> list[Chart]:
    """The charts of a line at each instant."""
    sums = Sums(ZoneInfo(zone))
    for finding in findings_of([event(error(rest, at=at), host=host) for at in instants]):
        sums.add(finding)
    return charts_of(sums, [RULE], top, zone)


def drawn(chart: Chart) -> dict[str, dict[Any, int]]:
    """How many findings a chart shows at which place, by severity."""
    return {trace["name"]: dict(zip(trace["x"], trace["y"], strict=True)) for trace in chart.figure["data"]}


def test_a_week_is_drawn_by_hour_and_more_by_day() -> None:
    timeline = charts("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z", "2026-11-30T12:00:00Z")[0]
    assert drawn(timeline) == {"critical": {"2026-11-24T08:00": 1, "2026-11-24T09:00": 1, "2026-11-30T11:00": 1}}
    assert timeline.figure["layout"]["xaxis"]["range"] == ["2026-11-24T08:00", "2026-11-30T12:00"]
    longer = charts("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z", "2026-12-01T12:00:00Z")[0]
    assert drawn(longer) == {"critical": {"2026-11-24": 2, "2026-12-01": 1}}
    assert longer.figure["layout"]["xaxis"]["range"] == ["2026-11-24", "2026-12-02"]


def test_hours_to_midnight_are_drawn_to_midnight() -> None:
    timeline = charts("2026-12-31T19:00:00Z", "2027-01-01T00:30:00Z")[0]
    assert timeline.figure["layout"]["xaxis"]["range"] == ["2026-12-31T18:00", "2027-01-01T00:00"]


def test_hours_are_those_of_the_zone() -> None:
    timeline, hosts, _ = charts("2026-11-24T20:00:00Z", zone="Asia/Tokyo")
    assert drawn(timeline) == {"critical": {"2026-11-25T04:00": 1}}
    assert [hour for hour, count in zip(hosts.figure["data"][0]["x"], hosts.figure["data"][0]["z"][0], strict=True) if count] == [
        "04"
    ]
    assert "(Asia/Tokyo)" in timeline.note


def test_forged_stamps_do_not_squeeze_the_timeline() -> None:
    timeline = charts("0100-01-01T09:00:00Z", "2026-11-24T09:00:00Z", "2026-11-25T09:00:00Z", "9899-12-31T09:00:00Z")[0]
    assert set(drawn(timeline)["critical"]) == {"2026-11-24T08:00", "2026-11-25T08:00"}
    assert timeline.note.endswith(" Outside of these days: 2.")


def test_where_not_every_hour_is_counted_days_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(severity_counts, "MAX_KEYS", 3)
    forged = [f"0{century}00-01-01T{hour:02}:00:00Z" for century in (1, 2) for hour in (9, 11)]
    timeline = charts(*forged, *(f"2026-11-24T{hour:02}:00:00Z" for hour in (9, 10, 11)))[0]
    assert drawn(timeline) == {"critical": {"2026-11-24": 3}}
    assert timeline.note.endswith(" Outside of these days: 4.")


def test_of_hosts_and_messages_those_with_the_most_are_drawn() -> None:
    sums = Sums()
    lines = [
        event(error(f'msg="model {n}"', at=f"2026-11-24T{9 + at:02}:00:00Z"), f"gpu-{n}") for n in range(4) for at in range(n + 1)
    ]
    for finding in findings_of(lines):
        sums.add(finding)
    _, hosts, messages = charts_of(sums, [RULE], 2, "UTC")
    assert hosts.figure["layout"]["yaxis"]["ticktext"] == ["gpu-3", "gpu-2"]
    assert [sum(filter(None, row)) for row in hosts.figure["data"][0]["z"]] == [4, 3]
    assert hosts.note.endswith(" These are the 2 hosts with the most; all others have 3.")
    assert [label["text"] for label in messages.figure["layout"]["annotations"]] == ["model 3", "model 2"]
    assert messages.figure["data"][0]["x"] == [4, 3]
    assert messages.note.endswith(" 2 more messages.")


def test_a_label_is_cut_and_has_no_marks_that_stack() -> None:
    _, hosts, _ = charts("2026-11-24T09:00:00Z", host="e" + "\u0301" * 500)
    assert hosts.figure["layout"]["yaxis"]["ticktext"] == ["é"]
    _, hosts, messages = charts("2026-11-24T09:00:00Z", host="<" * 500, rest=f'msg="model {"<b>" * 90}"')
    assert hosts.figure["layout"]["yaxis"]["ticktext"] == ["&lt;" * 15 + "…"]
    assert len(messages.figure["data"][0]["hovertext"][0].split("<br>")) <= 5


def test_no_finding_has_no_chart_and_no_message_no_chart_of_messages() -> None:
    assert charts() == []
    assert [chart.name for chart in charts("2026-11-24T09:00:00Z", rest="model")] == ["timeline", "hosts"]
