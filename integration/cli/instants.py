"""Times as people write them at the command line: RFC 3339, `2026-11-29T03:00`, `yesterday`, `30d`, `now-6h`; all in UTC."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from integration.errors import InputError
from integration.times import MAX_YEAR, MIN_YEAR, now, parse_time, to_millis

_MAX_CHARACTERS = 100
_DAYS = ("today", "yesterday", "tomorrow")
# What the library would read in part only, or otherwise than some reader: 11/12/2026, now/d, -1d@d, 1M, now-6.
_DOUBTFUL = re.compile(r"[/@]|\d\.\d+\.\d|\dM\b|[-+]\s*\d+$")
_FORMS = "write 2026-11-24T08:50:00Z, 2026-11-24, 2026-11-24T08:50 (UTC), yesterday, 30d or 6h (ago), or now-6h"

FromOption = Annotated[
    str | None,
    typer.Option("--from", "--since", metavar="TIME", help="Windows that begin then or later: 2026-11-24, 30d, yesterday, now-6h."),
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Windows that end by then; now by default.")]


def instant_of(option: str, text: str) -> int:
    """Return the epoch milliseconds of a time that a user wrote; `InputError` names the option when it is not one."""
    with suppress(InputError):
        return parse_time(text)
    instant = _in_words(text) if len(text) <= _MAX_CHARACTERS and not _DOUBTFUL.search(text) else None
    if instant is None or not MIN_YEAR <= instant.year <= MAX_YEAR:
        raise InputError(f"{option} {text!r} is not a time: {_FORMS} (years {MIN_YEAR} to {MAX_YEAR})")
    return to_millis(instant)


def _in_words(text: str) -> datetime | None:
    from dateparser.date import DateDataParser  # not above: it takes longer to load than most verbs need

    base = datetime.now(UTC).replace(tzinfo=None)
    if text.strip().lower() in _DAYS:
        base = base.replace(hour=0, minute=0, second=0, microsecond=0)
    settings: dict[str, Any] = {
        "DATE_ORDER": "YMD",
        "PARSERS": ["relative-time", "absolute-time"],
        "PREFER_DATES_FROM": "past",
        "RELATIVE_BASE": base,
        "REQUIRE_PARTS": ["day"],
        "RETURN_AS_TIMEZONE_AWARE": True,
        "TIMEZONE": "UTC",
    }
    found: datetime | None = DateDataParser(languages=["en"], settings=settings).get_date_data(text).date_obj
    return found


def span_of(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Return the times of --from and --to; `InputError` when the first is not before the second."""
    begins, ends = (None if text is None else instant_of(option, text) for option, text in (("--from", start), ("--to", end)))
    if begins is not None and begins >= (now() if ends is None else ends):
        raise InputError(f"--from {start} is not before --to {'now' if end is None else end}")
    return begins, ends
