"""One line of Ollama's log to one event: the Python twin of `ingest_pipelines/ollama.server.yml`.

`parse` goes the whole way from a raw line; `stored` takes an event back from a cluster. Regular expressions use ASCII
classes throughout, since the two sides would otherwise disagree on what a digit or a space is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from integration.log import gin, json_record, shippers, slog
from integration.log.dotted import find, first_of
from integration.log.kind import kind_of
from integration.log.line import TIME_FAILURE, Line, arrived, read, steps
from integration.log.redaction import redact
from integration.log.shipper_times import zone_of
from integration.log.taken_apart import is_apart
from integration.times import in_zone, rfc3339

DATASET: Final = "ollama.server"
UNKNOWN_HOST: Final = "unknown"
HOST_MISSING: Final = "ollama_host_missing"
LINE_UNLISTED: Final = "ollama_line_unlisted"
"""The line stood in a field that no table names."""
RECORD_APART: Final = "ollama_record_apart"
"""The line is without the level ERROR that its document has, and no search finds it."""
PARSE_FAILURE: Final = "ollama_parse_failure"
"""The pipeline failed on the line; Python has no such event."""

# Spelled out, since grok's and Python's classes differ in what they know of Unicode. The pipeline takes them from here.
SOLID: Final = r"[^ \t\n\x0B\f\r]+"
BARE: Final = r'[^ \t\n\x0B\f\r"]+'
QUOTELESS: Final = r'[^"]+'
WORD: Final = "[A-Za-z0-9_]+"
_BOUNDARY: Final = "(?<![A-Za-z0-9_])"
_SOURCE: Final = re.compile(f"source=({SOLID})")  # SPL 2
_MSG: Final = re.compile(f'msg="({QUOTELESS})"')  # SPL 3
_BARE_MSG: Final = re.compile(f"{_BOUNDARY}msg=({BARE})")
_ERR: Final = re.compile(f'err="({QUOTELESS})"')  # SPL 4
_BARE_ERR: Final = re.compile(f"{_BOUNDARY}err=({BARE})")
_LEVEL: Final = re.compile(f"level=({WORD})")  # SPL 5
_AUTO_LEVEL: Final = re.compile(f"{_BOUNDARY}level=({BARE})")
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
            return _SLOG[field](self.original, _attributes(self.original))
        if field in gin.FIELDS:
            return gin.fields(self.original).get(field)
        raise KeyError(field)

    def document(self) -> dict[str, object]:
        """Return the nested document as the pipeline stores it."""
        values: dict[str, str | int | None] = {field: get(self) for field, get in _PLAIN.items()}
        attributes = _attributes(self.original)
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


def _attributes(line: str) -> dict[str, str]:
    return json_record.attributes(line) if line.startswith("{") else slog.attributes(line)


def _first(*patterns: re.Pattern[str], member: str = "") -> Callable[[Event], str | None]:
    """Return a getter of the first match of the first pattern that matches anywhere in the original line.

    `member` is that of a JSON record, which goes before.
    """

    def get(event: Event) -> str | None:
        if member and event.original.startswith("{") and (found := json_record.attributes(event.original).get(member)):
            return found
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
    "log.level": _first(_AUTO_LEVEL, member="level"),
    "ollama.source": _first(_SOURCE),
    "ollama.msg": _first(_MSG, _BARE_MSG, member="msg"),
    "ollama.err": _first(_ERR, _BARE_ERR, member="err"),
    "ollama.level": _first(_LEVEL),
    "ollama.line": lambda event: kind_of(event.original),
    "ollama.error_line": lambda event: event.original if "level=ERROR" in event.original else None,
}
# An empty attribute counts as none.
_SLOG: Final[dict[str, Callable[[str, dict[str, str]], str | int | None]]] = {
    "message": lambda line, attributes: attributes.get("msg") or line,
    "error.message": lambda _, attributes: attributes.get("err") or attributes.get("error") or None,
    "log.origin.file.name": lambda _, attributes: _origin(attributes)[0],
    "log.origin.file.line": lambda _, attributes: _origin(attributes)[1],
}


def stored(original: str, *, host: str, time: int) -> Event:
    """Return an event that was read back from a cluster: its line is redacted and bare already."""
    return Event(as_indexed(original), time, as_indexed(host))


def as_indexed(text: str) -> str:
    """Return a text of a document as an index has it: half a surrogate pair, which JSON can write, is a question mark there."""
    return text.encode(errors="replace").decode()


def parse(raw: str, *, host: str | None, shipped_at: int) -> Event:
    """Return the event of a `raw` line, in whatever its carriers put around it; see `event_of`."""
    return event_of(read(raw), host=host, shipped_at=shipped_at)


def event_of(line: Line, *, host: str | None, shipped_at: int) -> Event:
    """Return the event of a line.

    `host` is the document's own host, if it has one; `shipped_at` (epoch milliseconds) is the time of a line that has none of its
    own and whose carrier names none.
    """
    time = line.stamp if line.stamp is not None else line.carried if line.carried is not None else shipped_at
    host = redact(found) if (found := host or line.host) else None
    tags = line.tags if host else (*line.tags, HOST_MISSING)
    return Event(line.text, time, host or UNKNOWN_HOST, tags)


def parse_document(document: Mapping[str, Any], *, received_at: int, gin_timezone: tzinfo | None = None) -> Event:
    """Return the event of a document as a shipper sends it; `received_at` (epoch milliseconds) is the time of one that has none.

    `gin_timezone` is the zone of access lines' clocks where it names none. Raises ValueError for a document without a line.
    """
    found, host, time = shippers.read(document)
    text, is_unlisted = (found, False) if found else shippers.rest_of(document, found)
    if text is None:
        raise ValueError("there is no line in the document")
    tags = (LINE_UNLISTED,) if is_unlisted else ()
    way = steps(text)
    if is_apart(document, way.unwrapped.text):
        tags = (*tags, RECORD_APART)
    line = arrived(way)
    line = line._replace(tags=(*tags, *line.tags))
    named = first_of(find(document, "event.timezone"))
    line = with_clock(line, zone_of(named) if isinstance(named, str) else gin_timezone)
    host = host or line.host or shippers.address_of(document)
    return event_of(line, host=host, shipped_at=received_at if time is None else time)


def with_clock(line: Line, zone: tzinfo | None) -> Line:
    """Return an access line with the time of its clock in a zone, where that is known; any other line as it is."""
    if zone is None or (local := gin.local_time(line.text)) is None:
        return line
    tags = tuple(tag for tag in line.tags if tag != TIME_FAILURE)  # of a record below
    return line._replace(stamp=in_zone(local, zone), tags=tags)
