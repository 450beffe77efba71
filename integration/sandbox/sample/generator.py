"""Made-up logs, line by line: the same for the same plan, however many lines are taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from integration.errors import InputError
from integration.sandbox.sample.clock import WRAPPINGS, Clock, Prefix
from integration.sandbox.sample.scenario import Filled, Scenario, Script
from integration.sandbox.sample.texts import VERSIONS, Episode
from integration.times import now

SERVER_LOG = "server.log"
APP_LOG = "app.log"
DEFAULT_SCENARIOS = (Scenario.ATTACK, Scenario.NOISY, Scenario.BENIGN)
"""The first is that of a single host."""

_HOUR_MS = 3_600_000
_USUAL_SPAN = 6 * _HOUR_MS
_YEAR_9899_MS = 250_215_091_200_000
_LONGEST_STEP_MS = 40
_EPISODE_LINES = 50
_LATEST_EPISODE_MS = 48 * 60_000
"""Into its hour; later it might reach into the next window of a rule, which begins ten minutes before the hour."""


def start_of_last(span: int) -> int:
    """Return when a log of `span` milliseconds begins that ends with the last full hour."""
    return now() // _HOUR_MS * _HOUR_MS - span


@dataclass(frozen=True, slots=True)
class Plan:
    """What logs to make up; raises `InputError` for what cannot be.

    Hosts take turns with the scenarios, and with the versions of Ollama. `lines` is that of all hosts together. Times lie in
    [start, start + span), both in milliseconds; by default they are the last six full hours.
    """

    hosts: int = 3
    lines: int = 3_000
    scenarios: tuple[Scenario, ...] = DEFAULT_SCENARIOS
    seed: int = 0
    start: int = field(default_factory=lambda: start_of_last(_USUAL_SPAN))
    span: int = _USUAL_SPAN
    prefix: Prefix = Prefix.BARE

    def __post_init__(self) -> None:
        if self.hosts < 1 or self.span < 1 or self.lines < 0 or not self.scenarios:
            raise InputError("a sample needs at least one host, one scenario and a millisecond, and no negative number of lines")
        if self.start < 0 or self.start + self.span > _YEAR_9899_MS:
            raise InputError("a sample's times lie between the years 1970 and 9898")

    @property
    def end(self) -> int:
        """The end of the logs' time, which no line reaches."""
        return self.start + self.span


class Line(NamedTuple):
    """A line of a host's log, and which file it is in: the desktop app has one of its own, unless a transport joins them.

    `instant` is its time, `episode` what it belongs to, if anything, `last` whether that ends with it.
    """

    file: str
    text: str
    instant: int
    episode: Episode | None
    last: bool


def generate(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield pairs of host and line: the hosts take turns, and each host's lines come in the order of time."""
    running = deque((host, lines) for host, _version, lines in by_host(plan))
    while running:
        host, lines = running.popleft()
        if (line := next(lines, None)) is not None:
            yield host, line.text
            running.append((host, lines))


def by_host(plan: Plan) -> Iterator[tuple[str, str, Iterator[Line]]]:
    """Yield each host with its version of Ollama and its lines, which are made as they are taken."""
    scripts: dict[tuple[int, int], Script] = {}
    digits = max(2, len(str(plan.hosts)))
    for number in range(plan.hosts):
        turn, place = divmod(number, len(plan.scenarios))
        version = (turn + place) % len(VERSIONS)  # so that every scenario comes to every version
        if (place, version) not in scripts:
            scripts[place, version] = Script(plan.scenarios[place], VERSIONS[version], plan.seed)
        share = plan.lines // plan.hosts + (number < plan.lines % plan.hosts)
        host = f"gpu-{number + 1:0{digits}d}"
        yield host, VERSIONS[version], _lines(plan, host, share, scripts[place, version])


def _lines(plan: Plan, host: str, share: int, script: Script) -> Iterator[Line]:
    rng = Random(f"{host} {plan.seed}")  # noqa: S311 - made-up logs need no secrets
    clock, wrap = Clock(), WRAPPINGS.get(plan.prefix)
    app_log = APP_LOG if wrap is None else SERVER_LOG
    done, now = 0, plan.start
    # Lines of a passage follow closely upon each other, unless the whole log is denser than that.
    step = min(_LONGEST_STEP_MS, plan.span / (share or 1))
    hourly = _hourly(plan, host, share, script)
    due = next(hourly, None)
    passage = script.startup
    while done < share:
        for number, (app, spelling, rest) in enumerate(passage.lines, 1):
            clock.set(now)
            text = rest if spelling is None else spelling(clock, rest)
            if wrap is not None:
                text = wrap(clock, host, text)
            yield Line(app_log if app else SERVER_LOG, text, now, passage.episode, number == len(passage.lines))
            done += 1
            if done >= share:
                return
            now = min(now + int(rng.random() * step), plan.end - 1)
        then = max(now, min(plan.start + int(plan.span * (done + rng.random()) / share), plan.end - 1))
        # The last one comes before the lines run out.
        if due is not None and (due[0] <= then or share - done <= len(due[1].lines) + _EPISODE_LINES):
            now, passage = max(now, due[0]), due[1]
            due = next(hourly, None)
        else:
            now, passage = then, script.next(rng)


def _hourly(plan: Plan, host: str, share: int, script: Script) -> Iterator[tuple[int, Filled]]:
    """Yield the episodes that have an hour for themselves, with their times; the first comes at once, so that a short log has one.

    Where the log is too short for one in every hour, hours are left out: half of the lines at most are those of episodes.
    """
    rng = Random(f"{host} {plan.seed} episodes")  # noqa: S311 - made-up logs need no secrets
    first = plan.start // _HOUR_MS
    last = (plan.end - 1) // _HOUR_MS
    every = max(1, -(-(last - first + 1) * _EPISODE_LINES // max(1, share // 2)))
    for hour, filled in zip(range(first, last + 1, every), script.hourly(rng), strict=False):
        begin = max(plan.start, hour * _HOUR_MS)
        room = min(plan.end, hour * _HOUR_MS + _LATEST_EPISODE_MS) - begin
        if room > 0:
            yield begin + (0 if hour == first else int(rng.random() * room)), filled
