from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integration.cli.instants import instant_of, span_of
from integration.errors import InputError
from integration.times import rfc3339, to_millis

DAY = timedelta(days=1)


def ago(text: str) -> float:
    """Return how many seconds ago a time was."""
    return (datetime.now(UTC) - datetime.fromtimestamp(instant_of("--from", text) / 1000, UTC)).total_seconds()


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-29T03:00:00.123Z", "2026-11-29T03:00:00.123Z"),
        ("2026-11-29", "2026-11-29T00:00:00.000Z"),
        ("2026-11-29T03:00", "2026-11-29T03:00:00.000Z"),
        ("2026-11-29 03:00:30", "2026-11-29T03:00:30.000Z"),
        ("2026-11-29T03:00+02:00", "2026-11-29T01:00:00.000Z"),
        ("24 Nov 2026", "2026-11-24T00:00:00.000Z"),
    ],
)
def test_a_calendar_time(text: str, same: str) -> None:
    assert rfc3339(instant_of("--at", text), millis=True) == same


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("now", timedelta()),
        ("30d", 30 * DAY),
        ("90m", timedelta(minutes=90)),
        ("6h ago", timedelta(hours=6)),
        ("now-6h", timedelta(hours=6)),
        ("-6h", timedelta(hours=6)),
        ("2 weeks ago", 14 * DAY),
        ("now+2h", -timedelta(hours=2)),
    ],
)
def test_a_time_counted_from_now(text: str, span: timedelta) -> None:
    assert ago(text) == pytest.approx(span.total_seconds(), abs=60)


@pytest.mark.parametrize(("text", "days"), [("today", 0), ("Yesterday", 1), ("tomorrow", -1)])
def test_a_day_in_words_is_its_midnight_in_utc(text: str, days: int) -> None:
    before, told, after = datetime.now(UTC), instant_of("--from", text), datetime.now(UTC)
    assert told in {to_millis(now.replace(hour=0, minute=0, second=0, microsecond=0) - days * DAY) for now in (before, after)}


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "10", "may", "a", "11/12/2026", "24.11.2026", "now/d", "-1d@d", "1M", "now-6", "yesterday foo"),
        *("2026-02-30", "2026-11-24T25:00", "0001-01-01T00:00", "3000 years ago", "1d " * 500, "\x1b[2J"),
    ],
)
def test_what_could_be_read_in_two_ways_is_no_time(text: str) -> None:
    with pytest.raises(InputError, match=r"^--from '.*' is not a time: write 2026-11-24T08:50:00Z, "):
        instant_of("--from", text)


def test_a_span_begins_before_it_ends() -> None:
    assert span_of(None, None) == (None, None)
    start, end = span_of("2026-11-24", "2026-11-25")
    assert (end or 0) - (start or 0) == DAY // timedelta(milliseconds=1)
    for begins, ends in (("2026-11-25", "2026-11-24"), ("2026-11-24", "2026-11-24"), ("tomorrow", None)):
        with pytest.raises(InputError, match=f"--from {begins} is not before --to {ends or 'now'}"):
            span_of(begins, ends)
