r"""The parts in which container runtimes write a long line, and JSON that is written on many lines.

CRI's are `STAMP stderr P ...`, and `F` for the last or only one. Docker's json-file driver cuts every 16 KiB, and the last part
ends with `\n`. `journalctl -o json-pretty`, `jq` and `gcloud` write an object a line for each member, between `{` and `}`;
`journalctl -o verbose` and `-o export` an entry a line for each field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_CRI: Final = re.compile(r"([0-9T:.Z+-]{20,40} (std(?:out|err)) )([FP])(?::[A-Za-z0-9]{1,20})?(?: |\Z)")
_CRI_MARKS: Final = (b" stdout P", b" stderr P")
_DOCKER_START: Final = '{"log":"'
_DOCKER: Final = re.compile(r'((?:[^"\\]++|\\.)*+)(","stream":"(std(?:out|err))".*)', re.DOTALL)
_DOCKER_MARK: Final = b'","stream":"std'
_DOCKER_BYTES: Final = 16 << 10
"""So many a part has, at least: a shorter line without an end is the last one of a program that ended."""
_OPENS: Final = re.compile(rb"(?:\A|\n)[ \t]*\{(?:\n|\Z)")
_EXPORT_MARK: Final = b"__CURSOR="
_VERBOSE_MARK: Final = b" [s="
# `Sat 2026-11-28 10:15:05.123456 UTC [s=0c9...;i=1f;b=...]`
_ENTRY: Final = re.compile(
    r"__CURSOR=s=|[^ ]{1,16} ([0-9-]{10}) ([0-9:]{8}(?:\.[0-9]{1,6})?) ([A-Za-z0-9+:-]{1,6}) \[s=[0-9a-f]{1,40};[^]]{0,500}\]\Z"
)
_FIELD: Final = re.compile(r" {0,8}([A-Z0-9_]{1,64})=(.*)", re.DOTALL)
_MOST: Final = 1 << 20
"""Characters of a line that are kept: what lies beyond is cut off in any case."""

Place = tuple[int, int]


def has_entries(block: bytes) -> bool:
    """Return whether an entry of the journal may be in a block."""
    return _EXPORT_MARK in block or _VERBOSE_MARK in block


def has_parts(block: bytes) -> bool:
    """Return whether a part of a line may be in a block."""
    if (
        has_entries(block)
        or any(mark in block for mark in _CRI_MARKS)
        or ((b"{\n" in block or block.endswith(b"{")) and _OPENS.search(block))
    ):
        return True
    records = block.count(_DOCKER_MARK)
    return records > 0 and (block.count(rb"\n" + _DOCKER_MARK) < records or rb"\\n" + _DOCKER_MARK in block)


@dataclass(slots=True)
class _Begun:
    """A line of which the last part has not come: its text so far, what comes behind it, and the place where it began."""

    texts: list[str]
    end: str
    place: Place

    def add(self, text: str) -> None:
        if sum(map(len, self.texts)) < _MOST:
            self.texts.append(text)

    @property
    def line(self) -> tuple[str, Place]:
        return "".join(self.texts) + self.end, self.place


def _ends_line(text: str) -> bool:
    """Return whether the text of a JSON string ends with a line feed."""
    before = text.removesuffix("n")
    return before != text and (len(before) - len(before.rstrip("\\"))) % 2 == 1


@dataclass(slots=True)
class _Object:
    """A JSON object of which the end has not come: its lines with their places, and how many characters they have."""

    lines: list[tuple[str, Place]] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, place: Place) -> Iterator[tuple[str, Place]]:
        """Yield the object when it is whole, or its lines as they are where it is none."""
        if text.lstrip(" \t") == "{":  # the innermost counts: what is around it may be a list of them
            yield from self.left()
        indent = self.lines[0][0][:-1] if self.lines else text[:-1]
        is_end = text.removesuffix(",") == f"{indent}}}"
        if self.lines and not is_end and not (text.startswith(indent) and text[len(indent) : len(indent) + 1] in (" ", "\t")):
            yield from self.left()
            yield text, place
            return
        self.lines.append((text, place))
        self.length += len(text)
        if is_end:
            whole = "".join(line.strip(" \t") for line, _ in self.lines).removesuffix(",")
            if _is_json(whole):
                self.lines = [(whole, self.lines[0][1])]
        if is_end or self.length > _MOST:
            yield from self.left()

    def left(self) -> Iterator[tuple[str, Place]]:
        """Yield the lines of an object that did not end."""
        yield from self.lines
        self.lines, self.length = [], 0


@dataclass(slots=True)
class _Entry:
    """An entry of the journal of which the end has not come: its lines with their places, and its fields."""

    lines: list[tuple[str, Place]] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)
    length: int = 0

    def holds(self, text: str) -> bool:
        """Return whether a line belongs to the entry; `-o verbose` indents them all."""
        if not self.lines or self.length > _MOST:
            return False
        return _FIELD.match(text) is not None if self.lines[0][0].startswith("_") else text.startswith("    ")

    def add(self, text: str, place: Place) -> None:
        """Take a line of the entry."""
        if not self.lines:
            begin = _ENTRY.match(text)
            if begin and begin[3] == "UTC":
                self.fields["@timestamp"] = [f"{begin[1]}T{begin[2]}Z"]
        elif found := _FIELD.fullmatch(text):
            self.fields.setdefault(found[1], [found[2]])
        elif self.fields:  # the further lines of a value
            self.fields[next(reversed(self.fields))].append(text.strip(" "))
        self.lines.append((text, place))
        self.length += len(text)

    def left(self) -> Iterator[tuple[str, Place]]:
        """Yield the entry as an object in JSON, or its lines as they are where it has no message."""
        if "MESSAGE" in self.fields:
            yield json.dumps({name: "\n".join(lines) for name, lines in self.fields.items()}), self.lines[0][1]
        else:
            yield from self.lines
        self.lines, self.fields, self.length = [], {}, 0


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class Parts:
    """Puts parts of lines together, those of each stream by themselves, JSON objects, and entries of the journal."""

    def __init__(self) -> None:
        self._begun: dict[str, _Begun] = {}
        self._object = _Object()
        self._entry = _Entry()

    @property
    def begun(self) -> bool:
        """Whether something waits for what comes next."""
        return bool(self._begun or self._object.lines or self._entry.lines)

    def joined(self, text: str, place: Place) -> Iterator[tuple[str, Place]]:
        """Yield a line when it is whole, with the place where it began."""
        begins = _ENTRY.match(text) is not None
        if begins or not self._entry.holds(text):
            yield from self._entry.left()
        if begins or self._entry.lines:
            self._entry.add(text, place)
        else:
            yield from self._whole(text, place)

    def _whole(self, text: str, place: Place) -> Iterator[tuple[str, Place]]:
        if self._object.lines or text.lstrip(" \t") == "{":
            return self._object.add(text, place)
        if text.startswith(_DOCKER_START) and (self._begun or len(text) > _DOCKER_BYTES / 4):
            part = _DOCKER.match(text, len(_DOCKER_START))
            if part:
                is_last = len(part[1].encode()) < _DOCKER_BYTES or _ends_line(part[1])
                return self._with(part[3], is_last, _Begun([_DOCKER_START], part[2], place), part[1], text)
        elif part := _CRI.match(text):
            return self._with(part[2], part[3] == "F", _Begun([f"{part[1]}F "], "", place), text[part.end() :], text)
        return iter([(text, place)])

    def _with(self, stream: str, is_last: bool, first: _Begun, part: str, text: str) -> Iterator[tuple[str, Place]]:
        if is_last and stream not in self._begun:
            yield text, first.place
            return
        begun = self._begun.setdefault(stream, first)
        begun.add(part)
        if is_last:
            yield self._begun.pop(stream).line

    def left(self) -> Iterator[tuple[str, Place]]:
        """Yield the lines of which no last part came."""
        yield from self._entry.left()
        yield from self._object.left()
        yield from (begun.line for begun in self._begun.values())
        self._begun = {}
