"""The search in Python, line by line: events in, findings out. The cluster's findings are compared with these.

It knows events and the rule, no engine and no log file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, tzinfo

from integration.detection.case import fold
from integration.detection.columns import LISTS
from integration.detection.model import Alternative, Rule, TextCondition
from integration.findings.finding import Finding, build_finding
from integration.findings.store import StatisticsStore
from integration.log.event import Event

_REGEX_FLAGS = re.ASCII | re.DOTALL  # as the rule's regular expressions are rendered for Java


def holds(condition: TextCondition, *, ignore_case: bool) -> Callable[[str], bool]:
    """Compile a condition on a line to a test. Terms ignore case in SPL 1, not in SPL 6."""
    compared = fold if ignore_case else str
    contains = [compared(term) for term in condition.contains]
    contains_all = [compared(term) for term in condition.contains_all]
    matches = [re.compile(pattern, _REGEX_FLAGS) for pattern in condition.matches]

    def test(line: str) -> bool:
        folded = compared(line)
        return (
            (not contains or any(term in folded for term in contains))
            and all(term in folded for term in contains_all)
            and (not matches or any(pattern.search(line) for pattern in matches))
        )

    return test


def _selects(alternative: Alternative) -> Callable[[Event], bool]:
    """Compile one alternative of SPL 1 to a test: `level=ERROR ("*llama runner*" OR ...)`."""
    levels = frozenset(level.upper() for level in alternative.level)
    line_holds = holds(alternative, ignore_case=True)

    def test(event: Event) -> bool:
        level = event.value("log.level")
        level_holds = not levels or (isinstance(level, str) and level.isascii() and level.upper() in levels)
        return level_holds and line_holds(event.original)

    return test


class Classifier:
    """SPL 1 and 6 for one rule: whether an event is selected, and its `error_type`."""

    def __init__(self, rule: Rule) -> None:
        self._alternatives = [_selects(alternative) for alternative in rule.selection]
        self._classes = [(c.name, holds(c, ignore_case=False)) for c in rule.classification.classes]
        self._otherwise = rule.classification.otherwise

    def classify(self, event: Event) -> str | None:
        """Return the event's class, None for an event that the search does not select."""
        if not any(selects(event) for selects in self._alternatives):
            return None
        return next((name for name, line_holds in self._classes if line_holds(event.original)), self._otherwise)


class Reference:
    """Evaluates one rule over events in any order, for all windows at once; `zone` is what SPL prints times in. Close it."""

    def __init__(self, rule: Rule, zone: tzinfo = UTC) -> None:
        self.rule = rule
        self.selected = 0
        self._zone = zone
        self._classifier = Classifier(rule)
        self._schedule = rule.windows
        self._store = StatisticsStore(LISTS, rule.list_conditions)

    def add(self, event: Event) -> bool:
        """Read one event; return whether the search selects it."""
        error_type = self._classifier.classify(event)  # SPL 1 and 6
        if error_type is None:
            return False
        fields = [(column, event.value(field)) for column, field in self.rule.stats.values.items()]  # SPL 2 to 5
        values = [(column, str(value)) for column, value in fields if value is not None]
        window = self._schedule.window_of(event.time)
        self._store.add(window, event.host, event.time, [*values, ("error_types", error_type)])  # SPL 8
        self.selected += 1
        return True

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each host and window that had an event, by window, then host, one at a time."""
        for window, host, statistics in self._store.statistics():
            yield build_finding(self.rule, host, window, statistics, self._zone)  # SPL 7 and 10 to 13

    def close(self) -> None:
        """Delete what is stored of the events."""
        self._store.close()
