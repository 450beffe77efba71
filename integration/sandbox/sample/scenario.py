"""What happens on a machine: the kinds of episodes, and how often each comes."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import NamedTuple

from integration.sandbox.sample.clock import Clock
from integration.sandbox.sample.slots import Slots
from integration.sandbox.sample.texts import ATTACK, CHATTER, EVERYDAY, NOISE, STARTUP, Episode

_READY_MADE = 600
_SPELLINGS: Mapping[str, tuple[int, Callable[[Clock, str], str]]] = {
    "level=": (0, Clock.slog),
    "[GIN] | ": (len("[GIN] "), Clock.gin),
    "std: ": (len("std: "), Clock.std),
}


class Scenario(StrEnum):
    """What a host's logs tell: only everyday work, faults too, an attack, everything at once, or mostly debug chatter."""

    BENIGN = "benign"
    NOISY = "noisy"
    ATTACK = "attack"
    MIXED = "mixed"
    DEBUG = "debug"


class Template(NamedTuple):
    """A line but for its time: whether the desktop app writes it, how its time is written (None: not at all), and the rest."""

    app: bool
    spelling: Callable[[Clock, str], str] | None
    rest: str


class Script:
    """Gives the episodes of a scenario; `startup` and `overture` come first.

    Episodes are made once and drawn from, which lets a generator keep up with a disk.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        rng = Random(f"{scenario} {seed}")  # noqa: S311 - made-up logs need no secrets
        self.startup = _filled(STARTUP[0], rng)
        self.overture = [_filled(kinds[0], rng) for kinds in _OVERTURES[scenario]]
        shares = _SHARES[scenario]
        self._bounds = list(accumulate(share for share, _ in shares))
        self._stocks = [_stock(kinds, rng) for _, kinds in shares]

    def next(self, rng: Random) -> Sequence[Template]:
        """Draw an episode."""
        stock = self._stocks[bisect(self._bounds, rng.random())]
        return stock[int(rng.random() * len(stock))]


# Shares of the episodes, not of the lines; they add up to one.
_SHARES: Mapping[Scenario, Sequence[tuple[float, Sequence[Episode]]]] = {
    Scenario.BENIGN: ((1.0, EVERYDAY),),
    Scenario.NOISY: ((0.7, EVERYDAY), (0.3, NOISE)),
    Scenario.ATTACK: ((0.9, EVERYDAY), (0.02, NOISE), (0.08, ATTACK)),
    Scenario.MIXED: ((0.5, EVERYDAY), (0.3, CHATTER), (0.15, NOISE), (0.05, ATTACK)),
    Scenario.DEBUG: ((0.03, EVERYDAY), (0.9695, CHATTER), (0.0005, ATTACK)),
}
# A short log of an attack has an attack in it all the same.
_OVERTURES: Mapping[Scenario, Sequence[Sequence[Episode]]] = {
    Scenario.BENIGN: (),
    Scenario.NOISY: (NOISE,),
    Scenario.ATTACK: (ATTACK,),
    Scenario.MIXED: (ATTACK,),
    Scenario.DEBUG: (CHATTER,),
}


def _stock(kinds: Sequence[Episode], rng: Random) -> list[list[Template]]:
    drawn = rng.choices(kinds, [kind.weight for kind in kinds], k=_READY_MADE)
    return [_filled(kind, rng) for kind in drawn]


def _filled(episode: Episode, rng: Random) -> list[Template]:
    text = episode.text.strip().format_map(Slots(rng))
    return [_template(line) for line in text.split("\n")]


def _template(line: str) -> Template:
    rest = line.removeprefix("app: ")
    for beginning, (cut, spelling) in _SPELLINGS.items():
        if rest.startswith(beginning):
            return Template(rest is not line, spelling, rest[cut:])
    return Template(rest is not line, None, rest)
