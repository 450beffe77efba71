"""What `detect backtest` counts, and how it judges one past in several ways."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from integration.commands import backtest
from integration.commands.backtest import Judge, Span, Sums, judged
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.evaluation.reference import Reference
from integration.findings import severity_counts
from integration.findings.filter import NO_FILTER, Filter
from integration.log.event import Event
from tests.support.builders import RULE, error, event, findings_of, rule_with
from tests.support.filters import entry

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
EVENTS = [
    event(error('source=server.go:1 msg="model a"', at="2026-11-24T09:00:00.000Z"), "gpu-1"),
    event(error('source=server.go:1 msg="model b"', at="2026-11-24T09:00:01.000Z"), "gpu-1"),
    event(error('source=server.go:1 msg="model a" err="exit status 2"', at="2026-11-24T09:10:00.000Z"), "gpu-2"),
    event(error('source=sched.go:2 msg="model a"', at="2026-11-25T23:55:00.000Z"), "gpu-1"),
]


def sums_of(events: list[Event], zone: str = "UTC") -> Sums:
    sums = Sums(ZoneInfo(zone))
    for finding in findings_of(events):
        sums.add(finding)
    return sums


def judge_all(events: list[Event], rule: Rule, *judges: Judge) -> list[str]:
    reference = Reference(rule)
    try:
        for each in events:
            reference.add(each)
        return [finding.host for finding in judged(((rule.id, *each) for each in reference.statistics()), judges)]
    finally:
        reference.close()


def test_findings_are_counted_by_everything_that_is_asked() -> None:
    sums = sums_of(EVENTS)
    assert sums.severities == Counter({MEDIUM: 2, CRITICAL: 1})
    assert sums.by == {
        "rule": {RULE.id: Counter({MEDIUM: 2, CRITICAL: 1})},
        "day": {"2026-11-24": Counter({MEDIUM: 1, CRITICAL: 1}), "2026-11-25": Counter({MEDIUM: 1})},
        "hour": {"08": Counter({MEDIUM: 1, CRITICAL: 1}), "23": Counter({MEDIUM: 1})},
        "host": {"gpu-1": Counter({MEDIUM: 2}), "gpu-2": Counter({CRITICAL: 1})},
    }
    assert sums.values["error_messages"] == {"model a": Counter({MEDIUM: 2, CRITICAL: 1}), "model b": Counter({MEDIUM: 1})}
    assert sums.values["code_sources"] == {"server.go:1": Counter({MEDIUM: 1, CRITICAL: 1}), "sched.go:2": Counter({MEDIUM: 1})}
    assert sums.values["error_types"] == {"model_error": Counter({MEDIUM: 2, CRITICAL: 1})}


def test_days_and_hours_are_those_of_the_zone() -> None:
    sums = sums_of(EVENTS, "Asia/Tokyo")
    assert (set(sums.by["day"]), set(sums.by["hour"])) == ({"2026-11-24", "2026-11-26"}, {"17", "08"})


def test_classes_that_are_counted_count_as_classes() -> None:
    exploitation = load_rules(ids=["ollama_model_loading_exploitation"])[0]
    asked = '[GIN] 2026/11/24 - 09:00:00 | 404 | 9.9ms | 203.0.113.9 | GET "/api/blobs/../../etc/passwd"'
    lines = [event(asked, "gpu-1"), event(asked, "gpu-1"), event(asked, "gpu-2")]
    sums = Sums()
    for finding in findings_of(lines, exploitation):
        sums.add(finding)
    (signals,) = [finding["signals"] for finding in findings_of(lines[:2], exploitation)]
    assert list(sums.values["signals"]) == [signal.removesuffix("=2") for signal in signals]
    assert {counts.total() for counts in sums.values["signals"].values()} == {2}


def test_hosts_and_values_of_an_attacker_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(severity_counts, "MAX_KEYS", 3)
    hostile = [event(error(f'msg="model {n} {"x" * 5_000}" source=server.go:1'), f"\x1b[2J[red]{n}") for n in range(5)]
    sums = sums_of(hostile)
    assert list(sums.by["host"]) == [f"\x1b[2J[red]{n}" for n in range(3)]
    assert sums.beyond == {"host": 2, "error_messages": 2}
    assert {len(message) for message in sums.values["error_messages"]} == {backtest.MAX_CHARACTERS}
    assert sums.severities.total() == 5


def test_a_filter_and_thresholds_are_compared_over_one_past() -> None:
    high = {"level": "high", "any": [{"column": "error_count", "greater_than": 1}]}
    strict = rule_with(id=RULE.id, severity=[RULE.severity[0].model_dump(), high, {"level": "low"}])
    before = Judge("before", [RULE], NO_FILTER)
    after = Judge("after", [strict], Filter((entry("exclude", host="gpu-2", reason="lab"),)))
    assert judge_all(EVENTS, RULE, before, after) == ["gpu-1", "gpu-1"]
    assert before.sums.severities == Counter({MEDIUM: 2, CRITICAL: 1})
    assert after.sums.severities == Counter({HIGH: 1, Severity.LOW: 1})
    assert (before.tally.taken, after.tally.taken) == ({}, {"[[filter]] 1 (lab)": 1})


def test_a_rate_is_told_of_a_day_and_more() -> None:
    day = 24 * 3_600_000
    assert Span(0, 14 * day).a_week(7) == 3.5
    assert Span(0, day - 1).a_week(7) is None
