"""The groups of SPL 8 (one host in one window) in bounded memory: what is too much to hold waits in a temporary file."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from integration.detection.model import StatCondition
from integration.detection.schedule import Window
from integration.findings.finding import Statistics
from integration.findings.lists import DistinctValues, LeftOut, Part, Values
from integration.findings.spill import temporary_database

MAX_GROUPS = 20_000
"""The most groups in memory at a time."""
MAX_BYTES = 64 << 20
"""About the most that the lists of the groups in memory may take together, in UTF-8 and with what Python adds to a value."""

_TABLE = """CREATE TABLE part (
    start INTEGER, host BLOB, "end" INTEGER, run_at INTEGER, count INTEGER, first INTEGER, last INTEGER, holding TEXT, lists TEXT
)"""


class Group:
    """SPL 8 for one host and window, growing event by event."""

    __slots__ = ("count", "first", "holding", "last", "lists")

    def __init__(self) -> None:
        self.count = 0
        self.first, self.last = sys.maxsize, -sys.maxsize  # until the first event is taken
        self.lists: dict[str, DistinctValues] = {}
        self.holding: set[StatCondition] = set()

    def take(self, count: int, first: int, last: int) -> None:
        """Count events whose first and last time are these."""
        self.count += count
        self.first = min(self.first, first)
        self.last = max(self.last, last)


class Groups:
    """Every group of one rule; `statistics` gives them in order, whole, one at a time.

    A group may be in the file in several parts besides the one in memory; they are put together when it is given.
    """

    def __init__(self, columns: Sequence[str], conditions: Sequence[StatCondition]) -> None:
        self._columns = columns
        self._conditions = conditions
        self._conditions_on: dict[str, list[StatCondition]] = {}
        for condition in conditions:
            self._conditions_on.setdefault(condition.stat, []).append(condition)
        self._groups: dict[tuple[Window, str], Group] = {}
        self._bytes = 0
        self._left_out = LeftOut()
        self._file: sqlite3.Connection | None = None

    def at(self, window: Window, host: str) -> Group:
        """Give the group of an event; it may be added to until the next call."""
        if self._bytes > MAX_BYTES:
            self._set_aside()
        key = (window, host)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                self._set_aside()
            group = self._groups[key] = Group()
        return group

    def add(self, group: Group, name: str, value: str) -> None:
        """Take a value of a list, and see which conditions on the list it makes hold."""
        for condition in self._conditions_on.get(name, ()):
            if condition.contains is not None and condition.contains in value:
                group.holding.add(condition)
        values = group.lists.get(name)
        if values is None:
            values = group.lists[name] = DistinctValues(self._left_out)
        self._bytes += values.add(value)

    def statistics(self) -> Iterator[tuple[Window, str, Statistics]]:
        """Give every group by window, then by host in code-point order; takes no event meanwhile."""
        if self._file is None:
            for window, host in sorted(self._groups, key=lambda key: (key[0].start, key[1])):
                yield window, host, self._statistics(self._groups[window, host])
            return
        self._set_aside()
        # UTF-8, as `_set_aside` writes it, sorts by bytes as its text does by code points.
        rows = self._file.execute("SELECT * FROM part ORDER BY start, host")
        for (start, host, end, run_at), parts in groupby(rows, key=lambda row: row[:4]):
            group = self._merged(row[4:] for row in parts)
            yield Window(start, end, run_at), host.decode(errors="surrogatepass"), self._statistics(group)

    def close(self) -> None:
        """Give back what is on disk."""
        self._left_out.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _statistics(self, group: Group) -> Statistics:
        lists = {name: group.lists[name].values() if name in group.lists else Values(()) for name in self._columns}
        return Statistics(group.count, group.first, group.last, lists, frozenset(group.holding))

    def _set_aside(self) -> None:
        """Write all groups to the file and forget them."""
        if self._file is None:
            self._file = temporary_database(_TABLE)
        self._file.executemany("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._rows())
        self._groups.clear()
        self._bytes = 0

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for (window, host), group in self._groups.items():
            holding = [number for number, condition in enumerate(self._conditions) if condition in group.holding]
            lists = {name: values.part() for name, values in group.lists.items()}
            where = (window.start, host.encode(errors="surrogatepass"), window.end, window.run_at)
            yield (*where, group.count, group.first, group.last, json.dumps(holding), json.dumps(lists, ensure_ascii=False))

    def _merged(self, parts: Iterable[tuple[Any, ...]]) -> Group:
        group = Group()
        for count, first, last, holding, lists in parts:
            group.take(count, first, last)
            group.holding.update(self._conditions[number] for number in json.loads(holding))
            for name, part in json.loads(lists).items():
                group.lists.setdefault(name, DistinctValues(self._left_out)).merge(Part(*part))
        return group
