"""Log files to raw lines: every line for the loader, or only those that a rule may select, found at the speed of a text search.

A line breaks at CR and LF only, and an empty line is none. Bytes that are no UTF-8 become U+FFFD.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation

from integration.log.batches import each_event, has_batches
from integration.log.blocks import BLOCK_BYTES, OpenLog, Stream, open_logs
from integration.log.clock import Clock, line_end, line_start
from integration.log.line import Line, steps
from integration.log.parts import Parts, has_entries, has_parts
from integration.log.recognition import looks_like_ollama

# Only behind a key may JSON hide a needle: most blocks have none, and fewer needles are found sooner.
_json_key_in = re.compile(rb'"[ \t]*:').search
# A JSON handler's level is no `level=`, and its quotes have backslashes in the JSON of a carrier. Any letter may be an escape.
# journald writes what is no plain text byte by byte: `"MESSAGE":[27,91`, before systemd 240 `"MESSAGE" : [ 27, 91`.
_JSON_NEEDLES = (
    *(b'"level"', b'level\\"', b"level\\\\", b"\\u", b"\\/"),
    *(f'"{colon}[{space}{digit}'.encode() for colon in (":", ": ", " : ") for space in ("", " ") for digit in range(10)),
)


class RawLine(NamedTuple):
    """One line of a log as it is in the file, what the parts of one make together, or one of the events of a batch.

    `number` counts lines from 1 as an editor does. `offset` is in bytes of the unpacked text: where the line begins, and one more
    for each event before this one in a batch. `shipped_at` (epoch milliseconds) is the time a shipper would give the line: its own
    stamp, else its carrier's, else that of the last line above it that has one, else when the file was last written. `line` is what
    was read of it.
    """

    text: str
    path: str
    number: int
    offset: int
    shipped_at: int
    line: Line


def read_lines(path: str, *, block_bytes: int = BLOCK_BYTES, progress: Callable[[int], None] | None = None) -> Iterator[RawLine]:
    """Read every line of a log file; `-` is standard input. `progress` hears how many more bytes of the file were read.

    Raises `InputError` for a file that cannot be read to its end.
    """
    return iter(CandidateReader(path, block_bytes=block_bytes, progress=progress))


def read_text(text: str, path: str, *, written: int) -> Iterator[RawLine]:
    """Read every line of a text as those of a log at `path` that was last written then, in epoch milliseconds."""
    yield from CandidateReader(path).lines_of(OpenLog(path, iter([(0, text.encode())]), written))


@dataclass(slots=True)
class ReadLog:
    """What was read of a log so far; `is_ollamas` says that a line looked like Ollama's."""

    path: str
    lines: int = 0
    """Of a batch each event counts."""
    is_ollamas: bool = False


