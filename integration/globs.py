"""Globs as `fnmatch` reads them, taken apart into pieces that every engine can be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain, pairwise

_PIECE = re.compile(
    r"(?P<star>\*+)|(?P<one>\?|\[!?+\]?+[^\]]*+\])|(?P<text>.[^*?\[]*)",
    re.DOTALL,
)
_LAST = chr(0x10FFFF)


@dataclass(frozen=True, slots=True)
class Star:
    """Any text, none too."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """One character (code point) in any of the ranges, both ends included, or, `negated`, in none of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool


Piece = str | OneOf | Star
"""A text stands for itself."""


def pieces(glob: str) -> Iterator[Piece]:
    """Give a glob's pieces in their order. `?` is a character in none of no ranges; `[z-a]`, which none is in, one of no ranges."""
    for found in _PIECE.finditer(glob):
        match found.lastgroup:
            case "star":
                yield Star()
            case "one":
                yield _one_of(found[0])
            case _:
                yield found[0]


def is_simple(glob: str, work: int) -> bool:
    """Whether a deterministic automaton for a glob can be built with little `work`: the positions of all its states together.

    Engines build one for a regular expression, and fail where that takes too much, as for `*a????????????????`.
    """
    steps = [step for piece in pieces(glob) for step in (piece if isinstance(piece, str) else (piece,))]
    seen = {_with_what_follows({0}, steps)}
    todo = list(seen)
    while todo and work >= 0:
        state = todo.pop()
        work -= len(state)
        here = [(at, step) for at in state for step in steps[at : at + 1]]
        moved = ({at + (step != Star()) for at, step in here if _takes(step, c)} for c in _telling(step for _, step in here))
        new = {_with_what_follows(each, steps) for each in moved} - seen
        seen |= new
        todo += new
    return work >= 0


def _with_what_follows(positions: set[int], steps: Sequence[Piece]) -> frozenset[int]:
    """Add what comes after a `*`, which may stand for nothing."""
    return frozenset(positions | {at + 1 for at in positions if steps[at : at + 1] == [Star()]})


def _takes(step: Piece, character: str) -> bool:
    match step:
        case OneOf(ranges, negated):
            return any(low <= character <= high for low, high in ranges) is not negated
        case _:
            return step == Star() or step == character


def _telling(steps: Iterable[Piece]) -> set[str]:
    """Give characters of every kind that the steps tell apart: that changes only at the ends of ranges, and just after them."""
    ends = {
        end for step in steps for end in (chain(*step.ranges) if isinstance(step, OneOf) else step if isinstance(step, str) else "")
    }
    return {"\0", *ends, *(chr(min(ord(end) + 1, ord(_LAST))) for end in ends)}


def _one_of(pattern: str) -> OneOf:
    """Ask `fnmatch` itself what is in a set: that changes only at the characters it names, and just after them."""
    negated = fnmatchcase(_LAST, pattern)
    named = {ord(character) for character in pattern}
    borders = [*sorted({0} | named | {code + 1 for code in named}), ord(_LAST) + 1]
    ranges: list[tuple[int, int]] = []
    for low, after in pairwise(borders):
        if fnmatchcase(chr(low), pattern) is not negated:
            start = ranges.pop()[0] if ranges and ranges[-1][1] == low - 1 else low
            ranges.append((start, after - 1))
    return OneOf(tuple((chr(low), chr(high)) for low, high in ranges), negated)
