"""Lines that hold several events in JSON, as shippers write batches: each event becomes a line of its own.

They are lists of objects, objects one after the other, what CloudWatch Logs sends to subscriptions, OTLP, and the answers of those
who keep logs: a search of Elasticsearch or OpenSearch, `aws logs get-log-events`, Azure's records and Loki. Only a line that is
such JSON from its beginning to its end is taken apart. Any other stays as it is: it may be Ollama's own, with such JSON in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from json import JSONDecoder, JSONEncoder
from typing import Any, Final

from integration.log.otlp import log_records
from integration.log.parts import Place
from integration.log.shippers import STRICT_JSON, SURROGATE, no_constant, read

_MOST_EVENTS: Final = 100_000
"""Of one line: what shippers send at a time is far less."""
_MOST_GROWTH: Final = 16
"""Times the length of a line: what stands around all events of a batch is written beside each of them."""
_MOST_AT_ANY_RATE: Final = 16 << 20
# Quotes in a string have backslashes before them, so that hardly an ordinary line has one of these.
_KEYS: Final = ('"logEvents"', '"resourceLogs"', '"hits"', '"events"', '"records"', '"values"')
_BYTES_OF_KEYS: Final = tuple(key.encode() for key in _KEYS)
_NEXT_OBJECT: Final = r'\}[ \t]*+\{[ \t]*+"'
_next_object_in, _next_object_in_block = re.compile(_NEXT_OBJECT).search, re.compile(_NEXT_OBJECT.encode()).search
_BEGIN: Final = r"[ \t]*+(?:(\[)[ \t]*+)?\{"
_begin_of, _begin_of_block = re.compile(_BEGIN).match, re.compile(_BEGIN.encode()).match
_begin_below, _list_below = re.compile(f"\n{_BEGIN}".encode()).search, re.compile(rb"\n[ \t]*+\[[ \t]*+\{").search

_FIRST: Final = re.compile(r"[ \t]*+(\[?)[ \t]*+(?=\{)")
_NEXT_OF_LIST: Final = re.compile(r"[ \t]*+(,)[ \t]*+(?=\{)")
_END_OF_LIST: Final = re.compile(r"[ \t]*+\]")
# It tells where objects end. The numbers in them do not matter, and may have any length.
_FORM: Final = JSONDecoder(parse_int=str, parse_float=str, parse_constant=no_constant)
_json = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def has_batches(block: bytes) -> bool:
    """Return whether a line of a block may hold several events."""
    begin = (_begin_of_block(block) or _begin_below(block)) if b"{" in block else None
    if begin is None:
        return False
    return bool(begin[1] or any(key in block for key in _BYTES_OF_KEYS) or _next_object_in_block(block) or _list_below(block))


def each_event(lines: Iterable[tuple[str, Place]]) -> Iterator[tuple[str, Place, int]]:
    """Yield each event of lines, its place, and how many events stand before it in its line.

    It is put so many bytes behind where its line begins, and never behind its end: places stay distinct and in order.
    """
    for line, (number, offset) in lines:
        for before, event in enumerate(events_of(line)):
            yield event, (number, offset + before), before


def events_of(line: str) -> list[str]:
    """Return the events of a line; one that stands there as a whole object is as it is written."""
    begin = _begin_of(line)
    if begin is None or not (begin[1] or any(key in line for key in _KEYS) or _next_object_in(line)):
        return [line]
    events, length = list[str](), 0
    try:
        for event in (event for text, found in _objects(line) for event in _events_in(text, found)):
            events.append(event)
            length += len(event)
            if len(events) > _MOST_EVENTS or length > max(_MOST_GROWTH * len(line), _MOST_AT_ANY_RATE):
                return [line]
    except (ValueError, RecursionError):
        return [line]
    return [line] if events == [line.strip(" \t,")] else events


def _objects(line: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of which a line consists, bare or in lists; `ValueError` where there is anything else."""
    line = line.rstrip(" \t").removesuffix(",").rstrip(" \t")
    place, in_list = 0, False
    while place < len(line):
        before = (_NEXT_OF_LIST if in_list else _FIRST).match(line, place)
        if before is None:
            raise ValueError("there is something else")
        found, place = _FORM.raw_decode(line, before.end())
        yield line[before.end() : place], found
        in_list = bool(before[1])
        if in_list and (end := _END_OF_LIST.match(line, place)):
            in_list, place = False, end.end()
    if in_list:
        raise ValueError("the list has no end")


def _answered(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events in an answer of who keeps logs; none in any other object."""
    if read(found).text:  # one of its own, and so has a record
        return []
    for path in (("hits", "hits"), ("events",), ("records",)):
        events: Any = found
        for name in path:
            events = events.get(name) if isinstance(events, dict) else None
        if isinstance(events, list) and all(isinstance(event, dict) for event in events):
            return events
    streams = found.get("streams") or (data.get("result") if isinstance(data := found.get("data"), dict) else None)
    if not isinstance(streams, list) or not all(map(_is_stream, streams)):
        return []
    return [{"labels": each["stream"], "timestamp": time, "line": line} for each in streams for time, line, *_ in each["values"]]


def _is_stream(found: Any) -> bool:
    """Return whether a value is a stream of Loki's: its labels, and a time and a line of each event."""
    values = found.get("values") if isinstance(found, dict) and isinstance(found.get("stream"), dict) else None
    return isinstance(values, list) and all(isinstance(each, list) and len(each) > 1 for each in values)


def _events_in(text: str, found: dict[str, Any]) -> Iterator[str]:
    """Yield the events of an object: those of a batch, each as an object of the same form, or the object as it is written."""
    if found.keys() == {"resourceLogs"} and found["resourceLogs"]:
        records = log_records(STRICT_JSON.decode(text))
    elif "logGroup" in found and isinstance(events := found.get("logEvents"), list) and len(events) > 1:
        batch = STRICT_JSON.decode(text)
        records = (batch | {"logEvents": [event]} for event in batch["logEvents"])
    elif _answered(found):
        records = iter(_answered(STRICT_JSON.decode(text)))
    else:
        yield text
        return
    for record in records:
        yield SURROGATE.sub("\ufffd", _json(record))