class CandidateReader:
    """The lines of a log file that hold one of `needles`, and perhaps more; None stands for every line.

    A needle is lower-case ASCII and found in any case; it may hold no quote, backslash or control character, which JSON writes in
    other ways. Lines whose JSON hides a needle, or that come in parts, are always given. Of records that bear a level of `without`
    most are not given, whatever they hold. With `selects` only those are given of whose text, out of its carriers, it holds, and
    those of which no last part came. When all are given, `logs` says how many lines each log of the file has.
    """

    def __init__(
        self,
        path: str | Stream,
        needles: Sequence[bytes] | None = None,
        *,
        without: Sequence[str] = (),
        selects: Callable[[str], bool] | None = None,
        block_bytes: int = BLOCK_BYTES,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.logs: list[ReadLog] = []
        self._path = path
        self._lines_in = _every_line if needles is None else _Needles(needles).lines_with
        self._other_than = _Others(without).of if without else _Kept.whole
        self._selects = selects
        self._block_bytes = block_bytes
        self._progress = progress

    @property
    def lines_read(self) -> int:
        """Return how many lines were read so far."""
        return sum(log.lines for log in self.logs)

    def __iter__(self) -> Iterator[RawLine]:
        """Read the file from its beginning; raises `InputError` as `read_lines` does."""
        self.logs = []
        with open_logs(self._path, block_bytes=self._block_bytes, progress=self._progress) as logs:
            for log in logs:
                yield from self.lines_of(log)

    def lines_of(self, log: OpenLog) -> Iterator[RawLine]:
        """Read a log that is open."""
        read_log, clock, parts, above = ReadLog(log.path), Clock(log.modified), Parts(), 0
        self.logs.append(read_log)
        for offset, with_returns in log.blocks:
            block = with_returns.replace(b"\r", b"\n")  # a CRLF leaves an empty line behind, which is none
            clock.look_below(block)
            read_log.is_ollamas = read_log.is_ollamas or looks_like_ollama(block)
            kept = _Kept.whole(block) if parts.begun or has_entries(block) else self._other_than(block)
            in_parts = parts.begun or has_parts(kept.text) or has_batches(kept.text)
            lines_in = _every_line if in_parts else self._lines_in
            counted, breaks = 0, 0
            for start, end in kept.placed(lines_in(kept.text)):
                breaks += with_returns.count(b"\n", counted, start)
                counted = start
                line, place = block[start:end].decode(errors="replace"), (above + breaks + 1, offset + start)
                for text, begun_at, before in each_event(parts.joined(line, place)) if in_parts else ((line, place, 0),):
                    read_log.lines += before > 0
                    way = steps(text)
                    selected = self._selects is None or self._selects(way.redacted)
                    if not selected and way.redacted == line:
                        continue  # a line below sees its stamp
                    time, read_line = clock.dated(way, start, end)
                    if selected:
                        yield RawLine(text, log.path, *begun_at, time, read_line)
            breaks += with_returns.count(b"\n", counted)
            above += breaks
            read_log.lines += (breaks if with_returns is block else block.count(b"\n")) + 1 - kept.empty_lines
            clock.leave_block()
        for text, begun_at, before in each_event(parts.left()):
            read_log.lines += before > 0
            way = steps(text)
            if self._selects is None or self._selects(way.redacted):
                yield RawLine(text, log.path, *begun_at, *clock.dated(way, 0, 0))


class _Kept(NamedTuple):
    """The lines of a block that are not passed over.

    `text` holds them all, `begins` says where each stretch of them begins in it, `places` where in the block.
    """

    text: bytes
    begins: list[int]
    places: list[int]

    @classmethod
    def whole(cls, block: bytes) -> _Kept:
        """Keep all lines of a block."""
        return cls(block, [0], [0])

    @property
    def empty_lines(self) -> int:
        """How many lines of the block are empty: one that ends with a line break has one below it."""
        return self.text.split(b"\n").count(b"") if self.begins else 0

    def placed(self, spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield where lines of the text are in the block."""
        for start, end in spans:
            stretch = bisect_right(self.begins, start) - 1
            moved = self.places[stretch] - self.begins[stretch]
            yield start + moved, end + moved


class _Others:
    """Finds all lines but the records of some levels, many at a time."""

    def __init__(self, levels: Sequence[str]) -> None:
        # The first level of a line is its level, so that none may hide in the time.
        line = rb"(?!time=[0-9T:.Z+-]++ level=(?:%b) )[^\n]*+" % "|".join(levels).encode()
        lines = rb"%b(?:\n%b)*+" % (line, line)
        self._first, self._further = re.compile(lines), re.compile(rb"\n" + lines)

    def of(self, block: bytes) -> _Kept:
        first = self._first.match(block)
        spans = [first.span()] if first else []
        further = self._further.finditer(block, first.end() if first else 0)
        spans += [(start + 1, end) for start, end in (stretch.span() for stretch in further)]
        begins = [0, *accumulate(end - start + 1 for start, end in spans)]
        return _Kept(b"\n".join([block[start:end] for start, end in spans]), begins[:-1], [start for start, _ in spans])


def _every_line(block: bytes) -> Iterator[tuple[int, int]]:
    """Yield the begin and end of every line that is not empty."""
    start = 0
    for line in block.split(b"\n"):
        if line:
            yield start, start + len(line)
        start += len(line) + 1


class _Needles:
    """Finds all needles in one pass over a block, however many there are."""

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._plain, self._json = (
            BytesAhoCorasick(each, implementation=Implementation.DFA) for each in (needles, [*needles, *_JSON_NEEDLES])
        )

    def lines_with(self, block: bytes) -> Iterator[tuple[int, int]]:
        """Yield the begin and end of every line that may hold a needle, in order."""
        search = self._json if b"{" in block and _json_key_in(block) else self._plain
        end = 0
        for _, hit, _ in search.find_matches_as_indexes(block.lower()):
            if hit >= end:
                start = line_start(block, hit, end)
                end = line_end(block, hit)
                yield start, end
