"""The search in Python, line by line: events in, findings out. The cluster's findings are compared with these.

It knows events and the rule, no engine and no log file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, tzinfo
from functools import reduce
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from ahocorasick_rs import BytesAhoCorasick

from integration.detection.case import fold
from integration.detection.conditions import (
    LINE_KIND,
    NO_LEVEL,
    AddressField,
    Condition,
    NumberField,
    TextCondition,
    TextField,
)
from integration.detection.model import Rule
from integration.detection.needles import needles_of, needles_of_level
from integration.detection.schedule import Window
from integration.findings.finding import Finding, Statistics, build_finding
from integration.findings.store import StatisticsStore
from integration.log.event import Event

REGEX_FLAGS = re.ASCII | re.DOTALL  # as the rule's regular expressions are rendered for Java


class _Once:
    """An event whose values are worked out once, however many conditions ask for them."""

    __slots__ = ("_event", "_values", "original")

    def __init__(self, event: Event) -> None:
        self.original = event.original
        self._event = event
        self._values: dict[str, str | int | None] = {}

    def value(self, field: str) -> str | int | None:
        if field not in self._values:
            self._values[field] = self._event.value(field)
        return self._values[field]


Tried = Event | _Once
"""What conditions ask for its line and its values."""
EventTest = Callable[[Tried], bool]
"""Whether something holds of an event."""


def holds(condition: Condition, *, ignore_case: bool) -> EventTest:
    """Compile a condition on an event to a test. Terms ignore case in SPL 1, not in SPL 6."""
    return reduce(_both, (*_beside_line(condition), *_on_line(condition, ignore_case=ignore_case)))


def _both(first: EventTest, second: EventTest) -> EventTest:
    return lambda event: first(event) and second(event)


def _either(first: EventTest, second: EventTest) -> EventTest:
    return lambda event: first(event) or second(event)


def _beside_line(condition: Condition) -> Iterator[EventTest]:
    """The conditions on the kind of the line, the level and the fields."""
    if condition.kind:
        yield lambda event: event.value(LINE_KIND) in condition.kind
    if condition.level:
        yield _level(condition.level)
    if condition.not_level:
        other = _level(condition.not_level)
        yield lambda event: not other(event)
    for field, stated in condition.fields.stated.items():
        yield _field(field, stated)


def _level(names: Sequence[str]) -> EventTest:
    """The automatic field `level` is one of the names, ignoring the case of ASCII letters; an event may have none."""
    levels = frozenset(name.upper() for name in names)

    def test(event: Tried) -> bool:
        level = event.value("log.level")
        if level is None:
            return NO_LEVEL.upper() in levels
        return isinstance(level, str) and level.isascii() and level.upper() in levels - {NO_LEVEL.upper()}

    return test


def _field(field: str, stated: TextField | NumberField | AddressField) -> EventTest:
    holds_value = _TESTS[type(stated)](stated)

    def test(event: Tried) -> bool:
        value = event.value(field)
        return value is not None and bool(holds_value(value))

    return test


def _text_field(stated: TextField) -> Callable[[str], bool]:
    patterns = [re.compile(pattern, REGEX_FLAGS) for pattern in stated.matches]
    return lambda value: (
        value in stated.equals
        or value.startswith(stated.begins)
        or any(term in value for term in stated.contains)
        or any(pattern.search(value) for pattern in patterns)
    )


def _address(text: str) -> IPv4Address | IPv6Address:
    """Read an address; one of IPv4 in an IPv6 form is one of IPv4, as an index keeps it."""
    address = ip_address(text)
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def indexed_value(field: str, value: str | int) -> str:
    """Return a value of a list as an index has it: addresses in their shortest form."""
    return str(_address(str(value))) if field == "source.ip" else str(value)


def _address_field(stated: AddressField) -> Callable[[str], bool]:
    within, not_in = stated.networks

    def test(value: str) -> bool:
        address = _address(value)
        return (not within or any(address in each for each in within)) and not any(address in each for each in not_in)

    return test


_TESTS: dict[type, Callable[[Any], Callable[[Any], bool]]] = {
    TextField: _text_field,
    NumberField: lambda stated: stated.holds,
    AddressField: _address_field,
}


def _on_line(condition: Condition, *, ignore_case: bool) -> Iterator[EventTest]:
    """The conditions on the line's text, regular expressions last."""
    yield from _literals(condition, ignore_case=ignore_case)
    if condition.any_of:
        parts = [(*_literals(part, ignore_case=ignore_case), *_patterns(part)) for part in condition.any_of]
        yield reduce(_either, [reduce(_both, part) for part in parts])
    yield from _patterns(condition)


