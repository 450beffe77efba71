"""Rows that Splunk exported: CSV of its search page or `outputcsv`, and JSON of its search page, REST interface or command line.

A cell with several values is one text with a value a line, as Splunk itself writes it into CSV. Where a column `__mv_NAME` beside
it has the values apart (`$one$;$two$`, with `$$` for a `$`), these count.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.errors import InputError
from integration.log.compression import unpack

MAX_ROWS = 200_000
"""The most rows that are compared; Splunk itself gives 50,000 at most, unless it is told otherwise."""
_MAX_BYTES = 256 << 20
_BLOCK = 1 << 20
_MULTIVALUE = "__mv_"
_VALUE = re.compile(r"\$((?:\$\$|[^$])*)\$(?:;|\Z)")
_FAILED = ("ERROR", "FATAL")


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One row: where it stands in the file, and its cells as texts; a column without a value is left out."""

    place: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """What a file holds: its columns in their order, and its rows."""

    path: str
    columns: tuple[str, ...]
    rows: tuple[ExportRow, ...]


def read_export(path: Path) -> Export:
    """Read a file that Splunk exported, packed or not; `InputError` names the file and the line of what cannot be read."""
    text = _text(path)
    start = text.lstrip()[:1]
    if start == "<":
        raise InputError(f"{path}: is XML; let Splunk export CSV or JSON (output_mode=json)")
    rows = _json_rows(text, str(path)) if start in ("{", "[") else _csv_rows(text, str(path))
    kept: list[ExportRow] = []
    columns: dict[str, None] = {}
    for place, cells in rows:
        if len(kept) == MAX_ROWS:
            raise InputError(f"{path}: has more than {MAX_ROWS:,} rows; export and compare one part of the time after the other")
        columns |= dict.fromkeys(name for name in cells if not name.startswith(_MULTIVALUE))
        if found := _cells(cells, place):
            kept.append(ExportRow(place, found))
    return Export(str(path), tuple(columns), tuple(kept))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            blocks = unpack(iter(lambda: file.read(_BLOCK), b""), str(path), _BLOCK)
            content = bytearray()
            for block in blocks:
                content += block
                if len(content) > _MAX_BYTES:
                    raise InputError(f"{path}: is larger than {_MAX_BYTES >> 20} MiB; export one part of the time after the other")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 at byte {error.start:,}; give the file as Splunk wrote it") from error


def _cells(cells: Mapping[str, Any], place: str) -> dict[str, str]:
    """Return the cells of a row that hold something; values that stand apart in `__mv_` columns are taken from there."""
    found: dict[str, str] = {}
    for name, value in cells.items():
        if name.startswith(_MULTIVALUE):
            continue
        apart = cells.get(f"{_MULTIVALUE}{name}")
        text = _apart(apart, f"{place}, column {_MULTIVALUE}{name}") if apart else _joined(value, f"{place}, column {name}")
        if text != "":
            found[name] = text
    return found


def _joined(value: Any, where: str) -> str:
    """Return a cell as one text, with a value a line."""
    values = value if isinstance(value, list) else [value]
    if not all(each is None or isinstance(each, str | bool) for each in values):
        raise InputError(f"{where}: holds an object or lists in lists, and results of a search hold texts and lists of texts")
    return "\n".join("" if each is None else str(each) for each in values)


def _apart(text: Any, where: str) -> str:
    """Read `$one$;$two$` to a text with a value a line."""
    values: list[str] = []
    at = 0
    while isinstance(text, str) and at < len(text):
        match = _VALUE.match(text, at)
        if match is None:
            break
        values.append(match[1].replace("$$", "$"))
        at = match.end()
    if not isinstance(text, str) or at < len(text):
        raise InputError(f"{where}: is not a list as Splunk writes it, such as $one$;$two$")
    return "\n".join(values)


