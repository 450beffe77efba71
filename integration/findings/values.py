"""The lists of a finding, bounded: SPL 8's `values()` and `dc()` for logs that an attacker may fill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MAX_VALUES = 10_000
"""The most values that a finding's list shows: the first in code-point order. The distinct ones beyond are counted."""
MAX_BYTES = 1 << 20
"""The most bytes of UTF-8 that the shown values of one list may take together: clusters refuse documents of 100 MB."""


@dataclass(frozen=True, slots=True)
class Values:
    """A list of SPL 8: the shown values in ascending code-point order, and how many distinct values were left out."""

    shown: tuple[str, ...]
    left_out: int = 0

    @property
    def distinct(self) -> int:
        """Return how many distinct values there are in all."""
        return len(self.shown) + self.left_out


def bounded_values(ordered: Iterable[str], distinct: int) -> Values:
    """Return the list of `distinct` values, which come in ascending order: shown up to the first that does not fit."""
    shown: list[str] = []
    room = MAX_BYTES
    for value in ordered:
        room -= len(value.encode())
        if room < 0 or len(shown) == MAX_VALUES:
            break
        shown.append(value)
    return Values(tuple(shown), distinct - len(shown))
