"""GIN access lines: `[GIN] 2025/11/06 - 06:23:22 | 500 |  2.859719514s |      172.18.0.3 | POST     "/api/chat"`."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from integration.log.prefixes import COLOUR
from integration.log.slog import unescape
from integration.times import millis_of

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_GROUP: Final = r"[0-9A-Fa-f]{1,4}"
_LAST_TWO: Final = rf"(?:{_IPV4}|{_GROUP}:{_GROUP})"
# The nine ways of RFC 3986 to write an IPv6 address. Spelled out, so that the pipeline takes exactly the same ones
# and a field of type ip takes them all.
_IPV6: Final = "|".join(
    (
        rf"(?:{_GROUP}:){{6}}{_LAST_TWO}",
        rf"::(?:{_GROUP}:){{5}}{_LAST_TWO}",
        rf"(?:{_GROUP})?::(?:{_GROUP}:){{4}}{_LAST_TWO}",
        rf"(?:(?:{_GROUP}:){{0,1}}{_GROUP})?::(?:{_GROUP}:){{3}}{_LAST_TWO}",
        rf"(?:(?:{_GROUP}:){{0,2}}{_GROUP})?::(?:{_GROUP}:){{2}}{_LAST_TWO}",
        rf"(?:(?:{_GROUP}:){{0,3}}{_GROUP})?::{_GROUP}:{_LAST_TWO}",
        rf"(?:(?:{_GROUP}:){{0,4}}{_GROUP})?::{_LAST_TWO}",
        rf"(?:(?:{_GROUP}:){{0,5}}{_GROUP})?::{_GROUP}",
        rf"(?:(?:{_GROUP}:){{0,6}}{_GROUP})?::",
    )
)
IP: Final = f"(?:{_IPV4}|{_IPV6})"
# Colours stand around the status and the method where Ollama writes to a terminal.
GAP: Final = f" *+(?:{COLOUR} *+)*+"
CELL: Final = r"[^ |\x1B]*+"
METHOD: Final = r'[^ \t\n\x0B\f\r"|\x1B]++'
_LINE: Final = re.compile(
    rf"\[GIN\] [0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}} - [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} \|{GAP}(?P<status>[0-9]{{3}}){GAP}"
    rf"\|{GAP}(?P<duration>{CELL}){GAP}"
    rf"\|{GAP}(?:(?P<ip>{IP})(?:%{CELL})?|{CELL}){GAP}"
    # Redaction can eat the path's closing quote.
    rf'\|{GAP}(?P<method>{METHOD})(?= |\x1B){GAP}"(?P<url>(?:[^"\\]++|\\.)*+)(?:"(?=[ \t\n\x0B\f\r]|\Z)|\Z)',
    re.DOTALL,
)
_CLOCK: Final = re.compile(r"\[GIN\] ([0-9]{4})/([0-9]{2})/([0-9]{2}) - ([0-9]{2}:[0-9]{2}:[0-9]{2}) \|")
FIELDS: Final = frozenset(
    (
        "http.request.method",
        "http.response.status_code",
        "url.path",
        "url.query",
        "source.ip",
        "event.duration",
    )
)

# Go prints hours and minutes only above whole seconds, and at most nine digits after the point.
_LONG: Final = re.compile(r"(?:(?:([0-9]{1,6})h)?([0-9]{1,2})m)?([0-9]{1,2})(?:\.([0-9]{1,9}))?s")
_SHORT: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,9}))?(ms|[uµμ]s|ns)")
_DIGITS: Final = {"m": 6, "u": 3, "µ": 3, "μ": 3, "n": 0}


@lru_cache(maxsize=1)  # a rule asks for one field after the other
def fields(line: str) -> Mapping[str, str | int]:
    """Return the ECS fields of a GIN access `line` by their dotted names, not to be changed; none for any other line."""
    match = _LINE.match(line)
    if not match:
        return {}
    path, _, query = unescape(match["url"]).partition("?")
    found: dict[str, str | int | None] = {
        "http.request.method": match["method"],
        "http.response.status_code": int(match["status"]),
        "url.path": path or None,
        "url.query": query or None,
        "source.ip": match["ip"],
        "event.duration": duration(match["duration"]),
    }
    return {name: value for name, value in found.items() if value is not None}


def local_time(line: str) -> int | None:
    """Return the time of a GIN line in epoch milliseconds, its clock taken for UTC's; None for any other line."""
    match = _CLOCK.match(line)
    return millis_of(f"{match[1]}-{match[2]}-{match[3]}T{match[4]}Z") if match else None


def duration(text: str) -> int | None:
    """Return the nanoseconds of a duration as Go prints it, or None where `text` is none."""
    if long := _LONG.fullmatch(text):
        hours, minutes, seconds, fraction = long.groups(default="0")
        return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 10**9 + int(fraction.ljust(9, "0"))
    if short := _SHORT.fullmatch(text):
        whole, fraction, unit = short.groups(default="")
        digits = _DIGITS[unit[0]]
        return int(whole + fraction.ljust(digits, "0")[:digits])
    return None
