"""Packed log files, told from their first bytes and unpacked a block at a time: gzip, xz, bzip2, zstd, and the files of a zip."""

from __future__ import annotations

import bz2
import lzma
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Final, NamedTuple, Protocol
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from integration.errors import InputError
from integration.log.file_kinds import refuse_other_than_text, with_head

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of a zip, and of one that holds no file."""

_GZIP_WINDOW: Final = 31  # zlib's word for: the largest window, in a gzip wrapping
_MEMORY: Final = 256 << 20  # xz -9 takes 65 MiB
_LAYERS: Final = 3  # some files unpack to themselves for ever


class _Decompressor(Protocol):
    """One member of a packed file, as bz2, lzma and zstd have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """A member of a gzip file; zlib's own object keeps what it did not come to, and must be given it again."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_WINDOW)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        text = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = len(text) < max_length
        return text


class _Format(NamedTuple):
    name: str
    magic: re.Pattern[bytes]
    new: Callable[[], _Decompressor]
    command: str
    """Writes what is left of a damaged file to standard output."""


_FORMATS: Final = (
    _Format("gzip", re.compile(rb"\x1f\x8b"), _Gzip, "gzip -dc"),
    _Format("xz", re.compile(rb"\xfd7zXZ\0"), lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY), "xz -dc"),
    _Format("bzip2", re.compile(rb"BZh[1-9][\x31\x17]"), bz2.BZ2Decompressor, "bzip2 -dc"),
    # The second is a frame without text, as pzstd puts one first.
    _Format("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), zstd.ZstdDecompressor, "zstd -dc"),
)
_DAMAGED: Final = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError)
# zipfile raises NotImplementedError for a method that it lacks, UnicodeDecodeError for a name.
_ZIP_DAMAGED: Final = (BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, UnicodeDecodeError)
_ENCRYPTED: Final = 1


def unpack(blocks: Iterator[bytes], path: str, size: int) -> Iterator[bytes]:
    """Return the blocks of a file that may be packed, unpacked at most `size` bytes at a time, however well they are packed.

    Raises `InputError` for a file that is not text, and while blocks are read for one that is damaged or cut short.
    """
    for _ in range(_LAYERS + 1):
        head, blocks = with_head(blocks)
        packed = next((form for form in _FORMATS if form.magic.match(head)), None)
        if packed is None:
            refuse_other_than_text(head, path)
            return blocks
        blocks = _unpacked(packed, blocks, path, size)
    raise InputError(f"{path}: is packed more than {_LAYERS} times; unpack it first")


def _unpacked(form: _Format, blocks: Iterator[bytes], path: str, size: int) -> Iterator[bytes]:
    """Yield the text of all members of a packed file."""
    rescue = f"get it anew, or look at what is left of it: {form.command} {path} | detect scan -"
    member = form.new()
    try:
        for block in blocks:
            packed = block
            while packed or not (member.eof or member.needs_input):
                if member.eof:
                    packed = packed.lstrip(b"\0")  # padding, as tapes have it
                    if not packed:
                        break
                    member = form.new()
                if text := member.decompress(packed, size):
                    yield text
                packed = member.unused_data if member.eof else b""
    except _DAMAGED as error:
        raise InputError(f"{path}: the {form.name} file is damaged ({error}); {rescue}") from error
    if not member.eof:
        raise InputError(f"{path}: the {form.name} file ends too early, so lines are missing; {rescue}")


def zip_members(
    file: IO[bytes], path: str, size: int, progress: Callable[[int], None] | None
) -> Iterator[tuple[str, Iterator[bytes], int]]:
    """Yield each file of a zip: its name behind that of the zip, its text, and when it was last written (epoch milliseconds).

    Files may be packed themselves. Raises `InputError` as `unpack` does.
    """
    try:
        archive = ZipFile(file)
    except _ZIP_DAMAGED as error:
        raise InputError(f"{path}: the zip file is damaged or ends too early ({error}); get it anew") from error
    with archive:
        # macOS writes a file's attributes as a file beside it.
        members = [info for info in archive.infolist() if not (info.is_dir() or info.filename.startswith("__MACOSX/"))]
        if not members:
            raise InputError(f"{path}: is a zip archive without any file")
        for info in members:
            name = f"{path}/{info.filename}"
            # A zip says a file's time as the clock on its machine showed it.
            modified = int(time.mktime((*info.date_time, 0, 0, -1))) * 1000
            yield name, unpack(_read_member(archive, info, name, size, progress), name, size), modified


def _read_member(archive: ZipFile, info: ZipInfo, name: str, size: int, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    if info.flag_bits & _ENCRYPTED:
        raise InputError(f"{name}: is encrypted; unpack the zip first")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # the others are not unpacked in bounded memory
        raise InputError(f"{name}: is packed by method {info.compress_type}, which is not read; unpack the zip first")
    try:
        with archive.open(info) as member:
            while block := member.read(size):
                yield block
        if progress is not None:
            progress(info.compress_size)
    except _ZIP_DAMAGED as error:
        raise InputError(f"{name}: is damaged ({error}); get the zip anew") from error
