"""A line of a log, read once: out of what carried it, cut to the length that the add-on keeps, and redacted."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from integration.log import json_record
from integration.log.prefixes import LATER_STAMP, Stripped, strip
from integration.log.redaction import redact
from integration.log.shippers import Carried, unwrap
from integration.times import RFC3339, millis_of

MAX_BYTES: Final = 200_000
"""The add-on's TRUNCATE: a longer line ends there."""
LINE_CUT: Final = "ollama_line_cut"
TIME_FAILURE: Final = "ollama_time_failure"

_STAMP: Final = re.compile(rf"time=({RFC3339})(?=[ \t\n\x0B\f\r]|\Z)")
_LATER_STAMP: Final = re.compile(LATER_STAMP)


class Line(NamedTuple):
    """A line as Ollama wrote it, and what was learned on the way to it; times in epoch milliseconds.

    `stamp` is the record's own time, `zone` the offset written in it in milliseconds. `carried` is the time of its carrier, `host`
    the machine that a carrier names. `tags` name what was cut off or went wrong.
    """

    text: str
    stamp: int | None
    zone: int | None
    carried: int | None
    host: str | None
    tags: tuple[str, ...]


class Steps(NamedTuple):
    """The way of a line: out of the JSON around it, without its carriers, cut to its length, and redacted."""

    unwrapped: Carried
    stripped: Stripped
    whole: str
    redacted: str


def steps(raw: str) -> Steps:
    """Take the steps that make an event's text of a line in a file or in a document."""
    carried = unwrap(raw)
    stripped = strip(carried.text)
    whole = cut(stripped.text)
    return Steps(carried, stripped, whole, redact(whole))


def read(raw: str) -> Line:
    """Read a line as it is in a file or in a document."""
    return arrived(steps(raw))


def arrived(way: Steps) -> Line:
    """Return the line at the end of its way."""
    carried, (text, host, time), whole, original = way
    tags: tuple[str, ...] = () if len(whole) == len(text) else (LINE_CUT,)
    written = own_stamp(original)
    stamp = millis_of(written) if written else None
    if written and stamp is None:
        tags += (TIME_FAILURE,)
    zone = _offset(written) if written and stamp is not None else None
    return Line(original, stamp, zone, carried.time if time is None else time, carried.host or host, tags)


def cut(text: str) -> str:
    """Return as much of a text as has `MAX_BYTES` bytes in UTF-8, in whole characters."""
    if len(text) * 4 <= MAX_BYTES:  # no character has more bytes
        return text
    return text.encode(errors="replace")[:MAX_BYTES].decode(errors="ignore")


def own_stamp(text: str) -> str | None:
    """Return the stamp at the beginning of a line, or of the first record below, as it is written."""
    if text.startswith("{"):
        return json_record.stamp(text)
    if match := _STAMP.match(text):
        return match[1]
    if ("\n" in text or "\r" in text) and (match := _LATER_STAMP.search(text)):
        return match[1]
    return None


def _offset(stamp: str) -> int:
    """Return the offset of a valid stamp in milliseconds."""
    if stamp.endswith("Z"):
        return 0
    minutes = int(stamp[-5:-3]) * 60 + int(stamp[-2:])
    return minutes * (-60_000 if stamp[-6] == "-" else 60_000)
