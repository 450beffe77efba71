"""The wrappings a line can arrive in: a Docker json-file record, or one text prefix."""

import json
import re
from typing import Final, NamedTuple

from integration.times import RFC3339, millis_of

# One flat JSON object: members in any order, at most one level of objects inside (Docker's `attrs`). The last
# string `log` and the last `time` count. Written as regular expressions, since JSON parsers differ in what they let
# pass and the ingest pipeline has to decide the same. Member by member: Python's `re` loses groups in a possessive loop.
_WS: Final = r"[ \t]*+"
_TEXT: Final = r'(?:[^"\\\x00-\x1F]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+'
_WORD: Final = r"(?:true|false|null|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"
_NEXT: Final = rf"{_WS}(?:,{_WS}(?!\}})|(?=\}}))"
_FLAT: Final = rf'\{{{_WS}(?:"{_TEXT}"{_WS}:{_WS}(?:"{_TEXT}"|{_WORD}){_NEXT})*+\}}'
_OPENING: Final = re.compile(rf"\{{{_WS}")
_MEMBER: Final = re.compile(rf'"({_TEXT})"{_WS}:{_WS}(?:"({_TEXT})"|{_WORD}|{_FLAT}){_NEXT}')
_CLOSING: Final = re.compile(rf"\}}{_WS}")
_TIME: Final = re.compile(RFC3339)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

# Bounded, so that the pipeline finds it in the first 2,000 characters of however long a line.
_PREFIX: Final = re.compile(
    # journald and syslog, with the classic or an ISO time: `Feb 26 10:05:31 host ollama[1499630]: `
    r"(?:[A-Z][a-z]{2} [ 0-3][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2}))"
    r" (?P<host>[^\s]{1,255}) [^\s\[\]:]{1,255}(?:\[[0-9]{1,20}\])?: "
    # Docker Compose: `ollama-1  | `
    r"|[A-Za-z0-9][A-Za-z0-9_.-]{0,254} {1,255}\| "
    # Docker Desktop: `2025-03-06 23:33:40 `
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} ",
    re.ASCII,
)


class Unwrapped(NamedTuple):
    """A line out of its Docker record: the text, and the record's time in epoch milliseconds, if it has one."""

    text: str
    time: int | None


class Stripped(NamedTuple):
    """A line without its text prefix, and the host that a journald prefix names."""

    text: str
    host: str | None


def unwrap(line: str) -> Unwrapped:
    """Return what a Docker json-file record holds, without its line end; any other line as it is.

    Half a surrogate pair in a record becomes U+FFFD.
    """
    if not line.startswith("{") or '"log"' not in line:
        return Unwrapped(line, None)
    log, time = _record(line)
    if log is None:
        return Unwrapped(line, None)
    if "\\" in log:
        log = _SURROGATE.sub("\ufffd", json.loads(f'"{log}"'))
    return Unwrapped(log.rstrip("\r\n"), millis_of(time) if time else None)


def _record(line: str) -> tuple[str | None, str | None]:
    """Return the `log` and the `time` of a Docker record as they are written; no `log` for any other line."""
    log: str | None = None
    time: str | None = None
    at = opening.end() if (opening := _OPENING.match(line)) else 0
    while member := _MEMBER.match(line, at):
        key, text = member.groups()
        if key == "log" and text is not None:
            log = text
        elif key == "time" and text is not None and _TIME.fullmatch(text):
            time = text
        at = member.end()
    return (log, time) if _CLOSING.fullmatch(line, at) else (None, None)


def strip_prefix(line: str) -> Stripped:
    """Take one journald, syslog, Docker Compose or Docker Desktop prefix off `line`."""
    prefix = _PREFIX.match(line)
    return Stripped(line[prefix.end() :], prefix["host"]) if prefix else Stripped(line, None)
