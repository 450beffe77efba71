"""Log files to raw lines: every line for the loader, or only those that a rule may select, found at the speed of a text search.

A line breaks at CR and LF only, and an empty line is none. Bytes that are no UTF-8 become U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick

from integration.log.blocks import BLOCK_BYTES, OpenLog, Stream, count_lines, open_logs
from integration.log.gin import local_time
from integration.log.line import Line, read
from integration.log.parts import Parts, has_parts
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
    """One line of a log as it is in the file, or what the parts of one make together.

    `number` counts lines from 1 as an editor does, `offset` is in bytes of the unpacked text. `shipped_at` (epoch milliseconds) is
    the time a shipper would give the line: its own stamp, else its carrier's, else the stamp of the last stamped line above it,
    else when the file was last written. `line` is what was read of it.
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
    return iter(CandidateReader(path, None, (), block_bytes, progress))


def read_text(text: str, path: str, *, written: int) -> Iterator[RawLine]:
    """Read every line of a text as those of a log at `path` that was last written then, in epoch milliseconds."""
    yield from CandidateReader(path, None, (), BLOCK_BYTES, None).lines_of(OpenLog(path, iter([(0, text.encode())]), written))


def read_candidates(
    path: str | Stream,
    needles: Sequence[bytes] | None,
    *,
    without: Sequence[str] = (),
    block_bytes: int = BLOCK_BYTES,
    progress: Callable[[int], None] | None = None,
) -> CandidateReader:
    """Read the lines of a log file that hold one of `needles`, and perhaps more; None stands for every line.

    A needle is lower-case ASCII and found in any case; it may hold no quote, backslash or control character, which JSON writes in
    other ways. Lines whose JSON hides a needle, or that come in parts, are always given. Of records that bear a level of `without`
    most are not given, whatever they hold.
    """
    return CandidateReader(path, needles, without, block_bytes, progress)


@dataclass(slots=True)
class ReadLog:
    """What was read of a log so far; `is_ollamas` says that a line looked like Ollama's."""

    path: str
    lines: int = 0
    is_ollamas: bool = False


class CandidateReader:
    """An iterable of lines. When it is exhausted, `logs` says how many lines each log of the file has."""

    def __init__(
        self,
        path: str | Stream,
        needles: Sequence[bytes] | None,
        without: Sequence[str],
        block_bytes: int,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.logs: list[ReadLog] = []
        self._path = path
        self._needles = _Needles(needles) if needles is not None else None
        # The first level of a line is its level, so that none may hide in the time.
        self._passed_over = re.compile(rb"time=[0-9T:.Z+-]+ level=(?:%b) " % "|".join(without).encode()) if without else None
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
        read_log, clock, parts, above = ReadLog(log.path), _Clock(log.modified), Parts(), 0
        self.logs.append(read_log)
        for offset, with_returns in log.blocks:
            block = with_returns.replace(b"\r", b"\n")  # a CRLF leaves an empty line behind, which is none
            clock.look_below(block)
            read_log.is_ollamas = read_log.is_ollamas or looks_like_ollama(block)
            counted = 0
            if self._needles is None or parts.begun or has_parts(block):
                for start, end in _every_line(block):
                    read_log.lines += 1
                    above += with_returns.count(b"\n", counted, start)
                    counted = start
                    where = (above + 1, offset + start)
                    for text, begun_at in parts.joined(block[start:end].decode(errors="replace"), where):
                        yield clock.dated(text, log.path, *begun_at)
            else:
                read_log.lines += count_lines(block)
                for start, end in self._needles.lines_with(block):
                    if self._passed_over is not None and self._passed_over.match(block, start):
                        continue
                    above += with_returns.count(b"\n", counted, start)
                    counted = start
                    clock.look_above(block, start)
                    yield clock.dated(block[start:end].decode(errors="replace"), log.path, above + 1, offset + start)
                    clock.seen = end
                clock.look_above(block, len(block))
            above += with_returns.count(b"\n", counted)
            clock.seen = 0
        for text, where in parts.left():
            yield clock.dated(text, log.path, *where)


class _Clock:
    """The time of the last stamped line above a place in a block, and its zone; looks at no line twice."""

    def __init__(self, before_any: int) -> None:
        self.seen = 0
        self._time = before_any
        self._zone: int | None = None

    def dated(self, text: str, path: str, number: int, offset: int) -> RawLine:
        """Return a line with its time. The clock of a GIN line is that of the last record's zone."""
        line = read(text)
        if line.stamp is not None:
            self._time, self._zone = line.stamp, line.zone
        elif self._zone is not None and (local := local_time(line.text)) is not None:
            line = line._replace(stamp=local - self._zone)
        times = (line.stamp, line.carried, self._time)
        return RawLine(text, path, number, offset, next(time for time in times if time is not None), line)

    def look_below(self, block: bytes) -> None:
        """Look for the zone of the GIN lines that stand above the first record of a file."""
        place = 0
        while self._zone is None and b"[GIN]" in block and (hit := block.find(b"time", place)) >= 0:
            start, place = _line_start(block, hit, place), _line_end(block, hit)
            self._zone = read(block[start:place].decode(errors="replace")).zone

    def look_above(self, block: bytes, place: int) -> None:
        """Look for the last stamp above a line that begins at `place`; places come in ascending order."""
        end = place
        while (hit := block.rfind(b"time", self.seen, end)) >= 0:
            start = _line_start(block, hit, self.seen)
            line = read(block[start : _line_end(block, hit)].decode(errors="replace"))
            if line.stamp is not None:
                self._time, self._zone = line.stamp, line.zone
                break
            end = start
        self.seen = place


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
        self._plain = BytesAhoCorasick(needles)
        self._json = BytesAhoCorasick([*needles, *_JSON_NEEDLES])

    def lines_with(self, block: bytes) -> Iterator[tuple[int, int]]:
        """Yield the begin and end of every line that may hold a needle, in order."""
        search = self._json if b"{" in block and _json_key_in(block) else self._plain
        end = 0
        for _, hit, _ in search.find_matches_as_indexes(block.lower()):
            if hit >= end:
                start = _line_start(block, hit, end)
                end = _line_end(block, hit)
                yield start, end


def _line_start(block: bytes, place: int, earliest: int) -> int:
    """Return where the line at `place` begins, not before `earliest`."""
    return max(block.rfind(b"\n", earliest, place) + 1, earliest)


def _line_end(block: bytes, place: int) -> int:
    end = block.find(b"\n", place)
    return end if end >= 0 else len(block)
