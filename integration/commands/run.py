"""`detect run`: scheduled windows of rules, evaluated by the cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.cluster import count_events, evaluate
from integration.findings.finding import Finding

Plan = Sequence[tuple[Rule, Sequence[Window]]]
"""Each rule with the windows to evaluate."""


def run(engine: Engine, plan: Plan, index: str, zone: tzinfo, on_window: Callable[[int], None]) -> Iterator[Finding]:
    """Yield the findings of every window; `on_window` is called with 1 after each."""
    for rule, windows in plan:
        for window in windows:
            yield from evaluate(engine, rule, index, window, zone)
            on_window(1)


def count_read(engine: Engine, plan: Plan, index: str) -> int:
    """Count the events of the windows, once for each dataset, since several rules may read the same events."""
    by_dataset = {rule.data_source.dataset: (rule, windows) for rule, windows in plan}
    return sum(count_events(engine, rule, index, windows[0].start, windows[-1].end) for rule, windows in by_dataset.values())


def spanned(plan: Plan) -> tuple[int, int]:
    """Return the beginning of the first window and the end of the last."""
    return min(windows[0].start for _, windows in plan), max(windows[-1].end for _, windows in plan)
