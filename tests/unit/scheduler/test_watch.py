"""The scheduler against a cluster in memory, by a clock that only moves when the test says so."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from integration.errors import ClusterError, InputError, UnreachableError
from integration.findings.filter import Filter, FilterEntry
from integration.names import Namespace
from integration.scheduler.health import STALE_AFTER_MS, Health, HealthServer
from integration.scheduler.jsonlog import JsonLog
from integration.scheduler.leadership import Leadership, LeaseLostError
from integration.scheduler.service import Service
from integration.scheduler.watch import Job, Watcher
from integration.times import parse_time, rfc3339
from tests.support.builders import RULE, rule_with
from tests.support.memory_engine import MemoryEngine

HOUR = 3_600_000
RISK, STATE = "detect-risk-default", "detect-state-default"
START = parse_time("2026-11-24T10:00:00Z")
LEASE = 30.0


@dataclass
class Clock:
    """Both clocks of a machine; waiting moves them."""

    now: int = START
    waits: list[float] = field(default_factory=list)
    on_wait: Callable[[], None] = lambda: None

    def millis(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now / 1000

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += round(seconds * 1000)
        self.on_wait()


@dataclass
class Scheduler:
    """One scheduler with everything it is made of."""

    watcher: Watcher
    leadership: Leadership
    service: Service
    health: Health
    stop: threading.Event
    log: list[dict[str, Any]]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self.log if entry["event"] == name]


def scheduler(engine: MemoryEngine, clock: Clock, name: str = "a", **changes: Any) -> Scheduler:
    entries: list[dict[str, Any]] = []

    def log(level: str, event: str, /, **fields: object) -> None:
        entries.append({"level": level, "event": event} | fields)

    stop = threading.Event()
    job = replace(Job((RULE,), "logs", Namespace("default"), catch_up=7 * 24 * HOUR, revisit=False), **changes)
    leadership = Leadership(engine, STATE, {"id": name}, LEASE, clock.seconds)
    watcher = Watcher(engine, job, leadership, clock.millis, log, stop)
    health = Health(clock.millis)
    service = Service(watcher, leadership, health, clock.millis, clock.wait, log, stop)
    return Scheduler(watcher, leadership, service, health, stop, entries)


def window(hours: int) -> tuple[int, int]:
    """The window of the run so many hours after the first one."""
    run = START + hours * HOUR
    return run - 70 * 60_000, run - 10 * 60_000


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    monkeypatch.setattr("integration.engines.base._again.sleep", lambda _seconds: None)
    return MemoryEngine()


def risk_events(engine: MemoryEngine) -> dict[str, int]:
    """How many errors each risk event tells of, by the window's start."""
    stored = engine.indices.get(RISK, {}).values()
    return {source["finding"]["window_start"]: source["finding"]["error_count"] for source, _ in stored}


def test_first_tick_runs_the_last_window_and_no_other(engine: MemoryEngine) -> None:
    one = scheduler(engine, Clock(START + 25 * 60_000))
    one.watcher.tick()
    assert engine.searched == [window(0)]
    one.watcher.tick()
    assert engine.searched == [window(0)]
    assert one.watcher.next_due() == START + HOUR


def test_windows_tile_and_each_is_evaluated_once_at_its_instant(engine: MemoryEngine) -> None:
    clock = Clock()
    one = scheduler(engine, clock)
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
    assert max(clock.waits) <= LEASE / 3


def test_missed_windows_are_caught_up_after_a_restart(engine: MemoryEngine) -> None:
    engine.errors = [window(n)[0] + n for n in range(4)]
    scheduler(engine, Clock()).watcher.tick()
    clock = Clock(START + 3 * HOUR + 1)
    again = scheduler(engine, clock)
    again.watcher.tick()
    assert engine.searched == [window(n) for n in range(4)]
    assert risk_events(engine) == {rfc3339(window(n)[0], millis=False): 1 for n in range(4)}


def test_what_was_missed_for_too_long_is_given_up_and_told(engine: MemoryEngine) -> None:
    scheduler(engine, Clock()).watcher.tick()
    again = scheduler(engine, Clock(START + 50 * HOUR), catch_up=2 * HOUR)
    again.watcher.tick()
    assert engine.searched[1:] == [window(49), window(50)]
    assert again.events("windows_given_up") == [
        {
            "level": "warning",
            "event": "windows_given_up",
            "rule": RULE.id,
            "from": rfc3339(window(0)[1], millis=False),
            "to": rfc3339(window(49)[0], millis=False),
        }
    ]