def _csv_rows(text: str, path: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the rows, and before them one without values, for the columns of an export without rows."""
    csv.field_size_limit(_MAX_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    begins = 1
    try:
        for row in reader:
            place, begins = f"{path}:{begins}", reader.line_num + 1
            if not row:
                continue
            if header is None:
                header = row
                if len(set(header)) < len(header):
                    raise InputError(f"{place}: two columns have one name")
                yield place, dict.fromkeys(header, "")
                continue
            if len(row) != len(header):
                raise InputError(f"{place}: has {len(row)} cells, and the header {len(header)}; is this CSV as Splunk wrote it?")
            yield place, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: is not CSV as Splunk writes it: {error}") from error


def _json_rows(text: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of JSON: one document, or one object a line as the search page and `/export` give it."""
    try:
        whole = _parsed(text)
    except RecursionError as error:
        raise InputError(f"{path}: is nested too deeply for results of a search") from error
    except json.JSONDecodeError as error:
        if "\n" not in text.strip():
            raise InputError(f"{path}:{error.lineno}: is not JSON: {error.msg}") from error
        yield from _of_lines(text, path)
    else:
        previews = isinstance(whole, dict) and whole.get("preview") is True and "result" in whole
        yield from _of_lines(text, path) if previews else _of_document(whole, path)


def _parsed(text: str) -> Any:
    """Parse JSON, with numbers as they are written."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _of_lines(text: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    previews = rows = 0
    for number, line in lines:
        try:
            found = _parsed(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InputError(f"{path}:{number}: is not a JSON object on a line of its own, as Splunk exports rows") from error
        if isinstance(found, dict) and found.get("preview") is True:
            previews += 1  # of a search that was not done yet; the same rows come again
            continue
        for place, cells in _of_document(found, f"{path}:{number}"):
            rows += 1
            yield place, cells
    if previews and not rows:
        raise InputError(f"{path}: holds previews of results only; export it again when the search is done")


def _of_document(found: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a JSON document, in whichever of Splunk's forms."""
    if isinstance(found, list):
        yield from _objects(found, place)
    elif isinstance(found, dict) and isinstance(found.get("results"), list):
        _refuse_failure(found, place)
        yield from _objects(found["results"], place)
    elif isinstance(found, dict) and "result" in found:
        yield from _objects([found["result"]], place)
    elif isinstance(found, dict) and isinstance(found.get("fields"), list):
        names = [str(each.get("name") if isinstance(each, dict) else each) for each in found["fields"]]
        rows = found.get("rows")
        if rows is None and isinstance(columns := found.get("columns"), list):
            lengths = {len(each) if isinstance(each, list) else None for each in columns}
            rows = list(zip(*columns, strict=True)) if None not in lengths and len(lengths) <= 1 else None
        for number, row in enumerate(rows if isinstance(rows, list) else [None], 1):
            if not isinstance(row, list | tuple) or len(row) != len(names):
                raise InputError(f"{place}, row {number}: has not a value for each of the {len(names)} fields")
            yield f"{place}, row {number}", dict(zip(names, row, strict=True))
    elif isinstance(found, dict) and ("messages" in found or "lastrow" in found):
        _refuse_failure(found, place)
    else:
        raise InputError(f"{place}: holds no results of a search: no `results`, `result`, `rows` or `columns`")


def _objects(rows: Iterable[Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in enumerate(rows, 1):
        here = place if place.rpartition(":")[2].isdigit() else f"{place}, row {number}"
        row = row.get("result", row) if isinstance(row, dict) and isinstance(row.get("result", row), dict) else row
        if not isinstance(row, dict):
            raise InputError(f"{here}: is not an object with a value for each field")
        yield here, row


def _refuse_failure(found: Mapping[str, Any], place: str) -> None:
    """`InputError` for what Splunk answers when a search fails, and for messages of another kind than Splunk's."""
    messages = found.get("messages") or []
    if not isinstance(messages, list) or not all(isinstance(each, dict) and "type" in each for each in messages):
        raise InputError(f"{place}: its `messages` are not those of a search; is this a file that Splunk exported?")
    for message in messages:
        if message["type"] in _FAILED:
            raise InputError(f"{place}: Splunk's search failed: {message.get('text')}")
