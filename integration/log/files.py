"""Log files to raw lines: every line for the loader, or only those that a rule may select, found at the speed of a text search.

A line breaks at CR and LF only, and an empty line is none. Bytes that are no UTF-8 become U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from integration.log.blocks import BLOCK_BYTES, OpenLog, open_logs
from integration.log.event import stamp
from integration.log.prefixes import unwrap

# Where backslashes are few, three times as fast as `in`.
_json_escape_in = re.compile(rb"\\u").search


class RawLine(NamedTuple):
    """One line of a log as it is in the file.

    `number` counts lines from 1, and is 0 where lines were not counted; `offset` is in bytes of the unpacked text. `shipped_at`
    (epoch milliseconds) is the time a shipper would give the line: its own stamp, else its Docker record's time, else the stamp of
    the last stamped line above it, else when the file was last written.
    """

    text: str
    path: str
    number: int
    offset: int
    shipped_at: int


def read_lines(path: str, *, block_bytes: int = BLOCK_BYTES, progress: Callable[[int], None] | None = None) -> Iterator[RawLine]:
    """Read every line of a log file; `-` is standard input. `progress` hears how many more bytes of the file were read.

    Raises `InputError` for a file that cannot be read to its end.
    """
    with open_logs(path, block_bytes=block_bytes, progress=progress) as logs:
        for log in logs:
            yield from _lines(log)


def _lines(log: OpenLog) -> Iterator[RawLine]:
    number, last = 0, log.modified
    for offset, block in log.blocks:
        at = offset
        for line in _line_feeds_only(block).split(b"\n"):
            if line:
                number += 1
                text = line.decode(errors="replace")
                own = _own_stamp(text)
                if own is not None:
                    last = own
                yield RawLine(text, log.path, number, at, last if own is not None else _shipped_at(text, last))
            at += len(line) + 1


def read_candidates(
    path: str,
    needles: Sequence[bytes] | None,
    *,
    block_bytes: int = BLOCK_BYTES,
    progress: Callable[[int], None] | None = None,
) -> CandidateReader:
    """Read the lines of a log file that hold one of `needles`, and perhaps more; None stands for every line.

    A needle is lower-case ASCII and found in any case; it may hold no quote, backslash, slash or control character, which JSON
    writes in other ways. Lines in a Docker record whose JSON spells a character by its code are always given.
    """
    return CandidateReader(path, needles, block_bytes, progress)


class CandidateReader:
    """An iterable of lines. When it is exhausted, `lines_read` is the number of all lines of the file."""

    def __init__(
        self, path: str, needles: Sequence[bytes] | None, block_bytes: int, progress: Callable[[int], None] | None
    ) -> None:
        self.lines_read = 0
        self._path = path
        self._needles = needles
        self._block_bytes = block_bytes
        self._progress = progress

    def __iter__(self) -> Iterator[RawLine]:
        """Read the file from its beginning; raises `InputError` as `read_lines` does."""
        self.lines_read = 0
        if self._needles is not None:
            yield from self._found(self._needles)
            return
        for line in read_lines(self._path, block_bytes=self._block_bytes, progress=self._progress):
            self.lines_read += 1
            yield line

    def _found(self, needles: Sequence[bytes]) -> Iterator[RawLine]:
        with open_logs(self._path, block_bytes=self._block_bytes, progress=self._progress) as logs:
            for log in logs:
                yield from self._found_in(log, needles)

    def _found_in(self, log: OpenLog, needles: Sequence[bytes]) -> Iterator[RawLine]:
        last = _LastStamp(log.modified)
        for offset, with_returns in log.blocks:
            block = _line_feeds_only(with_returns)
            self.lines_read += _count_lines(block)
            for start, end in _lines_with(block, needles):
                text = block[start:end].decode(errors="replace")
                own = _own_stamp(text)
                shipped_at = own if own is not None else _shipped_at(text, last.above(block, start))
                yield RawLine(text, log.path, 0, offset + start, shipped_at)
            last.leave(block)


class _LastStamp:
    """The time of the last stamped line above a place in a block; looks at no line twice, though every line be without a stamp."""

    def __init__(self, before_any: int) -> None:
        self._time = before_any
        self._seen = 0

    def above(self, block: bytes, place: int) -> int:
        """Give the time for a line that begins at `place`; places come in ascending order."""
        end = place
        while (hit := block.rfind(b"time=", self._seen, end)) >= 0:
            start = _line_start(block, hit, self._seen)
            own = _own_stamp(block[start : _line_end(block, hit)].decode(errors="replace"))
            if own is not None:
                self._time = own
                break
            end = start
        self._seen = place
        return self._time

    def leave(self, block: bytes) -> None:
        """Look at the rest of a block, for the lines of the next one."""
        self.above(block, len(block))
        self._seen = 0


def _lines_with(block: bytes, needles: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Give the begin and end of every line that may hold a needle, in order."""
    folded = block.lower()
    # Most blocks hold no needle, and a search from the end, which skips by the first character, tells so sooner.
    searches = [(folded, needle) for needle in needles if folded.rfind(needle) >= 0]
    if _json_escape_in(block) and b'"log"' in block:
        searches.append((block, b"\\u"))
    hits = [text.find(needle) for text, needle in searches]
    end = 0
    while (first := min((hit for hit in hits if hit >= 0), default=-1)) >= 0:
        start = _line_start(block, first, end)
        end = _line_end(block, first)
        yield start, end
        hits = [text.find(needle, end) if 0 <= hit < end else hit for hit, (text, needle) in zip(hits, searches, strict=True)]


def _line_start(block: bytes, place: int, earliest: int) -> int:
    """Give where the line at `place` begins, not before `earliest`."""
    return max(block.rfind(b"\n", earliest, place) + 1, earliest)


def _line_end(block: bytes, place: int) -> int:
    end = block.find(b"\n", place)
    return end if end >= 0 else len(block)


def _line_feeds_only(block: bytes) -> bytes:
    """Make every line break an LF, without moving a byte; a CRLF leaves an empty line behind, which is none."""
    return block.replace(b"\r", b"\n")


def _count_lines(block: bytes) -> int:
    lines = block.split(b"\n")
    return len(lines) - lines.count(b"")


def _own_stamp(text: str) -> int | None:
    """Give a line's stamp, if the line as it is in the file spells it out; both readers go by this."""
    return stamp(text) if "time=" in text else None


def _shipped_at(text: str, last: int) -> int:
    """Give the time of a line without a stamp."""
    recorded = unwrap(text).time if text.startswith("{") else None
    return last if recorded is None else recorded
