"""Instants as epoch milliseconds, and RFC 3339 text."""

import re
import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from integration.errors import InputError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

FARTHEST_OFFSET: Final = timedelta(hours=18)
"""From UTC, as in java.time."""
MIN_YEAR: Final = 100
MAX_YEAR: Final = 9899
# The first and the last century of the calendar are left out: an offset, a window's or bin's start, or the time zone they are
# printed in would carry times there past year 1 or 9999.
RFC3339: Final = (
    r"(?!00|99)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-7]):[0-5][0-9]|18:00))"
)
_RFC3339: Final = re.compile(RFC3339)


def now() -> int:
    """Return this moment in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def to_millis(instant: datetime) -> int:
    """Return the milliseconds since 1970 of an aware `instant`, truncated (floored before 1970)."""
    return (instant - _EPOCH) // _MILLISECOND


def rfc3339(instant: int, millis: bool) -> str:
    """Return `instant` (epoch milliseconds) in UTC: `2026-11-24T08:50:00Z`, or with `millis` `2026-11-24T08:50:00.123Z`.

    Without `millis` the fraction is cut off.
    """
    text = (_EPOCH + timedelta(milliseconds=instant)).isoformat(timespec="milliseconds")
    return f"{text[: 23 if millis else 19]}Z"


def in_zone(local: int, zone: tzinfo) -> int:
    """Return the epoch milliseconds of a clock in a zone, of which `local` are those if it were in UTC."""
    return to_millis((_EPOCH + timedelta(milliseconds=local)).replace(tzinfo=zone))


def millis_shown(text: str) -> int:
    """Return the epoch milliseconds of a time in UTC as `rfc3339` gives it, in any year from 1 to 9999.

    Raises ValueError for a text without the `Z`, or that is no time.
    """
    if not text.endswith("Z"):
        raise ValueError(f"{text!r} is no time in UTC")
    return to_millis(datetime.fromisoformat(text))


def millis_of(text: str) -> int | None:
    """Return the epoch milliseconds (truncated) of an RFC 3339 `text`, or None where it is no such time.

    Years 100 to 9899; no leap second.
    """
    if not _RFC3339.fullmatch(text) or text[11:13] == "24":  # hour 24 is the next day to some versions of Python
        return None
    try:
        return to_millis(datetime.fromisoformat(text))
    except ValueError:
        return None


def parse_time(text: str) -> int:
    """Return the epoch milliseconds of a time that a user wrote: RFC 3339, or a date (its midnight in UTC).

    Raises InputError for anything else.
    """
    upper = text.strip().upper()
    if _DATE.fullmatch(upper):
        try:
            date.fromisoformat(upper)
        except ValueError as fault:
            raise InputError(f"{text!r} is no date") from fault
        upper += "T00:00:00Z"
    millis = millis_of(upper)
    if millis is None:
        raise InputError(
            f"{text!r} is no time: write 2026-11-24T08:50:00Z, with an offset instead of Z, or 2026-11-24 (years 100 to 9899)"
        )
    return millis
