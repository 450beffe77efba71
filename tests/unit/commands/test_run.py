from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC

import pytest

from integration.commands import run
from integration.commands.run import Run, count_read
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.findings.finding import Statistics
from integration.findings.values import Values
from integration.times import parse_time
from tests.support.builders import RULE, rule_with
from tests.support.memory_engine import MemoryEngine

WINDOWS = list(RULE.windows.within(parse_time("2026-11-24T06:50:00Z"), parse_time("2026-11-24T09:50:00Z")))


class Pass:
    """In the place of a pass over a cluster: two events of one host in the first window and in the last."""

    def __init__(
        self, _: object, rule: Rule, index: str, windows: Sequence[Window], on_windows: Callable[[int], None] = lambda _: None
    ) -> None:
        assert index == "logs"
        self.rule, self.windows, self.on_windows = rule, windows, on_windows

    def statistics(self) -> Iterator[tuple[Window, str, Statistics]]:
        classes = self.rule.classification.classes
        label = next((each.name for each in classes if each.context), classes[0].name)
        lists = {name: Values(()) for name in self.rule.field_lists}
        for window in (self.windows[0], self.windows[-1]):
            yield window, "gpu-1", Statistics(2, window.start, window.start, lists, {label: 2}, frozenset())
        self.on_windows(len(self.windows))


def test_every_window_of_every_rule_is_evaluated_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Backtest", Pass)
    other = rule_with(id="a_other")
    told: list[int] = []
    with MemoryEngine() as engine:
        found = list(Run(engine, [(other, WINDOWS), (RULE, WINDOWS)], "logs", UTC).findings(told.append))
    assert [(each.rule_id, each.window_start) for each in found] == [
        (rule.id, window.start) for rule in (other, RULE) for window in (WINDOWS[0], WINDOWS[-1])
    ]
    assert told == [3, 3]


def test_events_without_a_finding_are_selected_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Backtest", Pass)
    with_floor = next(rule for rule in load_rules() if rule.id != RULE.id)
    with MemoryEngine() as engine:
        running = Run(engine, [(with_floor, WINDOWS)], "logs", UTC)
        assert list(running.findings(lambda _: None)) == []
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
