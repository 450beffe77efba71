"""What happens on a machine: the kinds of passages, how often each comes, and which episodes."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate, cycle
from random import Random
from typing import NamedTuple

from integration.sandbox.sample.clock import Clock
from integration.sandbox.sample.slots import filled
from integration.sandbox.sample.texts import Episode, Passage, Texts, texts_of

_READY_MADE = 600
_SPELLINGS: Mapping[str, tuple[int, Callable[[Clock, str], str]]] = {
    "level=": (0, Clock.slog),
    "[GIN] | ": (len("[GIN] "), Clock.gin),
    "[Recovery] ": (len("[Recovery] "), Clock.recovery),
}


class Scenario(StrEnum):
    """What a host's logs tell: only everyday work, faults too, an attack an hour, everything at once, or mostly debug chatter."""

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


class Filled(NamedTuple):
    """A passage with its slots filled in, and the episode that it is, if any."""

    episode: Episode | None
    lines: Sequence[Template]


class Script:
    """What a host of a scenario with one version of Ollama logs; `startup` comes first.

    Passages are made once and drawn from, which lets a generator keep up with a disk.
    """

    def __init__(self, scenario: Scenario, version: str, seed: int) -> None:
        rng = Random(f"{scenario} {version} {seed}")  # noqa: S311 - made-up logs need no secrets
        texts = texts_of(version)
        self.startup = Filled(None, _filled(texts.startup, rng))
        shares = _shares(scenario, texts)
        self._bounds = list(accumulate(share for share, _ in shares))
        self._stocks = [_stock(kinds, rng) for _, kinds in shares]
        self._hourly = {Scenario.NOISY: texts.faults, Scenario.ATTACK: texts.attacks}.get(scenario, ())

    def next(self, rng: Random) -> Filled:
        """Draw a passage."""
        stock = self._stocks[bisect(self._bounds, rng.random())]
        return stock[int(rng.random() * len(stock))]

    def hourly(self, rng: Random) -> Iterator[Filled]:
        """Yield the episodes of which each has an hour for itself: all of them in an order of the host's own, then again."""
        for episode in cycle(rng.sample(self._hourly, len(self._hourly))):
            yield Filled(episode, _filled(episode.text, rng))


def _shares(scenario: Scenario, texts: Texts) -> Sequence[tuple[float, Sequence[Passage | Episode]]]:
    """Return the kinds of passages with their shares, of the passages and not of the lines; they add up to one."""
    match scenario:
        case Scenario.BENIGN | Scenario.ATTACK:
            return ((1.0, texts.everyday),)
        case Scenario.NOISY:
            return ((0.7, texts.everyday), (0.3, texts.noise))
        case Scenario.MIXED:
            return ((0.5, texts.everyday), (0.3, texts.chatter), (0.15, texts.noise), (0.05, texts.attacks))
        case Scenario.DEBUG:
            return ((0.03, texts.everyday), (0.9695, texts.chatter), (0.0005, texts.attacks))


def _stock(kinds: Sequence[Passage | Episode], rng: Random) -> list[Filled]:
    drawn = rng.choices(kinds, [kind.weight if isinstance(kind, Passage) else 1 for kind in kinds], k=_READY_MADE)
    return [Filled(kind if isinstance(kind, Episode) else None, _filled(kind.text, rng)) for kind in drawn]


def _filled(text: str, rng: Random) -> list[Template]:
    return [_template(line) for line in filled(text, rng).split("\n")]


def _template(line: str) -> Template:
    rest = line.removeprefix("app: ")
    for beginning, (cut, spelling) in _SPELLINGS.items():
        if rest.startswith(beginning):
            return Template(rest is not line, spelling, rest[cut:])
    return Template(rest is not line, None, rest)
