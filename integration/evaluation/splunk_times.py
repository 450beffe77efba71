"""Times as Splunk exports them, to the text that its search prints: `2026-11-24 09:00:00` in the zone of who exported them."""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"\d{9,11}(?:\.\d{1,9})?", re.ASCII)
_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?: ?(Z|[+-]\d\d:?\d\d)| ([A-Z]{2,5}))?", re.ASCII)
_LOCAL = re.compile(r"(\d{1,2})([/.])(\d{1,2})[/.](\d{4}|\d\d),? (\d{1,2}):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: (AM|PM))?", re.ASCII)
_FORMS = "write it as 2026-11-24 09:00:00, as seconds since 1970, or as 2026-11-24T09:00:00+01:00"


def printed_time(text: str, zone: tzinfo) -> str:
    """Return a time of an export as `%Y-%m-%d %H:%M:%S` in a zone, with milliseconds where it has some.

    It may be that already, or seconds since 1970, ISO 8601 with or without a zone, or a date of a locale. A time without a zone is
    one in `zone`. ValueError says in words what cannot be read.
    """
    if _SECONDS.fullmatch(text):
        seconds, _, fraction = text.partition(".")
        return _shown((_EPOCH + timedelta(seconds=int(seconds), milliseconds=_millis(fraction))).astimezone(zone))
    if _MILLISECONDS.fullmatch(text):
        return _shown((_EPOCH + timedelta(milliseconds=int(text))).astimezone(zone))
    if match := _ISO.fullmatch(text):
        day, clock, fraction, offset, name = match.groups()
        time = datetime.fromisoformat(f"{day}T{clock}") + timedelta(milliseconds=_millis(fraction or ""))
        if offset is not None or name in ("UTC", "GMT"):
            known = datetime.fromisoformat(f"{day}T{clock}{offset or 'Z'}") + timedelta(milliseconds=_millis(fraction or ""))
            return _shown(known.astimezone(zone))
        if name is not None and name not in {time.replace(tzinfo=zone, fold=fold).tzname() for fold in (0, 1)}:
            raise ValueError(f"{text!r} is in the zone {name}; say by --timezone which one that is")
        return _shown(time)
    if match := _LOCAL.fullmatch(text):
        return _shown(_of_locale(text, match))
    raise ValueError(f"{text!r} is not a time as Splunk writes it; {_FORMS}")


def _of_locale(text: str, match: re.Match[str]) -> datetime:
    """Read a date as people of some country write it; AM and PM are written where the month comes first."""
    first, dot, second, year, hour, minute, seconds, fraction, half = match.groups()
    month_first = half is not None
    if half is None and dot == "/" and int(first) <= 12 and int(second) <= 12 and first != second:
        raise ValueError(f"{text!r} may have the day or the month first; {_FORMS}")
    if half is None and int(second) > 12:
        month_first = True
    month, day = (first, second) if month_first else (second, first)
    in_day = int(hour) % 12 + 12 * (half == "PM") if half else int(hour)
    full_year = int(year) + 2000 * (len(year) == 2)
    time = datetime(full_year, int(month), int(day), in_day, int(minute), int(seconds))  # noqa: DTZ001 - in the zone that is given
    return time + timedelta(milliseconds=_millis(fraction or ""))


def _millis(fraction: str) -> int:
    return int(fraction.ljust(3, "0")[:3]) if fraction else 0


def _shown(time: datetime) -> str:
    if not MINYEAR < time.year < MAXYEAR:  # there, a time zone or a floor may lead out of the calendar
        raise ValueError(f"the year {time.year} is not one of an event")
    local = time.replace(tzinfo=None, fold=0)
    return local.isoformat(sep=" ", timespec="milliseconds" if local.microsecond else "seconds")
