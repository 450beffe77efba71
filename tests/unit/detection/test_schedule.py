from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.detection.schedule import Schedule
from integration.times import parse_time

HOURLY = Schedule("0 * * * *", "-70m@m", "-10m@m")
HOUR = 3_600_000


def test_the_run_at_ten_covers_0850_to_0950() -> None:
    window = HOURLY.last_run(parse_time("2026-11-24T10:00:00Z"))
    assert (window.start, window.end) == (parse_time("2026-11-24T08:50:00Z"), parse_time("2026-11-24T09:50:00Z"))


@pytest.mark.parametrize(("at", "run"), [("10:00:00", "10:00"), ("09:59:59", "09:00"), ("10:59:59", "10:00")])
def test_last_run_is_at_or_before(at: str, run: str) -> None:
    assert HOURLY.last_run(parse_time(f"2026-11-24T{at}Z")).run_at == parse_time(f"2026-11-24T{run}:00Z")


@pytest.mark.parametrize(("schedule", "minutes"), [(HOURLY, 60), (Schedule("*/15 * * * *", "-20m@m", "-5m@m"), 15)])
@given(start=st.integers(0, 10**12), span=st.integers(1, 3 * HOUR))
def test_overlapping_gives_each_window_that_holds_an_instant_of_a_span(
    schedule: Schedule, minutes: int, start: int, span: int
) -> None:
    found = list(schedule.overlapping(start, start + span))
    instants = (*range(start, start + span, 60_000), start + span - 1)
    assert found == list(dict.fromkeys(map(schedule.window_of, instants)))
    assert [window.end - window.start for window in found] == [minutes * 60_000] * len(found)


def test_within_gives_whole_windows_only() -> None:
    start, end = parse_time("2026-11-24T08:50:00Z"), parse_time("2026-11-24T11:49:59Z")
    assert [w.start - start for w in HOURLY.within(start, end)] == [0, HOUR]
    assert [w.start - start for w in HOURLY.within(start + 1, end)] == [HOUR]
    assert len(list(HOURLY.within(start, end + 1000))) == 3


@given(st.integers(-(10**13), 2 * 10**14))
def test_every_instant_has_one_window_by_the_formula_of_the_search(time: int) -> None:
    window = HOURLY.window_of(time)
    assert window.start <= time < window.end
    assert window.end == (time + 600_000) // HOUR * HOUR + 50 * 60_000


@given(st.integers(0, 2 * 10**12), st.sampled_from(["*/15 * * * *", "5 */2 * * *", "30 3 * * *"]))
def test_other_schedules_tile_too(time: int, cron: str) -> None:
    minutes = {"*/15 * * * *": 15, "5 */2 * * *": 120, "30 3 * * *": 1440}[cron]
    schedule = Schedule(cron, f"-{minutes + 3}m@m", "-3m@m")
    window = schedule.window_of(time)
    assert window.start <= time < window.end
    assert schedule.last_run(window.run_at) == window


@pytest.mark.parametrize(
    ("cron", "earliest", "latest", "words"),
    [
        ("0 * * * *", "-60m@m", "-10m@m", "overlap or leave gaps"),
        ("0 * * *", "-70m@m", "-10m@m", "five fields"),
        ("61 * * * *", "-70m@m", "-10m@m", "not valid"),
        ("0 * * * *", "-10m@m", "-70m@m", "must lie before"),
        ("0 * * * *", "-70x", "-10m@m", "relative time"),
        ("0 0 1 * *", "-1450m@m", "-10m@m", "overlap or leave gaps"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused(cron: str, earliest: str, latest: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Schedule(cron, earliest, latest)
