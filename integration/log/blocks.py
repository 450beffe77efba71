"""Log files as blocks of whole lines in UTF-8: from disk or standard input, packed or not, in bounded memory."""

from __future__ import annotations

import codecs
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from io import BufferedIOBase, FileIO
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, cast

from integration.errors import InputError
from integration.log.compression import ZIP, unpack, zip_members
from integration.log.encoding import to_utf8
from integration.log.file_kinds import with_head
from integration.times import now

BLOCK_BYTES = 1 << 18
"""How much is read at a time: what fits a processor's cache is searched faster than larger blocks."""
MAX_LINE_BYTES = 16 << 20
"""A line is cut there: no line of a log is as long, and the rest of a longer one is not stored anyway."""

STANDARD_INPUT: Final = "-"
"""The name of standard input among those of files."""
_MOST_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class OpenLog:
    """An open log: its name, blocks of whole lines, each with its byte offset in the text as UTF-8, and when it was last written.

    A block ends with a line break, the last one perhaps without; `modified` is in epoch milliseconds, for standard input now.
    A log in a zip is named `ZIP/NAME`.
    """

    path: str
    blocks: Iterator[tuple[int, bytes]]
    modified: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A log that no file holds, such as a journal: its name, and a context in which its bytes are read, so many at a time.

    `said` is what its reader says besides, known when it was read to its end.
    """

    name: str
    open: Callable[[], AbstractContextManager[Callable[[int], bytes]]]
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Source:
    """Bytes of a file as they are read, so many at a time; `progress` hears of them."""

    path: str
    read: Callable[[int], bytes]
    block_bytes: int
    progress: Callable[[int], None] | None

    def blocks(self) -> Iterator[bytes]:
        try:
            while block := self.read(self.block_bytes):
                if self.progress is not None:
                    self.progress(len(block))
                yield block
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read on: {error.strerror}; check the disk or copy the file first") from error


@contextmanager
def open_logs(
    path: str | Stream, *, block_bytes: int = BLOCK_BYTES, progress: Callable[[int], None] | None = None
) -> Iterator[Iterator[OpenLog]]:
    """Open a log file, `-` for standard input, or a stream: one log, or each file of a zip.

    What it is, is told from its first bytes. `progress` hears how many more bytes were read, packed ones where they are packed.
    Raises `InputError`: for what is not text when the log is opened, for what is damaged while its blocks are read.
    """
    if isinstance(path, Stream):
        with path.open() as read, _logs(_Source(path.name, read, block_bytes, progress), now(), None) as logs:
            yield logs
        return
    if path == STANDARD_INPUT:
        if sys.stdin is None:
            raise InputError("-: standard input is closed; name a file, or send the lines through a pipe")
        # `read1` returns what a pipe has, so that a slow writer's lines are not held back.
        read = cast("BufferedIOBase", sys.stdin.buffer).read1
        with _logs(_Source(path, read, block_bytes, progress), now(), None) as logs:
            yield logs
        return
    with _open(path) as file:
        found = os.fstat(file.fileno())
        regular = stat.S_ISREG(found.st_mode)
        read = partial(_read_uncut, file, path) if regular else file.read
        source = _Source(path, read, block_bytes, progress)
        with _logs(source, found.st_mtime_ns // 1_000_000, file if regular else None) as logs:
            yield logs


def names_of_logs(paths: Iterable[str]) -> Iterator[str]:
    """Yield the name of each log in files, a pipe's for itself: of what it holds nothing is known before it is read.

    Raises `InputError` for a file that cannot be opened or is not text.
    """
    for path in paths:
        if is_pipe(path):
            yield path
        else:
            with open_logs(path) as logs:
                yield from (log.path for log in logs)


def is_pipe(path: str) -> bool:
    """Return whether a log can be read only once."""
    try:
        return path == STANDARD_INPUT or stat.S_IFMT(Path(path).stat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR)
    except OSError:
        return False


@contextmanager
def _logs(source: _Source, modified: int, file: FileIO | None) -> Iterator[Iterator[OpenLog]]:
    path, size = source.path, source.block_bytes
    head, raw = with_head(source.blocks())
    if not head.startswith(ZIP):
        yield iter([OpenLog(path, _whole_lines(to_utf8(unpack(raw, path, size), path)), modified)])
        return
    # The list of a zip's files stands at its end, so that one out of a pipe must be copied.
    with nullcontext(file) if file else TemporaryFile() as archive:
        if file is None:
            archive.writelines(raw)
        members = zip_members(archive, path, size, source.progress if file else None)
        yield (OpenLog(name, _whole_lines(to_utf8(text, name)), written) for name, text, written in members)


def _open(path: str) -> FileIO:
    try:
        return Path(path).open("rb", buffering=0)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder{_advice_on(Path(path))}") from error
    except PermissionError as error:
        raise InputError(f"{path}: may not be read; run as a user who may, or have the file's owner let you") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}") from error


def _advice_on(folder: Path) -> str:
    """Return what to do with a folder, by what is in it, or in the beginning of one that is large."""
    files = [path for path in islice(folder.rglob("*"), _MOST_LOOKED_AT) if path.is_file()]
    inside = next((path for path in files if path.suffix == ".log"), next(iter(files), None))
    return f"; name the files in it, such as {inside}" if inside else " in which no file was found; check its name"


class _CutShortError(InputError):
    """Somebody cut the file short meanwhile: what is in its place now is another log, and we are not at its beginning."""


def _read_uncut(file: FileIO, path: str, size: int) -> bytes:
    block = file.read(size)
    if os.fstat(file.fileno()).st_size < file.tell():
        raise _CutShortError(f"{path}: was cut short while it was read, as rotation by copying does")
    return block


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Cut at line breaks: each block grows by the begun line before it, which is found from the block's end."""
    head, blocks = with_head(blocks)
    offset = 0
    if head.startswith(codecs.BOM_UTF8):
        offset = len(codecs.BOM_UTF8)
        next(blocks)
        blocks = chain([head[offset:]], blocks)
    begun: list[bytes] = []  # joined once the line ends: joining with every block would take quadratic time
    begun_bytes = left_out = 0
    try:
        for block in blocks:
            start, cut = 0, block.rfind(b"\n") + 1
            cut = max(cut, block.rfind(b"\r", cut) + 1)
            if cut:
                if left_out:
                    start = _first_break(block)
                    begun.append(b"\n")
                    yield offset, b"".join(begun)
                    offset += begun_bytes + left_out + start
                    begun = []
                whole = b"".join([*begun, memoryview(block)[start:cut]])
                yield offset, whole
                offset += len(whole)
                begun, begun_bytes, left_out = [], 0, 0
            kept = block[cut : cut + max(MAX_LINE_BYTES - begun_bytes, 0)]
            begun.append(kept)
            begun_bytes += len(kept)
            left_out += len(block) - cut - len(kept)
    except _CutShortError as error:
        raise InputError(f"{error}; the lines that were not read yet are in the copy: tail -c +{offset + 1} COPY") from error
    if begun_bytes:
        yield offset, b"".join(begun)


def _first_break(block: bytes) -> int:
    return min(place for place in (block.find(b"\n"), block.find(b"\r")) if place >= 0)


def count_lines(block: bytes) -> int:
    """Return how many lines of a block are not empty."""
    lines = block.replace(b"\r", b"\n").split(b"\n")
    return len(lines) - lines.count(b"")
