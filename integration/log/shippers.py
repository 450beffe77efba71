"""What shippers send: how a document gives the line, the host and the time, by the tables of `shipper_fields`.

JSON around a line is read as a document too: Docker's json-file, journald's `-o json`, CRI in JSON.

Twin and pipeline agree on every line of a log. They may differ over JSON that only a carrier could write, since all that a client
can write stands inside strings: comments, or objects nested hundreds deep.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from integration.log.shipper_fields import ATTRIBUTES, HOSTS, LINES, METADATA, NEVER_A_LINE, RECORDS, TIMES, Field
from integration.times import to_millis

_MOST_ENVELOPES: Final = 3
_MOST_DIGITS: Final = 1_000  # of a number, as the engines' parser takes them
_LONGEST_NAME: Final = 50_000  # UTF-16 units of a member's name
_NUMBER: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
# A stamp's offset may carry it a day past the centuries that are left out, and a second pass reads it again.
_TIME: Final = re.compile(
    r"((?!00(?!99)|99(?!00))[0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r"(?:Z| UTC|([+-])(0[0-9]|1[0-7]):?([0-5][0-9])|([+-]18):?00)?"
)
_ZONE: Final = re.compile(r"Z|UTC|([+-])(0[0-9]|1[0-7]):?([0-5][0-9])|[A-Z][A-Za-z0-9_+-]{0,40}(?:/[A-Za-z0-9_+-]{1,40}){1,2}")
_EARLIEST_SECOND: Final = 1e8  # what is less is no time, but a year or a duration
_LATEST_NANOSECOND: Final = 1e19
_UNITS: Final = ((1e11, 1e-3), (1e14, 1.0), (1e17, 1e3), (1e19, 1e6))
_EACH_BYTE: Final = "detect-each-byte"
# A carrier's prefix has neither quotes nor attributes, and an access line is none.
_BEFORE_JSON: Final = re.compile(r"(?!\[GIN\])[^{\"'`=\n\r]{0,1999}[ \t|\]:>](?=\{)")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_QUOTED: Final = re.compile(r'[\x00-\x20"=\x7F]|\A\Z')
_ESCAPED: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL: Final = re.compile(r'[\\"\n\r\t]')


class Carried(NamedTuple):
    """A line out of what carried it, the host that was named beside it, and the time there in epoch milliseconds."""

    text: str
    host: str | None
    time: int | None


def unwrap(text: str) -> Carried:
    """Return what the JSON around a line holds, without its line end; any other text as it is.

    What another carrier wrote before the JSON stays before the line. Half a surrogate pair becomes U+FFFD. An object that is the
    record itself stays.
    """
    carried = Carried(text, None, None)
    for _ in range(_MOST_ENVELOPES if "{" in text else 0):
        before = _BEFORE_JSON.match(carried.text)
        prefix = before[0] if before else ""
        document = _document(carried.text[len(prefix) :])
        if document is None or _is_record(document) or (line := line_of(document)) is None:
            break
        time = time_of(document)
        carried = Carried(prefix + line, carried.host or host_of(document), carried.time if time is None else time)
    return Carried(carried.text.rstrip("\r\n"), carried.host, carried.time)


def line_of(document: Mapping[str, Any]) -> str | None:
    """Return the first text that is not empty among the fields of a line, or an empty one where there is no other."""
    texts = [text for field in LINES if (text := _text(_value(document, field))) is not None]
    return next(filter(None, texts), "" if texts else None)


def inner_of(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the document of another shipper in place of the line, such as the fields of journald in OpenTelemetry's body."""
    inner = (find(document, name) for name in RECORDS)
    return next((part for part in inner if isinstance(part, Mapping) and line_of(part)), None)


def host_of(document: Mapping[str, Any]) -> str | None:
    """Return the host that a document names."""
    values = (_first(_value(document, field)) for field in HOSTS)
    return next((value for value in values if isinstance(value, str) and value), None)


def time_of(document: Mapping[str, Any]) -> int | None:
    """Return the time of a document in epoch milliseconds: of the first field that looks like one, None where it is not."""
    for field in TIMES:
        value = _first(_value(document, field))
        if (number := _number(value)) is not None:
            return _millis(number)
        if isinstance(value, str) and value[13:14] == value[16:17] == ":" and len(value) >= 19 and value[:2] not in ("00", "99"):
            return _date(value)
    return None


def record_of(document: Mapping[str, Any]) -> str | None:
    """Return the line whose attributes a shipper's parser left in a document, put together again as slog writes it."""
    for part in (document, *(find(document, name) for name in RECORDS)):
        if isinstance(part, Mapping) and _is_record(part):
            metadata = {field.name for table in (LINES, HOSTS, TIMES) for field in table} | {*METADATA}
            others = sorted(
                name for name in part if name not in ATTRIBUTES and name not in metadata and not name.startswith(("_", "@"))
            )
            texts = {name: scalar for name in (*ATTRIBUTES, *others) if (scalar := _scalar(part.get(name))) is not None}
            return " ".join(f"{name}={_quoted(text)}" for name, text in texts.items())
    return None


