"""The parts in which a container runtime writes a long line: `STAMP stderr P ...`, and `F` for the last or only one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PART: Final = re.compile(r"([0-9T:.Z+-]{20,40} (std(?:out|err)) )([FP])(?::[A-Za-z0-9]{1,20})?(?: |\Z)")
_MARKS: Final = (b" stdout P", b" stderr P")
_MOST: Final = 1 << 20
"""Characters of a line that are kept: what lies beyond is cut off in any case."""

Place = tuple[int, int]


def has_parts(block: bytes) -> bool:
    """Return whether a part of a line may be in a block."""
    return any(mark in block for mark in _MARKS)


class Parts:
    """Puts parts of lines together, those of each stream by themselves."""

    def __init__(self) -> None:
        self.begun: dict[str, tuple[list[str], Place]] = {}

    def joined(self, text: str, place: Place) -> Iterator[tuple[str, Place]]:
        """Yield a line when it is whole, with the place where it began."""
        part = _PART.match(text)
        if not part or (part[3] == "F" and part[2] not in self.begun):
            yield text, place
            return
        texts, begun = self.begun.setdefault(part[2], ([f"{part[1]}F "], place))
        if sum(map(len, texts)) < _MOST:
            texts.append(text[part.end() :])
        if part[3] == "F":
            del self.begun[part[2]]
            yield "".join(texts), begun

    def left(self) -> Iterator[tuple[str, Place]]:
        """Yield the lines of which no last part came."""
        for texts, begun in self.begun.values():
            yield "".join(texts), begun
        self.begun = {}
