"""What a file is that is not text, told from its first bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from integration.errors import InputError

_HEAD_BYTES: Final = 6  # tell every format that is unpacked

_KINDS: Final = (
    (rb"\x89PNG", "a PNG image"),
    (rb"\xff\xd8\xff", "a JPEG image"),
    (rb"GIF8[79]a", "a GIF image"),
    (rb"RIFF....WEBP", "a WebP image"),
    (rb"%PDF-", "a PDF document"),
    (rb"SQLite format 3\0", "a SQLite database"),
    (rb"GGUF[\x01-\x07]\0", "a GGUF model"),
    (rb"PAR1", "a Parquet file"),
    (rb"ORC[\x08\n\x12]", "an ORC file"),
    (rb"Obj\x01", "an Avro file"),
    (rb"bplist0", "a binary property list"),
    (rb"\x7fELF", "an ELF program"),
    (rb"MZ.{0,510}\0\0", "a Windows program"),
    (rb"[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe", "a macOS program"),
    (rb"\xd0\xcf\x11\xe0", "a Microsoft Office document"),
    (rb"ElfFile\0", "a Windows event log; export it as text"),
    (rb"LPKSHHRH", "a systemd journal; write it as text: journalctl --file FILE --output short-iso"),
    (rb"PK\x03\x04|PK\x05\x06", "a zip archive inside of another file; unpack the outer one first"),
    (rb".{257}ustar", "a tar archive; unpack it first: tar -xf FILE"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first: 7z x FILE"),
    (rb"Rar!\x1a\x07", "a RAR archive; unpack it first: unrar x FILE"),
    (rb"\x04\x22\x4d\x18", "an lz4 file; unpack it first: lz4 -d FILE"),
    (rb"\x1f[\x9d\xa0]", "a compress (.Z) file; unpack it first: uncompress FILE"),
    (rb"LZIP", "an lzip file; unpack it first: lzip -d FILE"),
    (rb"\xff\xfe\0\0|\0\0\xfe\xff", "UTF-32 text; write it as UTF-8 first: iconv -f UTF-32 -t UTF-8 FILE"),
)


def with_head(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, at least six of them however small the blocks are, and all blocks."""
    head = b""
    while len(head) < _HEAD_BYTES and (block := next(blocks, b"")):
        head += block
    return head, chain([head], blocks)


def refuse_other_than_text(head: bytes, path: str) -> None:
    """Raise `InputError`, which names the kind, if a file that begins with `head` is not text."""
    for magic, kind in _KINDS:
        if re.match(magic, head, re.DOTALL):
            raise InputError(f"{path}: is {kind.replace('FILE', path)}")
