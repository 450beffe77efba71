"""The scheduler as a service: tick, wait, tick; through outages with backoff, until it is asked to stop."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set, wait_random_exponential

from integration.errors import ClusterError, DetectError, PartlyAppliedError
from integration.scheduler.health import Health
from integration.scheduler.leadership import Leadership
from integration.scheduler.watch import Log, Watcher

_LONGEST_WAIT = 60.0
# A leader that works on a long window renews its lock so many times in a lease.
_BEATS = 3


def patience(
    faults: tuple[type[Exception], ...],
    health: Health,
    wait: Callable[[float], None],
    log: Log,
    stop: threading.Event,
    last_windows: Callable[[], dict[str, str]] = dict,
) -> Retrying:
    """Give what calls a function until it does not fail so, waiting longer each time; None when asked to stop before that."""

    def failing(state: RetryCallState) -> None:
        error = str(state.outcome.exception()) if state.outcome else ""
        log("error", "failing", error=error, attempt=state.attempt_number, again_in_seconds=round(state.upcoming_sleep, 1))
        health.say("failing", last_windows(), error)

    return Retrying(
        retry=retry_if_exception_type(faults),
        wait=wait_random_exponential(multiplier=1, max=_LONGEST_WAIT),
        stop=stop_when_event_set(stop),
        sleep=wait,
        before_sleep=failing,
        retry_error_callback=lambda _: None,
    )


class Service:
    """Runs a watcher; `wait` takes seconds and comes back early when the service shall stop."""

    def __init__(
        self,
        watcher: Watcher,
        leadership: Leadership,
        health: Health,
        now: Callable[[], int],
        wait: Callable[[float], None],
        log: Log,
        stop: threading.Event,
    ) -> None:
        self._watcher = watcher
        self._leadership = leadership
        self._health = health
        self._now = now
        self._wait = wait
        self._log = log
        self._stop = stop
        watcher.on_window = self._say
        # The last is what a disk without room does to a temporary file.
        faults = (ClusterError, PartlyAppliedError, sqlite3.OperationalError)
        self._patience = patience(faults, health, wait, log, stop, lambda: watcher.last_windows)

    def run(self) -> None:
        """Run until asked to stop. Nothing the cluster does ends it, nor does a full disk."""
        with self._kept_alive():
            while not self._stop.is_set():
                self._patience(self._tick)
                self._wait(self._pause())

    def run_once(self) -> bool:
        """Run what is due and end; False when another scheduler leads. The cluster's faults are raised."""
        with self._kept_alive():
            waited = 0.0
            self._tick()
            # A lock that its holder left behind is taken over after a lease.
            while not (self._watcher.leading or self._stop.is_set() or waited > self._leadership.lease):
                pause = self._pause()
                self._wait(pause)
                waited += pause
                self._tick()
            return self._watcher.leading

    def _tick(self) -> None:
        self._watcher.tick()
        self._say()

    def _say(self) -> None:
        self._health.say("leading" if self._watcher.leading else "standby", self._watcher.last_windows)

    def _pause(self) -> float:
        """Seconds until there may be something to do: a rule is due, or the lock must be looked at."""
        due = (self._watcher.next_due() - self._now()) / 1000
        return max(0.05, min(due, self._leadership.lease / _BEATS))

    @contextmanager
    def _kept_alive(self) -> Iterator[None]:
        """Renew the lock from a thread of its own, however long a window takes; in the end let it go."""
        ended = threading.Event()
        beats = threading.Thread(target=self._beat, args=(ended,), name="lock", daemon=True)
        beats.start()
        try:
            yield
        except DetectError as error:
            self._health.say("failing", self._watcher.last_windows, str(error))
            raise
        else:
            self._health.say("stopped", self._watcher.last_windows)
        finally:
            ended.set()
            beats.join()
            self._release()

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self._leadership.lease / _BEATS):
            try:
                if self._leadership.held:
                    self._leadership.confirm()
            except DetectError as error:
                self._log("warning", "lock_not_renewed", reason=str(error))

    def _release(self) -> None:
        try:
            self._leadership.release()
        except ClusterError as error:
            self._log("warning", "lock_not_released", reason=str(error))
