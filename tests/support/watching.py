"""Schedulers on a cluster in memory, by a clock that only moves when a test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from integration.names import Namespace
from integration.scheduler.health import Health
from integration.scheduler.notifications import Notifier, Receiver
from integration.scheduler.scheduler import Job, Scheduler
from integration.scheduler.service import Service
from integration.times import parse_time
from tests.support.builders import RULE
from tests.support.memory_engine import MemoryEngine

HOUR = 3_600_000
RISK, STATE = "detect-risk-default", "detect-state-default"
START = parse_time("2026-11-24T10:00:00Z")


@dataclass
class Clock:
    """The clock of a machine; waiting moves it."""

    now: int = START
    waits: list[float] = field(default_factory=list)
    on_wait: Callable[[], None] = lambda: None

    def millis(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += round(seconds * 1000)
        self.on_wait()


@dataclass
class Watching:
    """One scheduler with everything it is made of, and the events it logged."""

    scheduler: Scheduler
    service: Service
    health: Health
    stop: threading.Event
    log: list[dict[str, Any]]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self.log if entry["event"] == name]


def scheduler_at(engine: MemoryEngine, clock: Clock, *, receivers: Sequence[Receiver] = (), **changes: Any) -> Watching:
    """A scheduler of the namespace `default`; `changes` are those of its job."""
    entries: list[dict[str, Any]] = []

    def log(level: str, event: str, /, **fields: object) -> None:
        entries.append({"level": level, "event": event} | fields)

    stop = threading.Event()
    job = replace(Job((RULE,), "logs", Namespace("default"), catch_up=7 * 24 * HOUR, revisit=False), **changes)
    notifier = Notifier(receivers, clock.millis, log, clock.wait)
    scheduler = Scheduler(engine, job, clock.millis, log, stop, notifier)
    health = Health(clock.millis)
    service = Service(scheduler, health, clock.millis, clock.wait, log, stop)
    return Watching(scheduler, service, health, stop, entries)


def window(hours: int) -> tuple[int, int]:
    """The window of the run so many hours after the first one."""
    run = START + hours * HOUR
    return run - 70 * 60_000, run - 10 * 60_000


def risk_events(engine: MemoryEngine) -> dict[str, int]:
    """How many errors each risk event tells of, by the window's start."""
    stored = engine.indices.get(RISK, {}).values()
    return {source["finding"]["window_start"]: source["finding"]["error_count"] for source, _ in stored}
