"""The scheduler as a service: it ticks, waits and ticks again, retries after faults, and ends when it is asked to stop."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set, wait_random_exponential

from integration.errors import ClusterError, DetectError, PartlyAppliedError
from integration.scheduler.health import Health
from integration.scheduler.jsonlog import Log
from integration.scheduler.scheduler import Scheduler
from integration.times import rfc3339

_LONGEST_RETRY_PAUSE = 60.0
# So often health is told at least, and a cluster that went away is noticed.
_LONGEST_PAUSE = 10.0
# The last is what a full disk does to a temporary file.
_FAULTS = (ClusterError, PartlyAppliedError, sqlite3.OperationalError)


def retrying(
    faults: tuple[type[Exception], ...],
    health: Health,
    wait: Callable[[float], None],
    log: Log,
    stop: threading.Event,
    last_windows: Callable[[], dict[str, str]] = dict,
) -> Retrying:
    """Return a caller that repeats a function after these faults with growing pauses; it returns None when asked to stop first."""

    def failing(state: RetryCallState) -> None:
        error = str(state.outcome.exception()) if state.outcome else ""
        log("error", "failing", error=error, attempt=state.attempt_number, again_in_seconds=round(state.upcoming_sleep, 1))
        health.say("failing", last_windows(), error)

    return Retrying(
        retry=retry_if_exception_type(faults),
        wait=wait_random_exponential(multiplier=1, max=_LONGEST_RETRY_PAUSE),
        stop=stop_when_event_set(stop),
        sleep=wait,
        before_sleep=failing,
        retry_error_callback=lambda _: None,
    )


class Service:
    """Runs a scheduler; `wait` takes seconds and returns early when the service is to stop."""

    def __init__(
        self,
        scheduler: Scheduler,
        health: Health,
        now: Callable[[], int],
        wait: Callable[[float], None],
        log: Log,
        stop: threading.Event,
    ) -> None:
        self._scheduler = scheduler
        self._health = health
        self._now = now
        self._wait = wait
        self._log = log
        self._stop = stop
        self._windows = 0
        self._retrying = retrying(_FAULTS, health, wait, log, stop, lambda: scheduler.last_windows)
        scheduler.on_window = self._window_ran

    def run(self) -> None:
        """Run until asked to stop. No fault of the cluster ends it, nor does a full disk."""
        with self._end_reported():
            while not self._stop.is_set():
                self._retrying(self._tick)
                self._wait(self._pause())

    def run_once(self) -> None:
        """Run what is due and end; faults of the cluster are raised. That nothing was due is logged, with when the next run is."""
        with self._end_reported():
            self._tick()
            if not self._windows:
                self._log("info", "nothing_due", next_run=rfc3339(self._scheduler.next_due(), millis=False))

    def _window_ran(self) -> None:
        self._windows += 1
        self._say_running()

    def _tick(self) -> None:
        self._scheduler.tick()
        self._say_running()

    @contextmanager
    def _end_reported(self) -> Iterator[None]:
        try:
            yield
        except DetectError as error:
            self._health.say("failing", self._scheduler.last_windows, str(error))
            raise
        self._health.say("stopped", self._scheduler.last_windows)

    def _say_running(self) -> None:
        self._health.say("running", self._scheduler.last_windows)

    def _pause(self) -> float:
        """Return the seconds until a rule is due, within bounds."""
        due = (self._scheduler.next_due() - self._now()) / 1000
        return max(0.05, min(due, _LONGEST_PAUSE))