def rest_of(document: Mapping[str, Any]) -> str | None:
    """Return what stands in place of a line, as text, where there is no line. The objects `log` and `event` are those of ECS."""
    values = [_value(document, field) for field in LINES]
    scalars = [value for value in values if value is not None and not isinstance(value, Mapping)]
    objects = [value for name in ("message", "body", "Body") if isinstance(value := document.get(name), Mapping)]
    return next(map(flat, (*scalars, *objects)), None)


def unlisted_text_of(document: Mapping[str, Any]) -> str | None:
    """Return the longest text of several words in a document that has no line by the tables: it may be one all the same."""
    texts = _texts({name: value for name, value in document.items() if name not in NEVER_A_LINE and not name.startswith("_")})
    return max(filter(lambda text: " " in text, texts), key=_units, default=None)


def _texts(at: Any) -> Iterator[str]:
    if isinstance(at, str):
        yield _SURROGATE.sub("\ufffd", at)
    elif isinstance(at, Mapping | list):
        for value in at if isinstance(at, list) else (at[name] for name in sorted(at)):
            yield from _texts(value)


def _units(text: str) -> int:
    """Return the length of a text in UTF-16, as Java counts it."""
    return len(text.encode("utf-16-le")) // 2


def zone_of(document: Mapping[str, Any]) -> tzinfo | None:
    """Return the zone of a machine's clock where a shipper names it: an offset, or a name of the time zone database."""
    name = find(document, "event.timezone")
    if not isinstance(name, str) or not (match := _ZONE.fullmatch(name)):
        return None
    sign, hours, minutes = match.groups(default="")
    try:
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            return timezone(-offset if sign == "-" else offset)
        return UTC if name == "Z" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def flat(value: Any) -> str:
    """Return any value as text, objects as `{a=1, b=[x]}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={flat(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flat, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def _is_record(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("level"), str) and isinstance(document.get("msg"), str)


def _document(text: str) -> dict[str, Any] | None:
    """Parse a JSON object as strictly as the engines' parser; None for any other text."""
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(
            text.encode(errors="replace").decode(),
            object_pairs_hook=_once,
            parse_int=lambda digits: int(_bounded(digits)),
            parse_float=lambda digits: float(_bounded(digits)),
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs) or any(len(name.encode("utf-16-le", "replace")) > 2 * _LONGEST_NAME for name in found):
        raise ValueError("a member is there twice, or its name is too long")
    return found


def _bounded(digits: str) -> str:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("the number has too many digits")
    return digits


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _value(document: Mapping[str, Any], field: Field) -> Any:
    if field.beside.endswith("_"):
        is_theirs = any(name.startswith(field.beside) for name in document)
    else:
        is_theirs = not field.beside or find(document, field.beside) is not None
    return find(document, field.name) if is_theirs else None


def find(at: Any, path: str) -> Any:
    """Return the value of a dotted name, however much of it is nested, or None."""
    if not isinstance(at, Mapping):
        return None
    if at.get(path) is not None:
        return at[path]
    dot = path.find(".")
    while dot > 0:
        found = find(at.get(path[:dot]), path[dot + 1 :])
        if found is not None:
            return found
        dot = path.find(".", dot + 1)
    return None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any) -> str | None:
    """Return the text of a string, of several, one a line, or of the bytes that journald writes where it is no plain text."""
    if isinstance(value, list) and value:
        if all(isinstance(part, str) for part in value):
            value = "\n".join(value)
        elif all(isinstance(part, int) and not isinstance(part, bool) and 0 <= part <= 255 for part in value):
            value = bytes(value).decode(errors=_EACH_BYTE)
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else None


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _quoted(text: str) -> str:
    """Return a value as slog writes it."""
    if not _QUOTED.search(text):
        return text
    return '"' + _SPECIAL.sub(lambda special: _ESCAPED[special[0]], text) + '"'


def _number(value: Any) -> float | None:
    """Return what may be a time in seconds, milliseconds, microseconds or nanoseconds."""
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int | float)
        or (isinstance(value, str) and not _NUMBER.fullmatch(value))
    ):
        return None
    number = float(value)
    return number if _EARLIEST_SECOND <= number < _LATEST_NANOSECOND else None


def _millis(number: float) -> int:
    unit = next(unit for most, unit in _UNITS if number < most)
    return int(number / unit + 0.001)  # a fraction is seldom exact


def _date(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    if not match:
        return None
    day, clock, fraction, sign, hours, minutes, far = match.groups(default="")
    try:
        local = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = (int(hours or 0) * 60 + int(minutes or 0)) * 60_000 if not far else 18 * 3_600_000
    return to_millis(local) + int(fraction.ljust(3, "0")[:3]) - (-offset if (sign or far[:1]) == "-" else offset)


def _each_byte(fault: UnicodeError) -> tuple[str, int]:
    """Put U+FFFD in place of each byte that is not UTF-8."""
    if not isinstance(fault, UnicodeDecodeError):
        raise fault
    return "\ufffd" * (fault.end - fault.start), fault.end


codecs.register_error(_EACH_BYTE, _each_byte)
