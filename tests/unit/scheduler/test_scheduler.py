"""The scheduler against a cluster in memory, by a clock that only moves when the test says so."""

from __future__ import annotations

import pytest

from integration.errors import ClusterError
from integration.findings.filter import Filter, FilterEntry
from integration.times import rfc3339
from tests.support.builders import RULE, rule_with
from tests.support.memory_engine import MemoryEngine
from tests.support.watching import HOUR, RISK, START, STATE, Clock, risk_events, scheduler_at, window


def test_first_tick_runs_the_last_window_and_no_other(engine: MemoryEngine) -> None:
    one = scheduler_at(engine, Clock(START + 25 * 60_000))
    one.scheduler.tick()
    assert engine.searched == [window(0)]
    one.scheduler.tick()
    assert engine.searched == [window(0)]
    assert one.scheduler.next_due() == START + HOUR


def test_missed_windows_are_caught_up_after_a_restart(engine: MemoryEngine) -> None:
    engine.errors = [window(n)[0] + n for n in range(4)]
    scheduler_at(engine, Clock()).scheduler.tick()
    clock = Clock(START + 3 * HOUR + 1)
    again = scheduler_at(engine, clock)
    again.scheduler.tick()
    assert engine.searched == [window(n) for n in range(4)]
    assert risk_events(engine) == {rfc3339(window(n)[0], millis=False): 1 for n in range(4)}


def test_a_rule_whose_newest_risk_event_is_of_the_last_window_counts_as_run(engine: MemoryEngine) -> None:
    """As `run --write` leaves it: nothing is due, and still the rule has been looked after."""
    engine.newest = window(0)[1]
    clock = Clock()
    scheduler_at(engine, clock).scheduler.tick()
    assert engine.searched == []
    assert engine.indices[STATE][f"rule-{RULE.id}"][0]["window_end"] == rfc3339(window(0)[1], millis=True)
    clock.now += HOUR
    scheduler_at(engine, clock).scheduler.tick()
    assert engine.searched == [window(1)]


def test_what_was_missed_for_too_long_is_given_up_and_told(engine: MemoryEngine) -> None:
    scheduler_at(engine, Clock()).scheduler.tick()
    again = scheduler_at(engine, Clock(START + 50 * HOUR), catch_up=2 * HOUR)
    again.scheduler.tick()
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
    one = scheduler_at(engine, clock, revisit=True)
    engine.errors = [window(0)[0]]
    one.scheduler.tick()
    engine.errors.append(window(0)[0] + 5)
    clock.now += HOUR
    one.scheduler.tick()
    clock.now += HOUR
    one.scheduler.tick()
    assert engine.searched == [window(0), window(0), window(1), window(1), window(2)]
    assert risk_events(engine) == {rfc3339(window(0)[0], millis=False): 2}
    assert [(e["created"], e["updated"], e["unchanged"]) for e in one.events("window_revisited")] == [(0, 1, 0), (0, 0, 0)]


def test_after_an_outage_all_caught_up_windows_are_looked_at_once_more(engine: MemoryEngine) -> None:
    scheduler_at(engine, Clock(), revisit=True).scheduler.tick()
    clock = Clock(START + 3 * HOUR)
    again = scheduler_at(engine, clock, revisit=True)
    again.scheduler.tick()
    engine.searched.clear()
    clock.now += HOUR
    again.scheduler.tick()
    assert engine.searched == [window(n) for n in (1, 2, 3, 4)]


def test_a_crash_between_writing_and_noting_it_doubles_nothing(engine: MemoryEngine) -> None:
    engine.errors = [window(0)[0]]

    def crash(method: str, path: str) -> None:
        if method == "PUT" and path.endswith(f"rule-{RULE.id}"):
            raise KeyboardInterrupt

    engine.fault = crash
    with pytest.raises(KeyboardInterrupt):
        scheduler_at(engine, Clock()).scheduler.tick()
    before = dict(engine.indices[RISK])
    engine.fault = lambda _method, _path: None
    clock = Clock()
    second = scheduler_at(engine, clock)
    second.service.run_once()
    assert engine.indices[RISK] == before
    assert len(before) == 1


