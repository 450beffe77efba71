"""`detect run`: scheduled windows of rules, evaluated by the cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.backtest import Backtest
from integration.evaluation.cluster import count_events
from integration.findings.finding import Finding, Statistics, build_finding

Plan = Sequence[tuple[Rule, Sequence[Window]]]
"""Each rule with the windows to evaluate."""


class Run:
    """The windows of rules, each rule's in one pass; `selected` counts the events that rules selected, in a finding or not."""

    def __init__(self, engine: Engine, plan: Plan, index: str, zone: tzinfo) -> None:
        self.selected = 0
        self._engine = engine
        self._plan = plan
        self._index = index
        self._zone = zone

    def findings(self, on_windows: Callable[[int], None]) -> Iterator[Finding]:
        """Yield the findings of every window; `on_windows` is called with how many are done since it was called last."""
        for rule, window, host, statistics in statistics_of(self._engine, self._plan, self._index, on_windows):
            self.selected += statistics.events
            finding = build_finding(rule, host, window, statistics, self._zone)
            if finding is not None:
                yield finding


def statistics_of(
    engine: Engine, plan: Plan, index: str, on_windows: Callable[[int], None]
) -> Iterator[tuple[Rule, Window, str, Statistics]]:
    """Yield what SPL 8 says of each host and window that has selected events, rule by rule, each rule's windows in one pass."""
    for rule, windows in plan:
        for found in Backtest(engine, rule, index, windows, on_windows).statistics():
            yield rule, *found


def count_read(engine: Engine, plan: Plan, index: str) -> int:
    """Count the events of the windows, once for each dataset, since several rules may read the same events."""
    by_dataset = {rule.data_source.dataset: (rule, windows) for rule, windows in plan}
    return sum(count_events(engine, rule, index, windows[0].start, windows[-1].end) for rule, windows in by_dataset.values())


def spanned(plan: Plan) -> tuple[int, int]:
    """Return the beginning of the first window and the end of the last."""
    return min(windows[0].start for _, windows in plan), max(windows[-1].end for _, windows in plan)
