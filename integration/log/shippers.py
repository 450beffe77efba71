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
from typing import Any, Final, NamedTuple

from integration.log import shipper_times
from integration.log.dotted import BLANKS, find, first_of
from integration.log.prefixes import COLOUR
from integration.log.shipper_fields import ADDRESSES, HOSTS, LINES, NEVER_A_LINE, TIMES, Field
from integration.log.taken_apart import completed, is_line, is_place, is_record, parts_of, record_of, records_of

_LINES, _HOSTS, _ADDRESSES, _TIMES = (
    tuple((field.name.partition(".")[0], field) for field in table) for table in (LINES, HOSTS, ADDRESSES, TIMES)
)
_MOST_ENVELOPES: Final = 3
_MOST_DIGITS: Final = 1_000  # of a number, as the engines' parser takes them
_LONGEST_NAME: Final = 50_000  # UTF-16 units of a member's name
_ADDRESS: Final = re.compile("[0-9A-Fa-f:.]{2,45}")
_EACH_BYTE: Final = "detect-each-byte"
# A carrier's prefix has neither quotes nor attributes, and an access line is none.
_BEFORE_JSON: Final = re.compile(r"(?!\[GIN\])[^{\"'`=\n\r]{0,1999}[ \t|\[\]:>\x1E](?=\{)")
_FRAMES: Final = ("data: ", "\x1e", "[")  # journald's json-sse and json-seq, and a list of one object
_LAST_COLOUR: Final = re.compile(rf"{COLOUR}\Z")
_LONGEST_COLOUR: Final = 23
SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half a pair, which no line has: U+FFFD stands in its place."""


class Carried(NamedTuple):
    """A line out of what carried it, the host that was named beside it, and the time there in epoch milliseconds."""

    text: str
    host: str | None
    time: int | None


class Read(NamedTuple):
    """What the tables find in a document: the line, or None, the host, and the time in epoch milliseconds."""

    text: str | None
    host: str | None
    time: int | None


def unwrap(text: str) -> Carried:
    """Return what the JSON around a line holds, without its line end or colours there; any other text as it is.

    What another carrier wrote before the JSON stays before the line. Half a surrogate pair becomes U+FFFD. An object that is the
    record itself stays.
    """
    if "{" not in text:
        return Carried(without_end(text), None, None)
    carried = Carried(text, None, None)
    for _ in range(_MOST_ENVELOPES):
        before = _BEFORE_JSON.match(carried.text)
        prefix = before[0] if before else ""
        rest = without_end(carried.text[len(prefix) :])
        document = _document(rest.removesuffix("]") if prefix == "[" else rest)
        if document is None or is_record(document):
            break
        found = read(document)
        if found.text is None:
            break
        prefix = "" if prefix in _FRAMES else prefix
        carried = Carried(prefix + found.text, carried.host or found.host, carried.time if found.time is None else found.time)
    return Carried(without_end(carried.text), carried.host, carried.time)


def without_end(text: str) -> str:
    """Return a text without its line end, and without colours there."""
    text = text.rstrip("\r\n")
    end = len(text)
    while text.endswith(("m", "K"), 0, end) and (colour := _LAST_COLOUR.search(text, max(0, end - _LONGEST_COLOUR), end)):
        if colour.start() == 0:  # GIN ends a stack with a colour alone
            break
        end = colour.start()
        while end and text[end - 1] in "\r\n":
            end -= 1
    return text[:end]


def read(document: Mapping[str, Any]) -> Read:
    """Read a document, or that of another shipper in place of its line, such as the fields of journald in OpenTelemetry's body.

    A line that is only the message of a record that a shipper's parser took apart is put together with the rest of it, as slog
    writes it. Where there is no other line, its attributes are one.
    """
    line, host, time = _line_of(document), host_of(document), time_of(document)
    if line:
        wholes = (completed(document, part, without_end(line)) for part in parts_of(document))
        return Read(next(filter(None, wholes), line), host, time)
    if taken := next(filter(is_record, parts_of(document)), None):
        return Read(record_of(taken), host, time)
    for inner in records_of(document):
        if found := _line_of(inner):
            within = time_of(inner)
            return Read(found, host or host_of(inner), time if within is None else within)
    return Read(line, host, time)


def _line_of(document: Mapping[str, Any]) -> str | None:
    """Return the first text that is not blank among the fields of a line, or the first one where all are."""
    texts = [text for value in _values(document, _LINES) if (text := _text(value)) is not None]
    return next((text for text in texts if text.strip(BLANKS)), texts[0] if texts else None)


def host_of(document: Mapping[str, Any]) -> str | None:
    """Return the host that a document names; syslog's `-` names none, nor does a parser's `source`."""
    values = (value for value in map(first_of, _values(document, _HOSTS)) if isinstance(value, str))
    return next((value for value in values if value.strip(BLANKS) not in ("", "-") and not is_place(value)), None)


def address_of(document: Mapping[str, Any]) -> str | None:
    """Return the address of a machine in a document that does not name it."""
    values = map(first_of, _values(document, _ADDRESSES))
    return next((value for value in values if isinstance(value, str) and _ADDRESS.fullmatch(value)), None)


def time_of(document: Mapping[str, Any]) -> int | None:
    """Return the time of a document in epoch milliseconds: of the first field that has one."""
    return shipper_times.first_time(_values(document, _TIMES))


def rest_of(document: Mapping[str, Any], line: str | None) -> tuple[str | None, bool]:
    """Return what stands in place of a line that is blank or None, and whether no table names its field.

    It is a value of no text, or a text of several words, which may be the line: one like Ollama's lines, in an object in the place
    of the line, else anywhere; else the longest in such an object, else anywhere. The objects `log` and `event` are those of ECS.
    """
    anywhere = _likeliest(
        {name: value for name, value in document.items() if name not in NEVER_A_LINE and not name.startswith("_")}
    )
    if line is None:
        for value in _values(document, _LINES):
            if value is not None and not isinstance(value, Mapping):
                return flat(value), False
        for name in ("message", "body", "Body"):
            if isinstance(value := document.get(name), Mapping):
                within = _likeliest(value)
                if anywhere is not None and _tells(anywhere) and not (within is not None and _tells(within)):
                    within = anywhere
                return (flat(value), False) if within is None else (within, True)
    return (line, False) if anywhere is None else (anywhere, True)


def _likeliest(at: Mapping[str, Any]) -> str | None:
    return max((text for text in _texts(at) if " " in text), key=lambda text: (_tells(text), _units(text)), default=None)


def _tells(text: str) -> bool:
    return "level=" in text or "[GIN] " in text


def _texts(at: Any) -> Iterator[str]:
    if isinstance(at, str):
        yield SURROGATE.sub("\ufffd", at)
    elif isinstance(at, Mapping | list):
        for value in at if isinstance(at, list) else (at[name] for name in sorted(at)):
            yield from _texts(value)


def _units(text: str) -> int:
    """Return the length of a text in UTF-16, as Java counts it."""
    return len(text.encode("utf-16-le")) // 2


def flat(value: Any) -> str:
    """Return any value as text, objects as `{a=1, b=[x]}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={flat(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flat, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def _document(text: str) -> dict[str, Any] | None:
    """Parse a JSON object, perhaps one of a list, as strictly as the engines' parser; None for any other text."""
    if not text.startswith("{"):
        return None
    try:
        found = STRICT_JSON.decode((text[:-1] if text.endswith("},") else text).encode(errors="replace").decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def members_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of members; `ValueError` where one is there twice, or its name is too long for the engines' parser."""
    found = dict(pairs)
    if len(found) < len(pairs) or any(len(name.encode("utf-16-le", "replace")) > 2 * _LONGEST_NAME for name in found):
        raise ValueError("a member is there twice, or its name is too long")
    return found


def _bounded(digits: str) -> str:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("the number has too many digits")
    return digits


def no_constant(name: str) -> None:
    """Refuse `NaN` and `Infinity`, which are no JSON."""
    raise ValueError(f"{name} is not JSON")


STRICT_JSON: Final = json.JSONDecoder(
    object_pairs_hook=members_once,
    parse_int=lambda digits: int(_bounded(digits)),
    parse_float=lambda digits: float(_bounded(digits)),
    parse_constant=no_constant,
)
"""It reads JSON as strictly as the engines' parser, and raises `ValueError` or `RecursionError`."""


def _values(document: Mapping[str, Any], table: Sequence[tuple[str, Field]]) -> Iterator[Any]:
    """Yield the values of those fields of a table of which a document has the first name."""
    names = {name.partition(".")[0] for name in document}
    return (_value(document, field) for name, field in table if name in names)


def _value(document: Mapping[str, Any], field: Field) -> Any:
    if field.beside.endswith("_"):
        is_theirs = any(name.startswith(field.beside) for name in document)
    else:
        is_theirs = not field.beside or find(document, field.beside) is not None
    value = find(document, field.name) if is_theirs else None
    is_other = bool(field.without) and find(document, field.without) is not None and not is_line(value)
    return None if is_other else value


def _text(value: Any) -> str | None:
    """Return the text of a string, of several values, one a line, or of bytes, as journald writes what is no plain text."""
    if isinstance(value, list) and value:
        value = [part for part in value if part is not None]
        value = value[next((at for at, part in enumerate(value) if part != ""), len(value) - 1) :]
        # Logstash's grok puts what it found behind the line that it found it in.
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str) and value[1] in value[0]:
            value.pop()
        if any(isinstance(part, str) for part in value):
            value = "\n".join(map(flat, value))
        elif value and all(map(_is_byte, value)):
            value = bytes(map(int, value)).decode(errors=_EACH_BYTE)
    return SURROGATE.sub("\ufffd", value) if isinstance(value, str) else None


def _is_byte(value: Any) -> bool:
    """Return whether a value is a byte; OpenTelemetry writes each as `116.0`."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 255 and value == int(value)


def _each_byte(fault: UnicodeError) -> tuple[str, int]:
    """Put U+FFFD in place of each byte that is not UTF-8."""
    if not isinstance(fault, UnicodeDecodeError):
        raise fault
    return "\ufffd" * (fault.end - fault.start), fault.end


codecs.register_error(_EACH_BYTE, _each_byte)