def test_late_lines_are_found_at_the_next_run(engine: MemoryEngine) -> None:
    clock = Clock()
    one = scheduler(engine, clock, revisit=True)
    engine.errors = [window(0)[0]]
    one.watcher.tick()
    engine.errors.append(window(0)[0] + 5)
    clock.now += HOUR
    one.watcher.tick()
    clock.now += HOUR
    one.watcher.tick()
    assert engine.searched == [window(0), window(0), window(1), window(1), window(2)]
    assert risk_events(engine) == {rfc3339(window(0)[0], millis=False): 2}
    assert [(e["created"], e["updated"], e["unchanged"]) for e in one.events("window_revisited")] == [(0, 1, 0), (0, 0, 0)]


def test_after_an_outage_all_caught_up_windows_are_looked_at_once_more(engine: MemoryEngine) -> None:
    scheduler(engine, Clock(), revisit=True).watcher.tick()
    clock = Clock(START + 3 * HOUR)
    again = scheduler(engine, clock, revisit=True)
    again.watcher.tick()
    engine.searched.clear()
    clock.now += HOUR
    again.watcher.tick()
    assert engine.searched == [window(n) for n in (1, 2, 3, 4)]


def test_a_crash_between_writing_and_noting_it_doubles_nothing(engine: MemoryEngine) -> None:
    engine.errors = [window(0)[0]]

    def crash(method: str, path: str) -> None:
        if method == "PUT" and path.endswith(f"rule-{RULE.id}"):
            raise KeyboardInterrupt

    engine.fault = crash
    with pytest.raises(KeyboardInterrupt):
        scheduler(engine, Clock()).watcher.tick()
    before = dict(engine.indices[RISK])
    engine.fault = lambda _method, _path: None
    clock = Clock()
    second = scheduler(engine, clock, "b")
    assert second.service.run_once()
    assert engine.indices[RISK] == before
    assert len(before) == 1


def test_one_of_two_leads_and_the_other_takes_over(engine: MemoryEngine) -> None:
    clock = Clock()
    one, two = scheduler(engine, clock, "a"), scheduler(engine, clock, "b")
    one.watcher.tick()
    two.watcher.tick()
    assert (one.watcher.leading, two.watcher.leading) == (True, False)
    for _ in range(10):
        clock.now += 10_000
        one.watcher.tick()
        two.watcher.tick()
    assert not two.watcher.leading
    clock.now += 29_000
    two.watcher.tick()
    assert not two.watcher.leading
    clock.now += 2_000
    two.watcher.tick()
    assert two.watcher.leading
    one.watcher.tick()
    assert not one.watcher.leading
    assert one.events("leadership_lost")


def test_a_leader_that_lost_its_lease_does_not_write(engine: MemoryEngine) -> None:
    clock = Clock()
    one, two = scheduler(engine, clock, "a"), scheduler(engine, clock, "b")
    engine.errors = [window(0)[0]]
    two.watcher.tick()
    two.leadership.release()
    engine.indices.pop(RISK)
    engine.indices[STATE].pop(f"rule-{RULE.id}")

    def usurp(method: str, path: str) -> None:
        if path == "/logs/_search":
            engine.fault = lambda _method, _path: None
            clock.now += 31_000
            assert not two.leadership.acquire()
            clock.now += 31_000
            assert two.leadership.acquire()

    engine.fault = usurp
    one.watcher.tick()
    assert RISK not in engine.indices
    assert one.events("leadership_lost")
    assert not one.watcher.leading


def test_a_write_whose_answer_was_lost_is_not_taken_for_another_leader(engine: MemoryEngine) -> None:
    clock = Clock()
    one = scheduler(engine, clock)
    one.watcher.tick()
    engine.lose_answer = lambda method, path: method == "PUT" and path.endswith("/leader")
    with pytest.raises(ClusterError):
        one.watcher.tick()
    engine.lose_answer = lambda _method, _path: False
    one.watcher.tick()
    assert one.watcher.leading
    one.leadership.release()
    with pytest.raises(LeaseLostError):
        one.leadership.confirm()


@pytest.mark.parametrize("fault", [UnreachableError("nobody there"), sqlite3.OperationalError("database or disk is full")])
def test_outages_are_outlasted_with_growing_pauses(engine: MemoryEngine, fault: Exception) -> None:
    clock = Clock()
    one = scheduler(engine, clock)
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
    assert engine.indices[STATE]["leader"][0]["id"] is None


def test_a_stop_during_an_outage_ends_at_once(engine: MemoryEngine) -> None:
    clock = Clock()
    one = scheduler(engine, clock)

    def down(method: str, path: str) -> None:
        raise UnreachableError("nobody there")

    engine.fault = down
    clock.on_wait = one.stop.set
    one.service.run()
    assert len(clock.waits) <= 2


