"""GIN access lines: `[GIN] 2025/11/06 - 06:23:22 | 500 |  2.859719514s |      172.18.0.3 | POST     "/api/chat"`."""

import re
from typing import Final

from integration.log.slog import unescape

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
_LINE: Final = re.compile(
    r"\[GIN\] [0-9]{4}/[0-9]{2}/[0-9]{2} - [0-9]{2}:[0-9]{2}:[0-9]{2} \| *+(?P<status>[0-9]{3}) *+"
    r"\| *+(?P<duration>[^ |]*+) *+"
    rf"\| *+(?:(?P<ip>{_IPV4}|{_IPV6})(?:%[^ |]*+)?|[^ |]*+) *+"
    # Redaction can eat the path's closing quote.
    r'\| *+(?P<method>[^ \t\n\x0B\f\r"|]+) ++"(?P<url>(?:[^"\\]++|\\.)*+)(?:"(?=[ \t\n\x0B\f\r]|\Z)|\Z)',
    re.DOTALL,
)
_LONG_LINE: Final = 65_536
_BEGINNING: Final = 2_000
# An escape and a pair of surrogates are shown whole or not at all.
_CUT: Final = re.compile("[\\\\\ud800-\udbff]+\\Z")
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


def fields(line: str) -> dict[str, str | int]:
    """Return the ECS fields of a GIN access `line` by their dotted names; none for any other line.

    Those of a line of more than 65,536 UTF-16 units are those of its first 2,000.
    """
    match = _LINE.match(_beginning(line) if len(line) > _LONG_LINE // 2 else line)
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


def _beginning(line: str) -> str:
    """Return as much of a line as the pipeline's grok is shown."""
    units = line.encode("utf-16-le", "surrogatepass")
    if len(units) <= _LONG_LINE * 2:
        return line
    return _CUT.sub("", units[: _BEGINNING * 2].decode("utf-16-le", "surrogatepass"))


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
