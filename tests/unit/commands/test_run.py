from __future__ import annotations

from datetime import UTC

import pytest

from integration.commands.run import Run, count_read
from integration.times import parse_time
from tests.support.builders import RULE, rule_with
from tests.support.memory_engine import MemoryEngine

WINDOWS = list(RULE.windows.within(parse_time("2026-11-24T06:50:00Z"), parse_time("2026-11-24T09:50:00Z")))


def test_every_window_of_every_rule_is_evaluated_and_told() -> None:
    other = rule_with(id="a_other")
    told: list[int] = []
    with MemoryEngine() as engine:
        engine.errors = [WINDOWS[0].start, WINDOWS[2].end - 1]
        running = Run(engine, [(other, WINDOWS), (RULE, WINDOWS)], "logs", UTC)
        found = list(running.findings(told.append))
        assert engine.searched == [(window.start, window.end) for window in WINDOWS] * 2
    assert [(each.rule_id, each.window_start) for each in found] == [
        (rule.id, window.start) for rule in (other, RULE) for window in (WINDOWS[0], WINDOWS[2])
    ]
    assert told == [1] * 6
    assert running.selected == 4


def test_events_that_two_rules_read_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int, int]] = []

    def count(_engine: object, _rule: object, index: str, start: int, end: int) -> int:
        asked.append((index, start, end))
        return 7

    monkeypatch.setattr("integration.commands.run.count_events", count)
    plan = [(rule_with(id="a_other"), WINDOWS), (RULE, WINDOWS)]
    with MemoryEngine() as engine:
        assert count_read(engine, plan, "logs") == 7
    assert asked == [("logs", WINDOWS[0].start, WINDOWS[-1].end)]
