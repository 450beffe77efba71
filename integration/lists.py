"""Distinct values in bounded memory: the `values()` and `dc()` of SPL 8 for logs that an attacker may fill."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, insort
from dataclasses import dataclass
from hashlib import blake2b

MAX_VALUES = 10_000
"""The most values a finding's list shows: the first in code-point order; how many distinct ones are beyond is counted."""


@dataclass(frozen=True, slots=True)
class Values:
    """A list of SPL 8: the shown values in ascending code-point order, and how many distinct values were left out."""

    shown: tuple[str, ...]
    left_out: int = 0

    @property
    def distinct(self) -> int:
        """How many distinct values there are in all."""
        return len(self.shown) + self.left_out


class DistinctValues:
    """Collects strings; keeps the `MAX_VALUES` smallest, and counts the distinct rest exactly on disk."""

    __slots__ = ("_ordered", "_seen", "_spill")

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._ordered: list[str] | None = None
        self._spill: sqlite3.Connection | None = None

    def add(self, value: str) -> None:
        """Take one value; a repeated one changes nothing."""
        if value in self._seen:
            return
        if self._ordered is None:
            self._seen.add(value)
            if len(self._seen) > MAX_VALUES:
                self._ordered = sorted(self._seen)
                self._leave_out(self._ordered.pop())
            return
        if bisect_left(self._ordered, value) == len(self._ordered):
            self._remember(value)
            return
        insort(self._ordered, value)
        self._seen.add(value)
        self._leave_out(self._ordered.pop())

    def values(self) -> Values:
        """Give what was collected so far."""
        if self._spill is None:
            return Values(tuple(sorted(self._seen)))
        (count,) = self._spill.execute("SELECT count(*) FROM left_out").fetchone()
        return Values(tuple(self._ordered or ()), count)

    def close(self) -> None:
        """Give back the temporary file, if one was needed."""
        if self._spill is not None:
            self._spill.close()
            self._spill = None

    def _leave_out(self, value: str) -> None:
        self._seen.remove(value)
        self._remember(value)

    def _remember(self, value: str) -> None:
        if self._spill is None:
            self._spill = sqlite3.connect("", isolation_level=None)  # an empty name is a temporary file that SQLite removes itself
            self._spill.execute("PRAGMA synchronous=OFF")
            self._spill.execute("PRAGMA journal_mode=OFF")
            self._spill.execute("BEGIN")
            self._spill.execute("CREATE TABLE left_out (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        digest = blake2b(value.encode(), digest_size=16).digest()
        self._spill.execute("INSERT OR IGNORE INTO left_out VALUES (?)", (digest,))
