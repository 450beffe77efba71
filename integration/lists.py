"""Distinct values in bounded memory: the `values()` and `dc()` of SPL 8 for logs that an attacker may fill."""

from __future__ import annotations

import sqlite3
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count

MAX_VALUES = 10_000
"""The most values a finding's list shows: the first in code-point order; how many distinct ones are beyond is counted."""
MAX_BYTES = 1 << 20
"""The most that the shown values of one list may take together, in UTF-8: clusters refuse documents of 100 MB."""


@dataclass(frozen=True, slots=True)
class Values:
    """A list of SPL 8: the shown values in ascending code-point order, and how many distinct values were left out."""

    shown: tuple[str, ...]
    left_out: int = 0

    @property
    def distinct(self) -> int:
        """How many distinct values there are in all."""
        return len(self.shown) + self.left_out


def listed(values: Iterable[str]) -> Values:
    """Give the list of all distinct values, which come in ascending code-point order: shown up to the first that does not fit."""
    shown: list[str] = []
    room, left_out = MAX_BYTES, 0
    for value in values:
        room -= 0 if left_out else len(value.encode())
        if left_out or room < 0 or len(shown) == MAX_VALUES:
            left_out += 1
        else:
            shown.append(value)
    return Values(tuple(shown), left_out)


class LeftOut:
    """Counts distinct values beyond the shown ones of many lists exactly, on disk: one temporary file however many lists."""

    def __init__(self) -> None:
        self._numbers = count()
        self._file: sqlite3.Connection | None = None

    def new_list(self) -> int:
        """Give the number of a list that nothing was left out of yet."""
        return next(self._numbers)

    def add(self, number: int, value: str) -> None:
        """Take a value that a list leaves out; a repeated one changes nothing."""
        if self._file is None:
            self._file = sqlite3.connect("", isolation_level=None)  # an empty name is a temporary file that SQLite removes itself
            self._file.execute("PRAGMA synchronous=OFF")
            self._file.execute("PRAGMA journal_mode=OFF")
            self._file.execute("BEGIN")
            self._file.execute("CREATE TABLE left_out (list INTEGER, digest BLOB, PRIMARY KEY (list, digest)) WITHOUT ROWID")
        digest = blake2b(value.encode(), digest_size=16).digest()
        self._file.execute("INSERT OR IGNORE INTO left_out VALUES (?, ?)", (number, digest))

    def count(self, number: int) -> int:
        """Count the distinct values that a list leaves out."""
        if self._file is None:
            return 0
        (found,) = self._file.execute("SELECT count(*) FROM left_out WHERE list = ?", (number,)).fetchone()
        return int(found)

    def close(self) -> None:
        """Give back the temporary file, if one was needed."""
        if self._file is not None:
            self._file.close()
            self._file = None


class DistinctValues:
    """Collects strings in any order; keeps those that `listed` would show, and lets the distinct rest be counted."""

    __slots__ = ("_bytes", "_left_out", "_number", "_ordered", "_seen", "_smallest_left_out")

    def __init__(self, left_out: LeftOut) -> None:
        self._left_out = left_out
        self._number: int | None = None
        self._seen: set[str] = set()
        self._bytes = 0
        # None until the first value is left out: few lists ever are so long that their order matters before the end.
        self._ordered: list[str] | None = None
        self._smallest_left_out = ""

    def add(self, value: str) -> None:
        """Take one value; a repeated one changes nothing."""
        if value in self._seen:
            return
        if self._number is not None and value >= self._smallest_left_out:
            self._left_out.add(self._number, value)
            return
        self._seen.add(value)
        self._bytes += len(value.encode())
        if self._ordered is not None:
            insort(self._ordered, value)
        while len(self._seen) > MAX_VALUES or self._bytes > MAX_BYTES:
            self._leave_out_the_last()

    def values(self) -> Values:
        """Give what was collected so far."""
        beyond = 0 if self._number is None else self._left_out.count(self._number)
        return Values(tuple(sorted(self._seen)), beyond)

    def _leave_out_the_last(self) -> None:
        if self._ordered is None:
            self._ordered = sorted(self._seen)
        if self._number is None:
            self._number = self._left_out.new_list()
        value = self._ordered.pop()
        self._seen.remove(value)
        self._bytes -= len(value.encode())
        self._smallest_left_out = value
        self._left_out.add(self._number, value)
