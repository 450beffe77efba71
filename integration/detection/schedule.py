"""When a rule runs and which window of time each run covers: cron, `earliest` and `latest` as Splunk writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError

MINUTE_MS = 60_000
_UNIT_MS = {"m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": 24 * 60 * MINUTE_MS}
_RELATIVE = re.compile(r"-(\d{1,5})([mhd])(?:@m)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Two days of runs show whether windows tile: a pattern that drifts over months (days of month) shows within them or is refused.
_CHECKED_RUNS = 48


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time one scheduled run covers: `start` inclusive to `end` exclusive, run at `run_at`; epoch milliseconds."""

    start: int
    end: int
    run_at: int


@dataclass(frozen=True)
class Schedule:
    """A cron expression (five fields, UTC) with the window's borders relative to each run.

    `earliest` and `latest` are Splunk's relative times such as `-70m@m`. Windows of consecutive runs must tile time, so that every
    event belongs to exactly one of them; `ValueError` says when they do not.
    """

    cron: str
    earliest: str
    latest: str

    def __post_init__(self) -> None:
        """Refuse what cannot be a schedule: bad cron, a window that ends before it starts, windows that overlap or leave gaps."""
        if len(self.cron.split()) != 5:
            raise ValueError(f"cron {self.cron!r} must have five fields: minute hour day month weekday")
        try:
            CronSim(self.cron, _EPOCH)
        except CronSimError as error:
            raise ValueError(f"cron {self.cron!r} is not valid: {error}") from error
        if self.earliest_ms >= self.latest_ms:
            raise ValueError(f"earliest {self.earliest} must lie before latest {self.latest}")
        runs = islice(self._fires(0), _CHECKED_RUNS)
        length = self.latest_ms - self.earliest_ms
        if any(later - earlier != length for earlier, later in pairwise(runs)):
            raise ValueError(
                f"runs by cron {self.cron!r} with windows of {length // MINUTE_MS} minutes overlap or leave gaps; "
                "the window from earliest to latest must be as long as the time between two runs"
            )

    @property
    def earliest_ms(self) -> int:
        """The window's start relative to the run, in milliseconds (negative)."""
        return _relative_ms(self.earliest)

    @property
    def latest_ms(self) -> int:
        """The window's end relative to the run, in milliseconds (negative or zero)."""
        return _relative_ms(self.latest)

    def last_run(self, at: int) -> Window:
        """Return the window of the run at `at` (epoch milliseconds), or of the last run before it."""
        after = _minute(at) + timedelta(minutes=1)
        return self._window(_millis(next(CronSim(self.cron, after, reverse=True))))

    def within(self, start: int, end: int) -> Iterator[Window]:
        """Yield every scheduled window that lies wholly in [`start`, `end`), in order of time."""
        for run in self._fires(start - self.earliest_ms - 1):
            window = self._window(run)
            if window.end > end:
                return
            yield window

    def window_of(self, time: int) -> Window:
        """Return the one window that holds `time` (epoch milliseconds)."""
        return _window_of(self, time // MINUTE_MS)

    def overlapping(self, start: int, end: int) -> Iterator[Window]:
        """Yield every window that holds an instant of [`start`, `end`), in order of time."""
        window = self.window_of(start)
        while window.start < end:
            yield window
            window = self.window_of(window.end)

    def _fires(self, after: int) -> Iterator[int]:
        """Yield the runs strictly after `after`, in epoch milliseconds."""
        for fire in CronSim(self.cron, _minute(after)):
            yield _millis(fire)

    def _window(self, run: int) -> Window:
        return Window(run + self.earliest_ms, run + self.latest_ms, run)


@lru_cache(maxsize=4096)
def _window_of(schedule: Schedule, minute: int) -> Window:
    # Borders lie on whole minutes, so all instants of a minute share their window.
    run = next(schedule._fires(minute * MINUTE_MS - schedule.latest_ms))  # noqa: SLF001 - the cache cannot be a method
    return schedule._window(run)  # noqa: SLF001


def _relative_ms(text: str) -> int:
    if text == "now":
        return 0
    match = _RELATIVE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a relative time such as -70m@m")
    return -int(match[1]) * _UNIT_MS[match[2]]


def _minute(millis: int) -> datetime:
    return _EPOCH + timedelta(minutes=millis // MINUTE_MS)


def _millis(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
