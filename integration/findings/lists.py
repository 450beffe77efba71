"""Distinct values in bounded memory: the `values()` and `dc()` of SPL 8 for logs that an attacker may fill."""

from __future__ import annotations

import sqlite3
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from typing import NamedTuple

from integration.findings.spill import temporary_database

MAX_VALUES = 10_000
"""The most values a finding's list shows: the first in code-point order; how many distinct ones are beyond is counted."""
MAX_BYTES = 1 << 20
"""The most that the shown values of one list may take together, in UTF-8: clusters refuse documents of 100 MB."""

_TABLE = "CREATE TABLE left_out (list INTEGER, digest BLOB, PRIMARY KEY (list, digest)) WITHOUT ROWID"
_BYTES_A_VALUE = 100  # of a string and its place in a set, besides its characters


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
        digest = blake2b(value.encode(), digest_size=16).digest()
        self._database().execute("INSERT OR IGNORE INTO left_out VALUES (?, ?)", (number, digest))

    def join(self, number: int, other: int) -> None:
        """Let the list `number` leave out what the list `other` leaves out, too."""
        self._database().execute("INSERT OR IGNORE INTO left_out SELECT ?, digest FROM left_out WHERE list = ?", (number, other))

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

    def _database(self) -> sqlite3.Connection:
        if self._file is None:
            self._file = temporary_database(_TABLE)
        return self._file


class Part(NamedTuple):
    """What `DistinctValues` has collected, as it can be kept elsewhere: the values to show, in no order, and what was left out."""

    shown: list[str]
    number: int | None
    smallest_left_out: str


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

    def add(self, value: str) -> int:
        """Take one value; a repeated one changes nothing. Gives by about how many bytes what is held in memory grew."""
        if value in self._seen:
            return 0
        if self._number is not None and value >= self._smallest_left_out:
            self._left_out.add(self._number, value)
            return 0
        before = self._held
        self._seen.add(value)
        self._bytes += len(value.encode())
        if self._ordered is not None:
            insort(self._ordered, value)
        while len(self._seen) > MAX_VALUES or self._bytes > MAX_BYTES:
            self._leave_out_the_last()
        return self._held - before

    def part(self) -> Part:
        """Give what was collected so far, for `merge`."""
        return Part(list(self._seen), self._number, self._smallest_left_out)

    def merge(self, part: Part) -> None:
        """Take all that others, which share the `LeftOut`, collected of the same list.

        What a part leaves out, the whole does, too: the values before it are at least as many and as long.
        """
        if part.number is not None:
            limit = part.smallest_left_out
            if self._number is None:
                self._number = part.number
            else:
                self._left_out.join(self._number, part.number)
                limit = min(limit, self._smallest_left_out)
            while self._seen and self._in_order()[-1] >= limit:
                self._leave_out_the_last()
            self._smallest_left_out = limit
        for value in part.shown:
            self.add(value)

    def values(self) -> Values:
        """Give what was collected so far."""
        beyond = 0 if self._number is None else self._left_out.count(self._number)
        return Values(tuple(sorted(self._seen)), beyond)

    @property
    def _held(self) -> int:
        return self._bytes + len(self._smallest_left_out) + _BYTES_A_VALUE * len(self._seen)

    def _in_order(self) -> list[str]:
        if self._ordered is None:
            self._ordered = sorted(self._seen)
        return self._ordered

    def _leave_out_the_last(self) -> None:
        if self._number is None:
            self._number = self._left_out.new_list()
        value = self._in_order().pop()
        self._seen.remove(value)
        self._bytes -= len(value.encode())
        # What is longer than a list may be is as good cut: nothing that begins with it can be shown.
        self._smallest_left_out = value[: MAX_BYTES + 1]
        self._left_out.add(self._number, value)