def _literals(condition: TextCondition, *, ignore_case: bool) -> Iterator[EventTest]:
    compared = fold if ignore_case else str
    contains, contains_all = (tuple(map(compared, terms)) for terms in (condition.contains, condition.contains_all))
    if contains:
        yield lambda event: any(map(compared(event.original).__contains__, contains))
    if contains_all:
        yield lambda event: all(map(compared(event.original).__contains__, contains_all))


def _patterns(condition: TextCondition) -> Iterator[EventTest]:
    searches = [re.compile(pattern, REGEX_FLAGS).search for pattern in condition.matches]
    if searches:
        yield lambda event: any(search(event.original) for search in searches)


class Classifier:
    """SPL 1 and 6 for one rule: whether an event is selected, and its class."""

    def __init__(self, rule: Rule) -> None:
        self._alternatives = [holds(alternative, ignore_case=True) for alternative in rule.selection]
        classes = rule.classification.classes
        self._classes = [(None if each.excuses else each.name, holds(each, ignore_case=False)) for each in classes]
        self._otherwise = rule.classification.otherwise
        self._levels = needles_of_level(rule)
        # Of many classes most state texts, and few lines hold one: no other class is tried.
        needles = [needles_of(each) for each in classes]
        self._always = frozenset(number for number, each in enumerate(needles) if not each)
        every = sorted({needle for each in needles for needle in each})
        self._stating = [frozenset(number for number, each in enumerate(needles) if needle in each) for needle in every]
        self._needles = BytesAhoCorasick([needle.encode() for needle in every])

    def classify(self, event: Event) -> str | None:
        """Return the event's class, None for an event that the search does not select."""
        line = event.original.lower()
        if self._levels and not line.startswith("{") and not any(map(line.__contains__, self._levels)):
            return None
        hits = self._needles.find_matches_as_indexes(line.encode(errors="replace"), overlapping=True)
        tried = self._always.union(*[self._stating[needle] for needle, _, _ in hits])
        once = _Once(event)
        classes = (self._classes[number] for number in sorted(tried))
        label = next((name for name, takes in classes if takes(once)), self._otherwise)
        return label if label is not None and any(selects(once) for selects in self._alternatives) else None


class Reference:
    """Evaluates one rule over events in any order, for all windows at once; `zone` is what SPL prints times in. Close it.

    With a `window` it is one search over that span alone, as a person runs it.
    """

    def __init__(self, rule: Rule, zone: tzinfo = UTC, window: Window | None = None) -> None:
        self.rule = rule
        self._window = window
        self.selected = 0
        self._zone = zone
        self._classifier = Classifier(rule)
        self._schedule = rule.windows
        self._store = StatisticsStore(rule)

    def selects(self, event: Event) -> bool:
        """Return whether the search selects an event, whenever it was."""
        return self._classifier.classify(event) is not None

    def add(self, event: Event) -> str | None:
        """Read one event; return its class, None where the search does not select it."""
        if self._window is not None and not self._window.start <= event.time < self._window.end:
            return None
        label = self._classifier.classify(event)  # SPL 1 and 6
        if label is None:
            return None
        fields = [(column, event.value(field)) for column, field in self.rule.field_lists.items()]  # SPL 2 to 5
        values = [(column, indexed_value(self.rule.field_lists[column], value)) for column, value in fields if value is not None]
        window = self._window or self._schedule.window_of(event.time)
        self._store.add(window, event.host, event.time, label, values)  # SPL 8
        self.selected += 1
        return label

    def statistics(self) -> Iterator[tuple[Window, str, Statistics]]:
        """Yield what SPL 8 says of each host and window that had an event, by window, then host."""
        return self._store.statistics()

    def findings(self) -> Iterator[Finding]:
        """Yield the findings of the hosts and windows that had an event, by window, then host, one at a time."""
        for window, host, statistics in self.statistics():
            finding = build_finding(self.rule, host, window, statistics, self._zone)  # SPL 7 and 10 to 13
            if finding is not None:
                yield finding

    def close(self) -> None:
        """Delete what is stored of the events."""
        self._store.close()
