"""Globs as `fnmatch` reads them, taken apart into pieces that every engine can be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain, pairwise

from integration.detection.patterns import ANYTHING, InOrder, OneOf, Pattern, literal

_PIECE = re.compile(
    r"(?P<star>\*+)|(?P<one>\?|\[!?+\]?+[^\]]*+\])|(?P<text>.[^*?\[]*)",
    re.DOTALL,
)
_LAST = chr(0x10FFFF)


@dataclass(frozen=True, slots=True)
class Star:
    """Any text, none too."""


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


def pattern(glob: str) -> Pattern:
    """Give a glob as a pattern of a whole text."""
    return InOrder(tuple(chain.from_iterable(map(_patterns, pieces(glob)))))


def _patterns(piece: Piece) -> Iterable[Pattern]:
    match piece:
        case str():
            return literal(piece).parts
        case Star():
            return (ANYTHING,)
        case _:
            return (piece,)


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
