"""One line of Ollama's log to one event: the Python twin of `ingest_pipelines/ollama.server.yml`.

`parse` goes the whole way from a raw line; `stored` takes an event back from a cluster. Regular expressions use ASCII
classes throughout, since the two sides would otherwise disagree on what a digit or a space is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from integration.log import gin, slog
from integration.log.prefixes import strip_prefix, unwrap
from integration.log.redaction import redact
from integration.times import RFC3339, millis_of, rfc3339

DATASET: Final = "ollama.server"
UNKNOWN_HOST: Final = "unknown"
HOST_MISSING: Final = "ollama_host_missing"
TIME_FAILURE: Final = "ollama_time_failure"

_STAMP: Final = re.compile(rf"time=({RFC3339})(?=[ \t\n\x0B\f\r]|\Z)")
_SOURCE: Final = re.compile(r"source=([^\s]+)", re.ASCII)  # SPL 2
_MSG: Final = re.compile(r'msg="([^"]+)"')  # SPL 3
_BARE_MSG: Final = re.compile(r'\bmsg=([^\s"]+)', re.ASCII)
_ERR: Final = re.compile(r'err="([^"]+)"')  # SPL 4
_BARE_ERR: Final = re.compile(r'\berr=([^\s"]+)', re.ASCII)
_LEVEL: Final = re.compile(r"level=(\w+)", re.ASCII)  # SPL 5
_AUTO_LEVEL: Final = re.compile(r'\blevel=([^\s"]+)', re.ASCII)
_ORIGIN: Final = re.compile(r"(.+):([0-9]{1,10})", re.DOTALL)
_MAX_INT: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Event:
    """One line as it is stored. Everything beyond these four is worked out when asked for.

    `original` is the redacted line as Ollama wrote it, `time` is in epoch milliseconds, `tags` name what went wrong.
    """

    original: str
    time: int
    host: str
    tags: tuple[str, ...] = ()

    def value(self, field: str) -> str | int | None:
        """Return the value of a dotted field name, or None where the event has no such value.

        Raises KeyError for a name that no event has.
        """
        if field in _PLAIN:
            return _PLAIN[field](self)
        if field in _SLOG:
            return _SLOG[field](self.original, slog.attributes(self.original))
        if field in gin.FIELDS:
            return gin.fields(self.original).get(field)
        raise KeyError(field)

    def document(self) -> dict[str, object]:
        """Return the nested document as the pipeline stores it."""
        values: dict[str, str | int | None] = {field: get(self) for field, get in _PLAIN.items()}
        attributes = slog.attributes(self.original)
        values |= {field: get(self.original, attributes) for field, get in _SLOG.items()}
        values |= gin.fields(self.original)
        document: dict[str, Any] = {"@timestamp": rfc3339(self.time, millis=True)}
        if self.tags:
            document["tags"] = list(self.tags)
        for field, value in values.items():
            if value is None:
                continue
            *parents, name = field.split(".")
            inner = document
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[name] = value
        return document


def _first(*patterns: re.Pattern[str]) -> Callable[[Event], str | None]:
    """Return a getter of the first match of the first pattern that matches anywhere in the original line."""

    def get(event: Event) -> str | None:
        for pattern in patterns:
            if match := pattern.search(event.original):
                return match[1]
        return None

    return get


def _origin(attributes: dict[str, str]) -> tuple[str | None, int | None]:
    """Return the file name and the line of the `source` attribute."""
    source = attributes.get("source", "")
    match = _ORIGIN.fullmatch(source)
    if not match:
        return source or None, None
    number = int(match[2])
    return match[1], number if number <= _MAX_INT else None


_PLAIN: Final[dict[str, Callable[[Event], str | int | None]]] = {
    "event.original": lambda event: event.original,
    "event.dataset": lambda _: DATASET,
    "host.name": lambda event: event.host,
    "log.level": _first(_AUTO_LEVEL),
    "ollama.source": _first(_SOURCE),
    "ollama.msg": _first(_MSG, _BARE_MSG),
    "ollama.err": _first(_ERR, _BARE_ERR),
    "ollama.level": _first(_LEVEL),
}
# An empty attribute counts as none.
_SLOG: Final[dict[str, Callable[[str, dict[str, str]], str | int | None]]] = {
    "message": lambda line, attributes: attributes.get("msg") or line,
    "error.message": lambda _, attributes: attributes.get("err") or attributes.get("error") or None,
    "log.origin.file.name": lambda _, attributes: _origin(attributes)[0],
    "log.origin.file.line": lambda _, attributes: _origin(attributes)[1],
}


def prefix_host(line: str) -> str | None:
    """Return the host that a raw line's journald or syslog prefix names, if it has one: redacted, as all that is stored."""
    return None if line.startswith("time=") else strip_prefix(redact(unwrap(line).text)).host


def stamp(line: str) -> int | None:
    """Return the epoch milliseconds of a raw line's own `time=` stamp, if it has a valid one."""
    text = line if line.startswith("time=") else strip_prefix(unwrap(line).text).text
    return millis_of(match[1]) if (match := _STAMP.match(text)) else None


def stored(original: str, *, host: str, time: int) -> Event:
    """Return an event that was read back from a cluster: its line is redacted and bare already."""
    return Event(as_indexed(original), time, as_indexed(host))


def as_indexed(text: str) -> str:
    """Return a text of a document as an index has it: half a surrogate pair, which JSON can write, is a question mark there."""
    return text.encode(errors="replace").decode()


def parse(line: str, *, host: str | None, shipped_at: int) -> Event:
    """Return the event of a raw `line`, in whatever transport wrapping.

    `host` is the document's own host, if it has one; `shipped_at` (epoch milliseconds) is the time of a line without
    a stamp, unless its Docker record carries one.
    """
    text, recorded_at = unwrap(line)
    original, named_host = strip_prefix(redact(text))
    tags: list[str] = []
    time = shipped_at if recorded_at is None else recorded_at
    if match := _STAMP.match(original):
        millis = millis_of(match[1])
        if millis is None:
            tags.append(TIME_FAILURE)
        else:
            time = millis
    host = host or named_host
    if not host:
        tags.append(HOST_MISSING)
    return Event(original, time, host or UNKNOWN_HOST, tuple(tags))
