r"""The parts in which container runtimes write a long line.

CRI's are `STAMP stderr P ...`, and `F` for the last or only one. Docker's json-file driver cuts every 16 KiB, and the last part
ends with `\n`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_CRI: Final = re.compile(r"([0-9T:.Z+-]{20,40} (std(?:out|err)) )([FP])(?::[A-Za-z0-9]{1,20})?(?: |\Z)")
_CRI_MARKS: Final = (b" stdout P", b" stderr P")
_DOCKER_START: Final = '{"log":"'
_DOCKER: Final = re.compile(r'((?:[^"\\]++|\\.)*+)(","stream":"(std(?:out|err))".*)', re.DOTALL)
_DOCKER_MARK: Final = b'","stream":"std'
_DOCKER_BYTES: Final = 16 << 10
"""So many a part has, at least: a shorter line without an end is the last one of a program that ended."""
_MOST: Final = 1 << 20
"""Characters of a line that are kept: what lies beyond is cut off in any case."""

Place = tuple[int, int]


def has_parts(block: bytes) -> bool:
    """Return whether a part of a line may be in a block."""
    if any(mark in block for mark in _CRI_MARKS):
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


class Parts:
    """Puts parts of lines together, those of each stream by themselves."""

    def __init__(self) -> None:
        self.begun: dict[str, _Begun] = {}

    def joined(self, text: str, place: Place) -> Iterator[tuple[str, Place]]:
        """Yield a line when it is whole, with the place where it began."""
        if text.startswith(_DOCKER_START) and (self.begun or len(text) > _DOCKER_BYTES / 4):
            part = _DOCKER.match(text, len(_DOCKER_START))
            if part:
                is_last = len(part[1].encode()) < _DOCKER_BYTES or _ends_line(part[1])
                return self._with(part[3], is_last, _Begun([_DOCKER_START], part[2], place), part[1], text)
        elif part := _CRI.match(text):
            return self._with(part[2], part[3] == "F", _Begun([f"{part[1]}F "], "", place), text[part.end() :], text)
        return iter([(text, place)])

    def _with(self, stream: str, is_last: bool, first: _Begun, part: str, text: str) -> Iterator[tuple[str, Place]]:
        if is_last and stream not in self.begun:
            yield text, first.place
            return
        begun = self.begun.setdefault(stream, first)
        begun.add(part)
        if is_last:
            yield self.begun.pop(stream).line

    def left(self) -> Iterator[tuple[str, Place]]:
        """Yield the lines of which no last part came."""
        yield from (begun.line for begun in self.begun.values())
        self.begun = {}
