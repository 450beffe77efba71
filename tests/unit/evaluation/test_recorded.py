"""What places recorded, held against what is there now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from integration.evaluation.comparison import Comparison, compare
from integration.evaluation.recorded import (
    OPENSEARCH_ALERT,
    RISK_EVENT,
    Recorded,
    Records,
    Running,
    recorded_otherwise,
)
from integration.findings.filter import Filter
from integration.findings.finding import Finding
from tests.support.builders import RULE, error, event, findings_of, rule_with, with_columns
from tests.support.filters import entry

HOUR = 3_600_000
LINE = 'source=server.go:1 msg="model" err="disk full"'


def found(*places: tuple[str, str]) -> list[Finding]:
    """The findings of hosts, each at an hour."""
    return findings_of([event(error(LINE, at=f"2026-11-24T{hour}:00:00.000Z"), host) for hour, host in places])


BOTH = found(("09", "a"), ("09", "b"), ("10", "a"))
START, END = BOTH[0].window_start, BOTH[-1].window_end
WINDOWS = [RULE.windows.window_of(START), RULE.windows.window_of(START + HOUR)]


@contextmanager
def records(*recorded: Recorded, running: Running | None = None) -> Iterator[Records]:
    with closing(Records(recorded, {} if running is None else {OPENSEARCH_ALERT: running}, START, END)) as made:
        yield made


def told(result: Comparison) -> list[tuple[str, int, str, dict[str, object]]]:
    return [(d.host, (d.window_start - START) // HOUR, d.field, dict(d.recorded)) for d in result.differences]


def test_what_was_recorded_as_it_is_agrees() -> None:
    with records(*(Recorded(RISK_EVENT, each) for each in BOTH)) as recorded:
        result = compare(BOTH, BOTH, recorded, START)
    assert (result.agrees, result.findings) == (True, 3)


def test_places_that_recorded_nothing_and_are_not_known_to_run_make_no_difference() -> None:
    with records() as recorded:
        assert compare(BOTH, BOTH, recorded, START).agrees


def test_a_finding_that_no_place_recorded_differs_where_others_of_its_window_were() -> None:
    with records(Recorded(RISK_EVENT, BOTH[0])) as recorded:
        assert told(compare(BOTH, BOTH, recorded, START)) == [("b", 0, "finding", {RISK_EVENT: "absent"})]


def test_one_place_of_two_is_enough() -> None:
    with records(Recorded(RISK_EVENT, BOTH[0]), Recorded(OPENSEARCH_ALERT, BOTH[1])) as recorded:
        assert compare(BOTH, BOTH, recorded, START).agrees


@pytest.mark.parametrize(
    ("start", "end", "lacking"),
    [(0, 1, [("a", 0), ("b", 0), ("a", 1)]), (1, 1, [("a", 1)]), (0, 0, [("a", 0), ("b", 0)]), (2, 3, [])],
)
def test_a_place_that_ran_and_recorded_nothing_differs_in_the_windows_of_its_runs(
    start: int, end: int, lacking: list[tuple[str, int]]
) -> None:
    run = WINDOWS[0].run_at
    with records(running=Running(run + start * HOUR, run + end * HOUR)) as recorded:
        result = told(compare(BOTH, BOTH, recorded, START))
    assert [(host, window) for host, window, _, _ in result] == lacking


@pytest.mark.parametrize(("began", "agrees"), [(0, True), (1, False)])
def test_an_alert_that_stayed_open_tells_of_its_last_window_alone(began: int, agrees: bool) -> None:
    alert = Recorded(OPENSEARCH_ALERT, BOTH[2], WINDOWS[began].run_at + 5_000)
    with records(alert, Recorded(OPENSEARCH_ALERT, BOTH[1])) as recorded:
        assert compare(BOTH, BOTH, recorded, START).agrees is agrees


def test_an_open_alert_may_tell_of_a_window_after_those_compared() -> None:
    (later,) = found(("12", "a"))
    alert = Recorded(OPENSEARCH_ALERT, later, WINDOWS[0].run_at)
    with records(alert, Recorded(OPENSEARCH_ALERT, BOTH[1])) as recorded:
        assert compare(BOTH, BOTH, recorded, START).agrees
        assert len(recorded) == 1


def test_what_neither_side_finds_differs_unless_its_events_are_deleted() -> None:
    with records(Recorded(RISK_EVENT, BOTH[0])) as recorded:
        result = compare([], [], recorded, START)
        assert told(result) == [("a", 0, "finding", {RISK_EVENT: "present"})]
        assert (result.differences[0].reference, result.differences[0].cluster) == ("absent", "absent")
        for oldest in (START + 1, None):
            result = compare([], [], recorded, oldest)
            assert (result.agrees, result.outlived, result.findings) == (True, 1, 0)


def test_a_record_that_differs_is_told_beside_both_sides() -> None:
    with records(Recorded(RISK_EVENT, replace(BOTH[0], risk_score=1)), Recorded(RISK_EVENT, BOTH[1])) as recorded:
        (difference,) = compare(BOTH[:2], BOTH[:2], recorded, START).differences
    assert (difference.field, difference.reference, difference.cluster, difference.recorded) == (
        "risk_score",
        10,
        10,
        {RISK_EVENT: 1},
    )


def test_of_a_list_that_was_recorded_in_part_its_values_are_compared() -> None:
    whole = with_columns(BOTH[0], error_details=("x", "y", "z"))
    part = replace(with_columns(whole, error_details=("x",)), truncated=(("error_details", 2),), risk_message="other")
    assert list(recorded_otherwise(whole, part)) == []
    assert list(recorded_otherwise(whole, with_columns(part, error_details=("w",)))) == ["error_details"]
    assert list(recorded_otherwise(whole, with_columns(part, error_count=7))) == ["error_count"]
    assert list(recorded_otherwise(whole, replace(whole, risk_message="other"))) == ["risk_message"]


def test_the_filter_judges_an_alert_by_the_whole_lists() -> None:
    """A list that an alert shows in part meets no `all_contain`, and the whole one does."""
    whole = with_columns(BOTH[0], error_details=("disk 1", "disk 2"))
    alert = replace(with_columns(whole, error_details=("disk 1",)), truncated=(("error_details", 1),))
    known = Filter((entry("exclude", all_contain={"error_details": "disk"}),))
    with records(Recorded(OPENSEARCH_ALERT, alert)) as recorded:
        result = compare([whole], [whole], recorded, START, known)
        assert (result.agrees, result.findings) == (True, 0)
        assert told(compare([], [], recorded, START, known)) == [("a", 0, "finding", {OPENSEARCH_ALERT: "present"})]


def test_what_the_filter_takes_away_shows_that_its_place_ran() -> None:
    with records(Recorded(RISK_EVENT, BOTH[0])) as recorded:
        result = compare(BOTH[:2], BOTH[:2], recorded, START, Filter((entry("exclude", host="a"),)))
    assert (told(result), result.findings) == ([("b", 0, "finding", {RISK_EVENT: "absent"})], 1)


def test_a_message_with_spl_s_times_is_in_the_zone_of_whoever_recorded_it() -> None:
    rule = rule_with(risk=RULE.risk.model_dump() | {"message": "$host$ since $first_error$"})
    (finding,) = findings_of([event(error(LINE))], rule)
    assert list(recorded_otherwise(finding, replace(finding, risk_message="gpu-1 since yesterday"))) == []
