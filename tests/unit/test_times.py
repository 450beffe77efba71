from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.errors import InputError
from integration.times import millis_of, millis_shown, parse_time, rfc3339, to_millis

INSTANT = 1_795_510_200_123  # 2026-11-24T08:50:00.123Z


def test_to_millis_truncates() -> None:
    assert to_millis(datetime(2026, 11, 24, 8, 50, 0, 123_999, tzinfo=UTC)) == INSTANT
    assert to_millis(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


def test_to_millis_takes_any_zone() -> None:
    assert to_millis(datetime(2026, 11, 24, 4, 50, 0, 123_000, tzinfo=timezone(timedelta(hours=-4)))) == INSTANT


def test_rfc3339() -> None:
    assert rfc3339(INSTANT, millis=True) == "2026-11-24T08:50:00.123Z"
    assert rfc3339(INSTANT, millis=False) == "2026-11-24T08:50:00Z"
    assert rfc3339(0, millis=True) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(-1, millis=False) == "1969-12-31T23:59:59Z"
    assert rfc3339(to_millis(datetime(1, 1, 2, tzinfo=UTC)), millis=False) == "0001-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-24T08:50:00.123Z", "2026-11-24T08:50:00.123Z"),
        ("2026-11-24T08:50:00.1239999Z", "2026-11-24T08:50:00.123Z"),
        ("2026-11-24T08:50:00.1Z", "2026-11-24T08:50:00.100Z"),
        ("2026-11-24T04:50:00-04:00", "2026-11-24T08:50:00.000Z"),
        ("2026-11-24T14:20:00+05:30", "2026-11-24T08:50:00.000Z"),
        ("2026-11-24T08:50:00-00:00", "2026-11-24T08:50:00.000Z"),
        ("2026-11-25T02:50:00+18:00", "2026-11-24T08:50:00.000Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("0100-01-01T00:00:00+18:00", "0099-12-31T06:00:00.000Z"),
        ("9899-12-31T23:59:59.999-18:00", "9900-01-01T17:59:59.999Z"),
    ],
)
def test_millis_of(text: str, same: str) -> None:
    millis = millis_of(text)
    assert millis is not None
    assert rfc3339(millis, millis=True) == same


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-30T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z",
        "2025-01-00T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:60:00Z",
        "2025-01-01T23:59:60Z",
        "2025-01-01T00:00:00",
        "2025-01-01T00:00:00.Z",
        "2025-01-01T00:00:00.1234567890Z",
        "2025-01-01T00:00:00+18:01",
        "2025-01-01T00:00:00+05:60",
        "2025-01-01T00:00:00+0530",
        "2025-01-01 00:00:00Z",
        "2025-01-01t00:00:00z",
        "2025-01-01T00:00:00Z ",
        "0000-06-01T00:00:00Z",
        "0001-01-02T12:00:00Z",
        "0099-12-31T23:59:59Z",
        "9900-01-01T00:00:00Z",
        "9999-12-30T12:00:00Z",
        "\u0662025-01-01T00:00:00Z",
        "",
    ],
)
def test_millis_of_no_time(text: str) -> None:
    assert millis_of(text) is None


@given(
    st.datetimes(datetime(100, 1, 1), datetime(9899, 12, 31, 23, 59, 59)),  # noqa: DTZ001 - the zone is drawn on its own
    st.integers(-18 * 60, 18 * 60),
)
def test_millis_of_agrees_with_datetime(local: datetime, minutes: int) -> None:
    instant = to_millis(local.replace(tzinfo=UTC)) - minutes * 60_000
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    assert millis_of(f"{local.isoformat(timespec='microseconds')}{sign}{hours:02}:{rest:02}") == instant
    assert millis_of(rfc3339(instant, millis=True)) in (instant, None)  # None where the offset leads out of the years


def test_what_was_shown_is_read_back() -> None:
    for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-11-24T08:50:00.123Z"):
        assert rfc3339(millis_shown(text), millis="." in text) == text
    for other in ("2026-11-24T08:50:00", "2026-11-24", "2026-11-24T08:50:00+00:00", "", "Z", "0000-01-01T00:00:00Z"):
        with pytest.raises(ValueError, match=r"time|isoformat|year"):
            millis_shown(other)


def test_parse_time() -> None:
    assert parse_time("2026-11-24T08:50:00.123Z") == INSTANT
    assert parse_time(" 2026-11-24t08:50:00.123z ") == INSTANT
    assert parse_time("2026-11-24T09:50:00.123+01:00") == INSTANT
    assert parse_time("2026-11-24") == to_millis(datetime(2026, 11, 24, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-24T08:50:00", "2026-02-30", "2026-02-30T00:00:00Z", "1795510200", "24.11.2026"]
)
def test_parse_time_names_what_it_was_given(text: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_time(text)
    assert repr(text) in str(raised.value)
