"""The search, in Python, line by line: events in, findings out. What the cluster says is held against this.

Pure: it knows events and the rule, no engine and no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from itertools import chain

from integration.events import Event
from integration.finding import Finding, Statistics, build_finding
from integration.lists import DistinctValues, LeftOut, Values
from integration.rule import Alternative, Rule, StatCondition, TextCondition
from integration.schedule import Window

_REGEX_FLAGS = re.ASCII | re.DOTALL  # as the rule's regular expressions are rendered for Java


def holds(condition: TextCondition, *, ignore_case: bool) -> Callable[[str], bool]:
    """Compile what a condition says of a line to a test; terms ignore case in SPL 1 and heed it in SPL 6."""
    fold = str.lower if ignore_case else str
    contains = [fold(term) for term in condition.contains]
    contains_all = [fold(term) for term in condition.contains_all]
    matches = [re.compile(pattern, _REGEX_FLAGS) for pattern in condition.matches]

    def test(line: str) -> bool:
        folded = fold(line)
        return (
            (not contains or any(term in folded for term in contains))
            and all(term in folded for term in contains_all)
            and (not matches or any(pattern.search(line) for pattern in matches))
        )

    return test


def _selects(alternative: Alternative) -> Callable[[Event], bool]:
    """SPL 1, one alternative: `level=ERROR ("*llama runner*" OR ...)`."""
    levels = frozenset(level.upper() for level in alternative.level)
    line_holds = holds(alternative, ignore_case=True)

    def test(event: Event) -> bool:
        level = event.value("log.level")
        level_holds = not levels or (isinstance(level, str) and level.isascii() and level.upper() in levels)
        return level_holds and line_holds(event.original)

    return test


class Classifier:
    """SPL 1 and 6 for one rule: is an event selected, and what is its error_type."""

    def __init__(self, rule: Rule) -> None:
        self._alternatives = [_selects(alternative) for alternative in rule.selection]
        self._classes = [(c.name, holds(c, ignore_case=False)) for c in rule.classification.classes]
        self._otherwise = rule.classification.otherwise

    def classify(self, event: Event) -> str | None:
        """Give the event's class, None for an event the search does not select."""
        if not any(selects(event) for selects in self._alternatives):
            return None
        return next((name for name, line_holds in self._classes if line_holds(event.original)), self._otherwise)


class _Group:
    """SPL 8 for one host and window, growing event by event."""

    __slots__ = ("count", "first", "holding", "last", "lists")

    def __init__(self, time: int) -> None:
        self.count = 0
        self.first = self.last = time
        self.lists: dict[str, DistinctValues] = {}
        self.holding: set[StatCondition] = set()

    def statistics(self, names: Sequence[str]) -> Statistics:
        lists = {name: self.lists[name].values() if name in self.lists else Values(()) for name in names}
        return Statistics(self.count, self.first, self.last, lists, frozenset(self.holding))


class Reference:
    """Evaluates one rule over events in any order, for all windows at once; `zone` is what SPL prints times in."""

    def __init__(self, rule: Rule, zone: tzinfo = UTC) -> None:
        self.rule = rule
        self.selected = 0
        self._zone = zone
        self._classifier = Classifier(rule)
        self._columns = tuple(rule.stats.values)
        self._conditions: dict[str, list[StatCondition]] = {}
        for condition in rule.list_conditions:
            self._conditions.setdefault(condition.stat, []).append(condition)
        self._schedule = rule.windows
        self._groups: dict[tuple[Window, str], _Group] = {}
        self._left_out = LeftOut()

    def add(self, event: Event) -> bool:
        """Take one event; True when the search selects it."""
        error_type = self._classifier.classify(event)
        if error_type is None:
            return False
        self.selected += 1
        key = (self._schedule.window_of(event.time), event.host)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(event.time)
        group.count += 1
        group.first = min(group.first, event.time)
        group.last = max(group.last, event.time)
        values = ((name, event.value(field)) for name, field in self._columns)
        for name, value in chain(values, [("error_types", error_type)]):
            if value is not None:
                self._take(group, name, str(value))
        return True

    def findings(self) -> list[Finding]:
        """Give a finding for each host and window that had an event, by window, then host."""
        names = (*(name for name, _ in self._columns), "error_types")
        found = [
            build_finding(self.rule, host, window, group.statistics(names), self._zone)
            for (window, host), group in self._groups.items()
        ]
        return sorted(found, key=lambda finding: finding.sort_key)

    def close(self) -> None:
        """Give back what very long lists keep on disk."""
        self._left_out.close()

    def _take(self, group: _Group, name: str, value: str) -> None:
        values = group.lists.get(name)
        if values is None:
            values = group.lists[name] = DistinctValues(self._left_out)
        values.add(value)
        for condition in self._conditions.get(name, ()):
            if condition.contains is not None and condition.contains in value:
                group.holding.add(condition)
