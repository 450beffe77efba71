"""Records that a shipper's parser took apart: their attributes in fields, put together again as slog writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from integration.log.dotted import BLANKS, find, first_of, object_of
from integration.log.shipper_fields import (
    ANY_SEVERITY,
    ATTRIBUTES,
    HOSTS,
    LEVELS,
    LINES,
    METADATA,
    NAMESPACES,
    NEVER_A_LINE,
    RECORDS,
    TIMES,
)

_RECORDS: Final = tuple((name.partition(".")[0], name) for name in RECORDS)
_METADATA: Final = {field.name for table in (LINES, HOSTS, TIMES) for field in table} | {*METADATA}
_THEIRS: Final = ("_", "@", *NAMESPACES)
# Where slog says that a record was written.
_PLACE: Final = re.compile(r".+\.go:[0-9]+", re.DOTALL)
_BEGINS_A_LINE: Final = ("time=", "level=", "[GIN] ")
_QUOTED: Final = re.compile(r'[\x00-\x20"=\x7F]|\A\Z')
_ESCAPED: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL: Final = re.compile(r'[\\"\n\r\t]')


def parts_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a document and the objects in it, whatever they are called, first those in which shippers leave a record."""
    yield document
    if not any(isinstance(value, Mapping) or "." in name for name, value in document.items()):
        return
    yield from records_of(document)
    yield from _objects_in(document)


def records_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in a document in which shippers leave a record, or a whole document."""
    names = {name.partition(".")[0] for name in document}
    return (inner for first, name in _RECORDS if first in names and (inner := object_of(document, name)) is not None)


def _objects_in(at: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in sorted(at):
        if isinstance(value := at[name], Mapping) and name not in NEVER_A_LINE and not name.startswith("_"):
            yield value
            yield from _objects_in(value)


def completed(document: Mapping[str, Any], part: Mapping[str, Any], line: str) -> str | None:
    """Return the record of which a line is the message and a part of the document has the rest; None where it is not so.

    A level alone may be a shipper's own: a place in Go's source tells that it is the record's.
    """
    if part.get("_raw") is not None or first_of(part.get("msg")) not in (None, line):
        return None
    if is_record(part):
        return record_of(part)
    if "level=" in line:
        return None
    taken, place = part, _scalar(part.get("source"), "source")
    if not is_place(place) and part is document:
        origin = {"file": find(document, "log.origin.file.name"), "line": find(document, "log.origin.file.line")}
        taken, place = {"err": find(document, "error.message")}, _scalar(origin, "source")
    if not is_place(place):
        return None
    levels = (first_of(find(at, name)) for at in (part, document) for name in LEVELS)
    level = next((level for level in levels if isinstance(level, str) and level), None)
    return record_of({**taken, "level": level, "source": place, "msg": line}) if level else None


def is_place(source: str | None) -> bool:
    """Return whether a text is a place in Go's source, as slog writes it: `server.go:316`."""
    return source is not None and _PLACE.fullmatch(source) is not None


def is_apart(document: Mapping[str, Any], line: str) -> bool:
    """Return whether a document has the level ERROR and its line none, so that no search finds it.

    The level may stand in a field, or in the line that another field has whole.
    """
    if "level=" in line or '"level"' in line:
        return False
    levels = (first_of(find(part, name)) for part in parts_of(document) for name in LEVELS if name != ANY_SEVERITY)
    texts = (find(document, field.name) for field in LINES)
    return any(isinstance(level, str) and level.upper() == "ERROR" for level in levels) or any(
        isinstance(text, str) and "level=ERROR" in text for text in texts
    )


def record_of(part: Mapping[str, Any]) -> str:
    """Return the attributes of a record as slog writes them in a line."""
    others = sorted(name for name in part if name not in ATTRIBUTES and not _is_theirs(name, part))
    texts = {name: scalar for name in (*ATTRIBUTES, *others) if (scalar := _scalar(part.get(name), name)) is not None}
    return " ".join(f"{name}={_quoted(text)}" for name, text in texts.items())


def _is_theirs(name: str, part: Mapping[str, Any]) -> bool:
    """Return whether a name is no attribute's but a shipper's; Logstash's `path` is that of the file."""
    return name in _METADATA or name.startswith(_THEIRS) or (name == "path" and part.get("@version") is not None)


def is_record(document: Any) -> bool:
    """Return whether a value is an object with a record's level and message."""
    if not isinstance(document, Mapping) or document.get("_raw") is not None:
        return False
    message = document.get("msg")
    return isinstance(first_of(document.get("level")), str) and isinstance(first_of(message), str) and not is_line(message)


def is_line(message: Any) -> bool:
    """Return whether a shipper has a whole line where a record has its message, so that the level beside it is the shipper's."""
    text = first_of(message)
    return isinstance(text, str) and text.strip(BLANKS).startswith(_BEGINS_A_LINE)


def _scalar(value: Any, name: str) -> str | None:
    """Return the text of an attribute; a JSON handler writes the file and the line of its `source` in an object."""
    value = first_of(value)
    if name == "source" and isinstance(value, Mapping) and isinstance(file := value.get("file"), str):
        return f"{file}:{line}" if isinstance(line := value.get("line"), int | str) else file
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _quoted(text: str) -> str:
    """Return a value as slog writes it."""
    if not _QUOTED.search(text):
        return text
    return '"' + _SPECIAL.sub(lambda special: _ESCAPED[special[0]], text) + '"'
