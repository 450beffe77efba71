from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.evaluation.splunk_times import printed_time
from integration.times import rfc3339

BERLIN = ZoneInfo("Europe/Berlin")
NINE = "2026-11-24 09:00:00"


@pytest.mark.parametrize(
    "text",
    [
        NINE,
        "2026-11-24T09:00:00",
        "2026-11-24T09:00:00.000+01:00",
        "2026-11-24T09:00:00.000+0100",
        "2026-11-24T08:00:00Z",
        "2026-11-24 08:00:00.000 GMT",
        "2026-11-24 08:00:00 UTC",
        "2026-11-24 09:00:00.000 CET",
        "2026-11-24T03:00:00.000-0500",
        "1795507200",
        "1795507200.000",
        "1795507200000",
        "11/24/26 9:00:00.000 AM",
        "11/24/2026 9:00:00 AM",
        "24/11/2026 09:00:00",
        "11/24/2026 09:00:00",
        "24.11.2026 09:00:00",
    ],
)
def test_every_form_is_printed_as_the_search_prints_it(text: str) -> None:
    assert printed_time(text, BERLIN) == NINE


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("12/1/26 12:05:00.250 AM", "2026-12-01 00:05:00.250"),
        ("12/1/26 12:05:00 PM", "2026-12-01 12:05:00"),
        ("1.2.2026 23:00:00", "2026-02-01 23:00:00"),
        ("2/2/2026 23:00:00", "2026-02-02 23:00:00"),
        ("2026-10-25 02:30:00", "2026-10-25 02:30:00"),  # twice in that night
        ("2026-10-25 02:30:00 CEST", "2026-10-25 02:30:00"),
        ("2026-10-25T00:30:00Z", "2026-10-25 02:30:00"),
        ("2026-10-25T01:30:00Z", "2026-10-25 02:30:00"),
    ],
)
def test_halves_of_days_locales_and_the_hour_that_comes_twice(text: str, printed: str) -> None:
    assert printed_time(text, BERLIN) == printed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-24 09:00:00 PST", "is in the zone PST; say by --timezone"),
        ("2026-07-24 09:00:00 CET", "is in the zone CET; say by --timezone"),
        ("3/4/2026 09:00:00", "may have the day or the month first"),
        ("yesterday", "is not a time as Splunk writes it"),
        ("0001-01-01 00:30:00", "the year 1 is not one of an event"),
        ("9999-12-31 23:30:00", "the year 9999 is not one of an event"),
        ("2026-02-30 09:00:00", "day"),
        ("25.13.2026 09:00:00", "month"),
        ("٢٠٢٦-11-24 09:00:00", "is not a time as Splunk writes it"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        printed_time(text, BERLIN)


@given(st.integers(1_000_000_000, 9_999_999_999))
def test_seconds_and_instants_are_the_same_time(seconds: int) -> None:
    printed = printed_time(str(seconds), BERLIN)
    assert printed == printed_time(rfc3339(seconds * 1_000, millis=True), BERLIN)
    assert printed_time(printed, BERLIN) == printed
