"""The time of a document, as shippers write it: a number or a date, in the first field that has one; and the zone of its clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from integration.log.dotted import first_of
from integration.times import FARTHEST_OFFSET, to_millis

_NUMBER: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
# Go and Ruby write `2026-11-28 10:15:05 +0000 UTC`, Java may name the zone in brackets. A stamp's offset may carry it a day past
# the centuries that are left out, and a second pass reads it again.
_TIME: Final = re.compile(
    r"((?!00(?!99)|99(?!00))[0-9]{4})([-/])([0-9]{2})\2([0-9]{2})[Tt ]((?!24)[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r"(?: ?(?:[Zz]|UTC|GMT|([+-])(0[0-9]|1[0-7])(?::?([0-5][0-9]))?|([+-]18):?00)(?: [A-Z]{1,5})?)?(?:\[[A-Za-z0-9_/+-]{1,40}\])?"
)
# An offset as Java reads it: `+2`, `+02`, `+0230` or `+02:30`, up to 18 hours.
_ZONE: Final = re.compile(
    r"Z|UTC|([+-])([0-9]|[01][0-9])(?:(?<=[0-9]{2}):?([0-5][0-9]))?|[A-Z][A-Za-z0-9_+-]{0,40}(?:/[A-Za-z0-9_+-]{1,40}){1,2}"
)
_ZONES: Final = """
    UTC=GMT,UCT,UT Europe/Lisbon=WET Europe/Brussels=CET,MET Europe/Athens=EET
    America/New_York=EST5EDT America/Chicago=CST6CDT America/Denver=MST7MDT America/Los_Angeles=PST8PDT
    -10:00=HST -09:00=AKST -08:00=AKDT,PST -07:00=MST,PDT -06:00=MDT -05:00=EST,CDT -04:00=EDT +01:00=WEST +02:00=CEST,MEST,SAST
    +03:00=EEST,MSK +08:00=AWST,HKT +09:00=JST,KST +09:30=ACST +10:00=AEST +10:30=ACDT +11:00=AEDT +12:00=NZST +13:00=NZDT
"""
ZONES: Final = {name: zone for zone, _, names in (row.partition("=") for row in _ZONES.split()) for name in names.split(",")}
"""What abbreviations of a zone stand for, in a form that engines and Python read alike.

Those that the time zone database has are as there. `CST`, `IST` and `BST` are those of several countries, and none.
"""
EARLIEST_SECOND: Final = 1e8
"""What is less is no time, but a year, a duration or nothing."""
_LATEST_NANOSECOND: Final = 1e19
_UNITS: Final = ((1e11, 1e-3), (1e14, 1.0), (1e17, 1e3), (1e19, 1e6))


def first_time(values: Iterable[Any]) -> int | None:
    """Return the first of the values that is a time, in epoch milliseconds.

    One before 1973, which stands for none, counts where there is no other.
    """
    early = None
    for value in values:
        time = time_of(first_of(value))
        if time is not None and time >= EARLIEST_SECOND * 1_000:
            return time
        early = time if early is None else early
    return early


def time_of(value: Any) -> int | None:
    """Return the epoch milliseconds of a number or a date, None where the value is neither."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return _date(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    number = float(value)
    if not EARLIEST_SECOND <= number < _LATEST_NANOSECOND:
        return None
    unit = next(unit for most, unit in _UNITS if number < most)
    return int(number / unit + 0.001)  # a fraction is seldom exact


def zone_of(name: Any) -> tzinfo | None:
    """Return the zone of a machine's clock: an offset, a name of the time zone database, or an abbreviation of one zone alone."""
    if not isinstance(name, str) or not (match := _ZONE.fullmatch(name := ZONES.get(name, name))):
        return None
    sign, hours, minutes = match.groups(default="")
    try:
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
            return None if offset > FARTHEST_OFFSET else timezone(-offset if sign == "-" else offset)
        return UTC if name == "Z" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _date(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    if not match:
        return None
    year, _, month, day, clock, fraction, sign, hours, minutes, far = match.groups(default="")
    try:
        local = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = (int(hours or 0) * 60 + int(minutes or 0)) * 60_000 if not far else 18 * 3_600_000
    return to_millis(local) + int(fraction.ljust(3, "0")[:3]) - (-offset if (sign or far[:1]) == "-" else offset)