def test_a_stop_finishes_the_window_in_work_and_no_more(engine: MemoryEngine) -> None:
    engine.errors = [window(n)[0] for n in range(5)]
    scheduler(engine, Clock()).watcher.tick()
    one = scheduler(engine, Clock(START + 4 * HOUR))

    def asked(method: str, path: str) -> None:
        if path == "/logs/_search":
            one.stop.set()

    engine.fault = asked
    one.service.run()
    assert sorted(risk_events(engine)) == [rfc3339(window(n)[0], millis=False) for n in range(2)]
    engine.fault = lambda _method, _path: None
    scheduler(engine, Clock(START + 4 * HOUR), "b").watcher.tick()
    assert len(risk_events(engine)) == 5
    assert len(engine.searched) == 5


def test_a_failing_rule_keeps_no_other_from_running(engine: MemoryEngine) -> None:
    other = rule_with(id="a_other")
    calls = 0

    def fail(method: str, path: str) -> None:
        nonlocal calls
        calls += path == "/logs/_search"
        if path == "/logs/_search" and calls == 1:
            raise ClusterError("bad script")

    engine.fault = fail
    one = scheduler(engine, Clock(), rules=(other, RULE))
    with pytest.raises(ClusterError, match="bad script"):
        one.watcher.tick()
    assert engine.searched == [window(0)]
    assert [entry["rule"] for entry in one.events("rule_failed")] == ["a_other"]
    one.watcher.tick()
    assert engine.searched == [window(0), window(0)]


def test_the_user_s_filter_decides_what_becomes_a_risk_event(engine: MemoryEngine) -> None:
    engine.errors = [window(0)[0]]
    post_filter = Filter((FilterEntry(action="exclude", host=("gpu-*",)),))
    one = scheduler(engine, Clock(), post_filter=post_filter)
    one.watcher.tick()
    assert risk_events(engine) == {}
    assert [(e["findings"], e["filtered"]) for e in one.events("window_done")] == [(0, 1)]


def test_once_waits_for_a_lock_that_was_left_behind(engine: MemoryEngine) -> None:
    clock = Clock()
    scheduler(engine, clock, "dead").watcher.tick()
    clock.now += HOUR
    assert scheduler(engine, clock, "b").service.run_once()
    assert engine.searched == [window(0), window(1)]


def test_once_leaves_the_work_to_a_living_leader(engine: MemoryEngine) -> None:
    clock = Clock()
    leader = scheduler(engine, clock, "a")
    leader.watcher.tick()
    clock.on_wait = leader.watcher.tick
    two = scheduler(engine, clock, "b")
    assert not two.service.run_once()
    assert json.loads(two.health.json())["state"] == "stopped"


def test_once_raises_the_cluster_s_fault(engine: MemoryEngine) -> None:
    one = scheduler(engine, Clock())

    def down(method: str, path: str) -> None:
        raise UnreachableError("nobody there")

    engine.fault = down
    with pytest.raises(UnreachableError):
        one.service.run_once()
    assert json.loads(one.health.json())["state"] == "failing"


def test_a_changed_schedule_leaves_no_gap(engine: MemoryEngine) -> None:
    scheduler(engine, Clock()).watcher.tick()
    moved = rule_with(id=RULE.id, schedule={"cron": "0 * * * *", "earliest": "-80m@m", "latest": "-20m@m"})
    scheduler(engine, Clock(START + HOUR), rules=(moved,)).watcher.tick()
    first, *rest = engine.searched
    assert first == window(0)
    assert rest[0][0] <= first[1]
    assert rest[-1][1] == START + 40 * 60_000


def test_log_lines_stay_one_object_a_line() -> None:
    stream = io.StringIO()
    JsonLog(stream, lambda: START)("info", "finding", host='a"\n{"event":"forged"}\u2028\x1b[31m')
    (line,) = stream.getvalue().splitlines()
    assert line.isascii()
    assert json.loads(line) == {
        "time": "2026-11-24T10:00:00.000Z",
        "level": "info",
        "event": "finding",
        "host": 'a"\n{"event":"forged"}\u2028\x1b[31m',
    }


def test_health_file_and_address(tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "health.json"
    health = Health(clock.millis, file)
    with HealthServer(health, 0) as server:
        url = f"http://127.0.0.1:{server.port}"
        health.say("leading", {"r": "2026-11-24T09:50:00Z"})
        with urlopen(f"{url}/health", timeout=10) as answer:
            said = json.load(answer)
        assert said == json.loads(file.read_text())
        assert (said["state"], said["healthy"], said["last_windows"]) == ("leading", True, {"r": "2026-11-24T09:50:00Z"})
        assert said["updated"] == "2026-11-24T10:00:00.000Z"
        clock.now += STALE_AFTER_MS + 1
        with pytest.raises(HTTPError) as stale:
            urlopen(f"{url}/health", timeout=10)
        assert stale.value.code == 503
        stale.value.close()
        with pytest.raises(HTTPError) as missing:
            urlopen(f"{url}/other", timeout=10)
        assert missing.value.code == 404
        missing.value.close()
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(InputError, match="--health-file"):
        Health(clock.millis, tmp_path / "none" / "health.json")
