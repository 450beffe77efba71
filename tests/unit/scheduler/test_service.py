"""The scheduler as a service: pauses, outages and its end."""

from __future__ import annotations

import json
import sqlite3

import pytest

from integration.errors import UnreachableError
from integration.times import rfc3339
from tests.support.memory_engine import MemoryEngine
from tests.support.watching import HOUR, START, Clock, risk_events, scheduler_at, window


def test_windows_tile_and_each_is_evaluated_once_at_its_instant(engine: MemoryEngine) -> None:
    clock = Clock()
    one = scheduler_at(engine, clock)
    ran: list[tuple[int, int]] = []

    def look() -> None:
        if len(engine.searched) > len(ran):
            ran.append((engine.searched[-1][0], clock.now))
        if clock.now > START + 5 * HOUR:
            one.stop.set()

    clock.on_wait = look
    one.service.run()
    assert engine.searched == [window(n) for n in range(6)]
    assert all(0 <= now - (start + 70 * 60_000) <= 10_100 for start, now in ran)
    assert max(clock.waits) <= 10


@pytest.mark.parametrize("fault", [UnreachableError("nobody there"), sqlite3.OperationalError("database or disk is full")])
def test_outages_are_outlasted_with_growing_pauses(engine: MemoryEngine, fault: Exception) -> None:
    clock = Clock()
    one = scheduler_at(engine, clock)
    engine.errors = [window(0)[0], window(1)[0]]
    back = START + 20 * 60_000

    def down(method: str, path: str) -> None:
        if clock.now < back:
            raise fault

    engine.fault = down
    clock.on_wait = lambda: one.stop.set() if clock.now > START + HOUR + 60_000 else None
    one.service.run()
    failing = one.events("failing")
    assert failing[0]["error"] == str(fault)
    assert 20 < len(failing) < 200
    assert max(entry["again_in_seconds"] for entry in failing) <= 60
    assert sorted(risk_events(engine).values()) == [1, 1]
    assert json.loads(one.health.json())["state"] == "stopped"


def test_a_stop_during_an_outage_ends_at_once(engine: MemoryEngine) -> None:
    clock = Clock()
    one = scheduler_at(engine, clock)

    def down(method: str, path: str) -> None:
        raise UnreachableError("nobody there")

    engine.fault = down
    clock.on_wait = one.stop.set
    one.service.run()
    assert len(clock.waits) <= 2


def test_a_stop_finishes_the_window_in_work_and_no_more(engine: MemoryEngine) -> None:
    engine.errors = [window(n)[0] for n in range(5)]
    scheduler_at(engine, Clock()).scheduler.tick()
    one = scheduler_at(engine, Clock(START + 4 * HOUR))

    def asked(method: str, path: str) -> None:
        if path == "/logs/_search":
            one.stop.set()

    engine.fault = asked
    one.service.run()
    assert sorted(risk_events(engine)) == [rfc3339(window(n)[0], millis=False) for n in range(2)]
    engine.fault = lambda _method, _path: None
    scheduler_at(engine, Clock(START + 4 * HOUR)).scheduler.tick()
    assert len(risk_events(engine)) == 5
    assert len(engine.searched) == 5


def test_once_raises_the_cluster_s_fault(engine: MemoryEngine) -> None:
    one = scheduler_at(engine, Clock())

    def down(method: str, path: str) -> None:
        raise UnreachableError("nobody there")

    engine.fault = down
    with pytest.raises(UnreachableError):
        one.service.run_once()
    assert json.loads(one.health.json())["state"] == "failing"


def test_once_says_that_nothing_is_due_and_when_something_is(engine: MemoryEngine) -> None:
    scheduler_at(engine, Clock()).service.run_once()
    one = scheduler_at(engine, Clock())
    one.service.run_once()
    assert [event["next_run"] for event in one.events("nothing_due")] == [rfc3339(window(0)[1] + 70 * 60_000, millis=False)]
