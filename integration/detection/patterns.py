"""Patterns taken apart, whatever they were written in, and how much work Lucene has with one.

Lucene runs a pattern as an automaton that it makes deterministic first, and fails where that takes too much: an `a` followed by any
twenty characters, anywhere in a text, needs a million states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

_CODE_POINTS = 0x110000


@dataclass(frozen=True, slots=True)
class OneOf:
    """One character (code point) in any of the ranges, both ends included, or, `negated`, in none of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def takes(self, character: str) -> bool:
        """Whether a character is one of these."""
        return any(low <= character <= high for low, high in self.ranges) is not self.negated


@dataclass(frozen=True, slots=True)
class InOrder:
    """One part after the other; none of them is the empty text."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the parts."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A part as often as `least` to `most` times; `most` is None where there is no bound."""

    part: Pattern
    least: int
    most: int | None


Pattern = OneOf | InOrder | AnyOf | Repeated
ANY = OneOf((), negated=True)
ANYTHING = Repeated(ANY, 0, None)
"""Any text, none too."""


def literal(text: str) -> InOrder:
    """Give the pattern of a text itself."""
    return InOrder(tuple(OneOf(((character, character),)) for character in text))


def holding(pattern: Pattern) -> InOrder:
    """Give the pattern of all that holds what `pattern` matches."""
    return InOrder((ANYTHING, pattern, ANYTHING))


def is_simple(pattern: Pattern, work: int) -> bool:
    """Whether Lucene can make the pattern's automaton deterministic with little `work`: the positions of all its states together.

    Lucene 10 does so once, Lucene 9 first with each group that is repeated or has alternatives.
    """
    try:
        for groups_first in (False, True):
            automaton = _Automaton(work, groups_first)
            automaton.deterministic(automaton.add(pattern))
    except _TooMuchError:
        return False
    return True


class _TooMuchError(Exception):
    """The work is used up."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Where a part begins and ends: positions of characters in it, and whether it may be nothing at all."""

    first: set[int]
    last: set[int]
    empty: bool


@dataclass(frozen=True, slots=True)
class _Deterministic:
    """For each state, the first being where it starts, the characters that lead to others; and the states where it may end."""

    arrows: list[dict[int, list[tuple[str, str]]]]
    ends: set[int]


@dataclass(slots=True)
class _Automaton:
    """Glushkov's: a position for each character of the pattern, repetitions written out, and which may follow which."""

    work: int
    groups_first: bool
    characters: list[OneOf] = field(default_factory=list)
    follow: list[set[int]] = field(default_factory=list)

    def add(self, pattern: Pattern) -> _Part:
        """Add a part's positions; they follow each other, and nothing else yet."""
        match pattern:
            case OneOf():
                at = self._position(pattern)
                return _Part({at}, {at}, empty=False)
            case InOrder(parts):
                return self._in_order(self.add(part) for part in parts)
            case Repeated(OneOf()):
                return self._plain(pattern)
            case _ if self.groups_first:
                group = _Automaton(self.work, groups_first=True)
                part = group._plain(pattern)
                return self._made(group.deterministic(part), empty=part.empty)
            case _:
                return self._plain(pattern)

    def deterministic(self, whole: _Part) -> _Deterministic:
        """Build the deterministic automaton of the whole."""
        left = self.work
        numbers = {frozenset[int](): 0}
        todo = list(numbers)
        arrows: list[dict[int, list[tuple[str, str]]]] = []
        for state in todo:
            left -= len(state) + 1
            if left < 0:
                raise _TooMuchError
            following = {at for before in state for at in self.follow[before]} if state else whole.first
            arrows.append({})
            for low, high in _stretches(self.characters[at] for at in following):
                target = frozenset(at for at in following if self.characters[at].takes(low))
                if target and target not in numbers:
                    numbers[target] = len(numbers)
                    todo.append(target)
                if target:
                    arrows[-1].setdefault(numbers[target], []).append((low, high))
        ends = {number for state, number in numbers.items() if not state.isdisjoint(whole.last)}
        return _Deterministic(arrows, ends)

    def _position(self, character: OneOf) -> int:
        if len(self.characters) >= self.work:
            raise _TooMuchError
        self.characters.append(character)
        self.follow.append(set())
        return len(self.characters) - 1

    def _made(self, made: _Deterministic, *, empty: bool) -> _Part:
        """Add a part that is deterministic already: a position for each arrow."""
        leaving = [{target: self._position(OneOf(tuple(r))) for target, r in arrows.items()} for arrows in made.arrows]
        for positions in leaving:
            for target, at in positions.items():
                self.follow[at] |= set(leaving[target].values())
        last = {at for positions in leaving for target, at in positions.items() if target in made.ends}
        return _Part(set(leaving[0].values()), last, empty)

    def _plain(self, pattern: AnyOf | Repeated) -> _Part:
        match pattern:
            case AnyOf(parts):
                found = [self.add(part) for part in parts]
                first, last = set().union(*(part.first for part in found)), set().union(*(part.last for part in found))
                return _Part(first, last, any(part.empty for part in found))
            case Repeated(part, least, most):
                return self._in_order(self._copies(part, least, most))

    def _in_order(self, parts: Iterable[_Part]) -> _Part:
        first, last, empty = set[int](), set[int](), True
        for part in parts:
            for at in last:
                self.follow[at] |= part.first
            first |= part.first if empty else set()
            last = part.last | (last if part.empty else set())
            empty = empty and part.empty
        return _Part(first, last, empty)

    def _copies(self, part: Pattern, least: int, most: int | None) -> Iterator[_Part]:
        for _ in range(least if most is not None else max(0, least - 1)):
            yield self.add(part)
        if most is None:
            looped = self.add(part)
            for at in looped.last:
                self.follow[at] |= looped.first
            yield _Part(looped.first, looped.last, looped.empty or least == 0)
        elif most > least:
            yield self._optional(part, most - least)

    def _optional(self, part: Pattern, most: int) -> _Part:
        """Up to `most` copies, each of which may come only after the one before it."""
        copies = [self.add(part) for _ in range(most)]
        for before, after in pairwise(copies):
            for at in before.last:
                self.follow[at] |= after.first
        return _Part(copies[0].first, {at for copy in copies for at in copy.last}, empty=True)


def _stretches(characters: Iterable[OneOf]) -> Iterator[tuple[str, str]]:
    """Give stretches of code points, first and last of each, of which these tell none apart."""
    ranges = {each for character in characters for each in character.ranges}
    starts = sorted({0, *(ord(low) for low, _ in ranges), *(ord(high) + 1 for _, high in ranges)} - {_CODE_POINTS})
    yield from ((chr(start), chr(after - 1)) for start, after in pairwise([*starts, _CODE_POINTS]))