def test_a_failing_rule_keeps_no_other_from_running(engine: MemoryEngine) -> None:
    other = rule_with(id="a_other")
    calls = 0

    def fail(method: str, path: str) -> None:
        nonlocal calls
        calls += path == "/logs/_search"
        if path == "/logs/_search" and calls == 1:
            raise ClusterError("bad script")

    engine.fault = fail
    one = scheduler_at(engine, Clock(), rules=(other, RULE))
    with pytest.raises(ClusterError, match="bad script"):
        one.scheduler.tick()
    assert engine.searched == [window(0)]
    assert [entry["rule"] for entry in one.events("rule_failed")] == ["a_other"]
    one.scheduler.tick()
    assert engine.searched == [window(0), window(0)]


def test_the_user_s_filter_decides_what_becomes_a_risk_event(engine: MemoryEngine) -> None:
    engine.errors = [window(0)[0]]
    post_filter = Filter((FilterEntry(action="exclude", host=("gpu-*",)),))
    one = scheduler_at(engine, Clock(), post_filter=post_filter)
    one.scheduler.tick()
    assert risk_events(engine) == {}
    (done,) = one.events("window_done")
    assert (done["findings"], done["filtered"], done["filtered_by"]) == (0, 1, {"[[filter]] 1": 1})


def test_a_changed_schedule_leaves_no_gap(engine: MemoryEngine) -> None:
    scheduler_at(engine, Clock()).scheduler.tick()
    moved = rule_with(id=RULE.id, schedule={"cron": "0 * * * *", "earliest": "-80m@m", "latest": "-20m@m"})
    scheduler_at(engine, Clock(START + HOUR), rules=(moved,)).scheduler.tick()
    first, *rest = engine.searched
    assert first == window(0)
    assert rest[0][0] <= first[1]
    assert rest[-1][1] == START + 40 * 60_000


def test_two_schedulers_at_once_double_nothing_and_tell_nothing_twice(engine: MemoryEngine) -> None:
    """The second runs the same windows between two requests of the first, for each two in turn."""
    engine.errors = [window(n)[0] for n in range(4)]
    clock = Clock()
    scheduler_at(engine, clock).scheduler.tick()
    clock.now += 3 * HOUR
    before = {name: dict(documents) for name, documents in engine.indices.items()}

    def requests_of_first(moment: int) -> int:
        engine.indices = {name: dict(documents) for name, documents in before.items()}
        one, two = scheduler_at(engine, clock, revisit=True), scheduler_at(engine, clock, revisit=True)
        requests = 0

        def interrupt(method: str, path: str) -> None:
            nonlocal requests
            requests += 1
            if requests == moment:
                engine.fault = lambda _method, _path: None
                two.scheduler.tick()
                engine.fault = interrupt

        engine.fault = interrupt
        one.scheduler.tick()
        told = [entry["id"] for each in (one, two) for entry in each.events("finding")]
        assert sorted(told) == sorted(set(engine.indices[RISK]) - set(before[RISK]))
        assert [each.events(name) for each in (one, two) for name in ("finding_updated", "rule_failed")] == [[]] * 4
        assert [version for _, version in engine.indices[RISK].values()] == [1] * 4
        assert engine.indices[STATE][f"rule-{RULE.id}"][0]["window_end"] == rfc3339(window(3)[1], millis=True)
        return requests

    alone = requests_of_first(0)
    assert alone > 10
    for moment in range(1, alone + 1):
        requests_of_first(moment)


def test_a_slower_scheduler_does_not_set_the_progress_back(engine: MemoryEngine) -> None:
    slow, fast = Clock(), Clock(START + 5 * HOUR)
    scheduler_at(engine, Clock(START - HOUR)).scheduler.tick()
    late = scheduler_at(engine, slow)
    late.scheduler.tick()
    scheduler_at(engine, fast).scheduler.tick()
    slow.now += 2 * HOUR
    late.scheduler.tick()
    assert engine.indices[STATE][f"rule-{RULE.id}"][0]["window_end"] == rfc3339(window(5)[1], millis=True)
    engine.searched.clear()
    scheduler_at(engine, fast).scheduler.tick()
    assert engine.searched == []


def test_a_finding_that_late_lines_change_is_told_as_updated(engine: MemoryEngine) -> None:
    clock = Clock()
    one = scheduler_at(engine, clock, revisit=True)
    engine.errors = [window(0)[0]]
    one.scheduler.tick()
    engine.errors.append(window(0)[0] + 5)
    clock.now += HOUR
    one.scheduler.tick()
    told = [(entry["event"], entry["error_count"]) for entry in one.log if entry["event"].startswith("finding")]
    assert told == [("finding", 1), ("finding_updated", 2)]
