"""Log files as blocks of whole lines: from disk or standard input, plain, gzip or UTF-16, in bounded memory."""

from __future__ import annotations

import codecs
import os
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BufferedIOBase, FileIO
from itertools import chain
from pathlib import Path
from typing import cast

from integration.errors import InputError

BLOCK_BYTES = 1 << 16
"""How much is read at a time: what fits a processor's cache is searched faster than larger blocks."""
MAX_LINE_BYTES = 256 << 20
"""No line of a log is as long as this; a file of zeros packed to a few kilobytes is."""

_STANDARD_INPUT = "-"
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's word for: the largest window, in a gzip wrapping
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD_BYTES = 3


@dataclass(frozen=True, slots=True)
class OpenLog:
    """An open log: blocks of whole lines, each with its byte offset in the unpacked text, and when the file was last written.

    A block ends with a line break, the last one perhaps without; `modified` is in epoch milliseconds, for standard input now.
    """

    blocks: Iterator[tuple[int, bytes]]
    modified: int


@contextmanager
def open_log(path: str, *, block_bytes: int = BLOCK_BYTES, progress: Callable[[int], None] | None = None) -> Iterator[OpenLog]:
    """Open a log file, `-` for standard input; what it is (gzip, UTF-16) is told from its first bytes.

    `progress` hears how many more bytes were read, packed ones for gzip. Raises `InputError`, also while blocks are read.
    """
    if path == _STANDARD_INPUT:
        if sys.stdin is None:
            raise InputError("-: standard input is closed; name a file, or send the lines through a pipe")
        # `read1` gives what a pipe has, so that a slow writer's lines are not held back.
        read = cast("BufferedIOBase", sys.stdin.buffer).read1
        yield OpenLog(_whole_lines(_unpacked(_read(read, path, block_bytes, progress), path, block_bytes), path), _now())
        return
    with _open(path) as file:
        found = os.fstat(file.fileno())
        read = partial(_read_uncut, file, path) if stat.S_ISREG(found.st_mode) else file.read
        raw = _read(read, path, block_bytes, progress)
        yield OpenLog(_whole_lines(_unpacked(raw, path, block_bytes), path), found.st_mtime_ns // 1_000_000)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _open(path: str) -> FileIO:
    try:
        return Path(path).open("rb", buffering=0)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder; name the files in it, such as {Path(path, 'server.log')}") from error
    except PermissionError as error:
        raise InputError(f"{path}: may not be read; run as a user who may, or have the file's owner let you") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}") from error


class _CutShortError(InputError):
    """Somebody cut the file short meanwhile: what is in its place now is another log, and we are not at its beginning."""


def _read_uncut(file: FileIO, path: str, size: int) -> bytes:
    block = file.read(size)
    if os.fstat(file.fileno()).st_size < file.tell():
        raise _CutShortError(f"{path}: was cut short while it was read, as rotation by copying does")
    return block


def _read(read: Callable[[int], bytes], path: str, size: int, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    try:
        while block := read(size):
            if progress is not None:
                progress(len(block))
            yield block
    except OSError as error:
        raise InputError(f"{path}: cannot be read on: {error.strerror}; check the disk or copy the file first") from error


def _unpacked(raw: Iterator[bytes], path: str, size: int) -> Iterator[bytes]:
    """Give the file's text as UTF-8 bytes."""
    head, blocks = _with_head(raw)
    if head.startswith(_GZIP_MAGIC):
        head, blocks = _with_head(_gunzipped(blocks, path, size))
    if head.startswith(_UTF16_MARKS):  # what `>` makes in Windows PowerShell
        return (text.encode() for text in codecs.iterdecode(blocks, "utf-16", "replace"))
    return blocks


def _with_head(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Give the first few bytes, however small the blocks are, and all blocks."""
    head = b""
    while len(head) < _HEAD_BYTES and (block := next(blocks, b"")):
        head += block
    return head, chain([head], blocks)


def _gunzipped(blocks: Iterator[bytes], path: str, size: int) -> Iterator[bytes]:
    """Unpack every member of a gzip file, at most `size` bytes at a time, however well they are packed."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    try:
        for block in blocks:
            packed, more = block, False
            while packed or more:
                if member.eof:
                    packed = packed.lstrip(b"\0")  # padding, as tapes have it
                    if not packed:
                        break
                    member = zlib.decompressobj(_GZIP_WINDOW)
                text = member.decompress(packed, size)
                if text:
                    yield text
                more = len(text) == size and not member.eof
                packed = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as error:
        raise InputError(f"{path}: the gzip file is damaged ({error}); {_rescue(path)}") from error
    if not member.eof:
        raise InputError(f"{path}: the gzip file ends too early, so lines are missing; {_rescue(path)}")


def _rescue(path: str) -> str:
    return f"get it anew, or look at what is left of it: gzip -dc {path} | detect scan -"


def _whole_lines(blocks: Iterator[bytes], path: str) -> Iterator[tuple[int, bytes]]:
    """Cut at line breaks: each block grows by the begun line before it, which is found from the block's end."""
    head, blocks = _with_head(blocks)
    offset = 0
    if head.startswith(codecs.BOM_UTF8):
        offset = len(codecs.BOM_UTF8)
        next(blocks)
        blocks = chain([head[offset:]], blocks)
    begun: list[bytes] = []  # joined once the line ends: joining with every block would take quadratic time
    begun_bytes = 0
    try:
        for block in blocks:
            cut = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            if cut:
                whole = b"".join([*begun, memoryview(block)[:cut]])
                yield offset, whole
                offset += len(whole)
                begun, begun_bytes = [], 0
            begun.append(block[cut:])
            begun_bytes += len(block) - cut
            if begun_bytes > MAX_LINE_BYTES:
                raise InputError(f"{path}: a line at byte {offset} is longer than {MAX_LINE_BYTES >> 20} MiB; is this a log?")
    except _CutShortError as error:
        raise InputError(f"{error}; the lines that were not read yet are in the copy: tail -c +{offset + 1} COPY") from error
    if begun_bytes:
        yield offset, b"".join(begun)
