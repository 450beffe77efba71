"""Text of any Unicode encoding to UTF-8: UTF-16 with and without a byte order mark, and UTF-8 with UTF-16 in between.

Windows PowerShell writes UTF-16: `>` with a byte order mark, `>>` without one, whatever the file holds already.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from integration.errors import InputError

_TEXT: Final = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
_NULS: Final = re.compile(rb"\0{2,}")
_BEYOND_ASCII: Final = bytes(range(0x80, 0x100))
_HEAD: Final = 64 << 10
_FEW: Final = 8
_LOOK_AHEAD: Final = 64
"""How many bytes tell whether UTF-16 goes on."""
_NAMES: Final = {b"latin": rb"[\t\n\r -~\xa0-\xff]", b"ascii": rb"[\t\n\r -~]"}
_NAMES[b"utf8"] = rb"(?:[\t -~]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})"
_BEGIN: Final = re.compile(rb"(?:\xff\xfe)?(?=(?:%(latin)b\0){3}|(?:%(latin)b\0){0,2}[\r\n]\0(?!\0))" % _NAMES)
_BIG_ENDIAN: Final = re.compile(rb"(?=(?:\0%(latin)b){3})" % _NAMES)
# A pair of bytes without a NUL is a character beyond U+00FF, unless it is UTF-8: a line of it between two line breaks, twelve
# characters of it, or an odd number of bytes behind which UTF-16 goes on.
_RUN: Final = re.compile(
    rb"(?:[^\0\r\n]\0|[\r\n]\0(?!\0|%(utf8)b{0,15}[\r\n])"
    rb"|(?!%(utf8)b{12}|(?:%(ascii)b{2}){1,8}\0%(ascii)b\0%(ascii)b|\0.\0.\0|\r\n|\n\n).[^\0])*+(?:[\r\n]\0)?+" % _NAMES,
    re.DOTALL,
)


def to_utf8(blocks: Iterator[bytes], path: str) -> Iterator[bytes]:
    """Return a file's text as UTF-8; bytes that are neither UTF-8 nor UTF-16 stay as they are, NULs in a row become line breaks.

    The first block holds at least the first six bytes of the file. Raises `InputError` if it is not text.
    """
    head = next(blocks, b"")
    _refuse_binary(head, b"".join(_decoded(head, iter(()))), path)
    return _cleaned(_decoded(head, blocks))


def _strange(head: bytes) -> int:
    """Return how many of the bytes are no part of a text: control bytes, and what is no UTF-8."""
    kept = head.decode(errors="ignore").encode()
    return len(head) - len(kept) + len(kept.translate(None, _TEXT + _BEYOND_ASCII))


def _refuse_binary(head: bytes, decoded: bytes, path: str) -> None:
    """Raise `InputError` unless most of the first bytes are text; a line of a log may hold any byte."""
    nuls = decoded.count(b"\0")
    if nuls > _FEW + len(decoded) / 10:
        raise InputError(
            f"{path}: holds NUL bytes, so it is not text; "
            "if it is a log with holes, as a crash leaves them, take them out first: tr -d '\\000'"
        )
    if nuls and _strange(head[:_HEAD]) * 2 > len(head[:_HEAD]):
        raise InputError(f"{path}: is binary data, not text")


def _decoded(head: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a file's text with all UTF-16 as UTF-8."""
    if head.startswith(codecs.BOM_UTF16_BE) or _BIG_ENDIAN.match(head):
        decoded = codecs.iterdecode(chain([head.removeprefix(codecs.BOM_UTF16_BE)], blocks), "utf-16-be", "replace")
        return (piece.encode() for piece in decoded)
    marked = head.startswith(codecs.BOM_UTF16_LE)
    return _mixed(chain([head.removeprefix(codecs.BOM_UTF16_LE)], blocks), utf16=marked)


def _mixed(blocks: Iterator[bytes], *, utf16: bool) -> Iterator[bytes]:
    """Yield little-endian UTF-16 as UTF-8 and other bytes as they are; `utf16` says that the text begins with UTF-16."""
    decode = codecs.getincrementaldecoder("utf-16-le")("replace").decode
    data = b""
    for block in chain(blocks, [b""]):
        data += block
        plain = not utf16 and b"\0" not in data
        limit = len(data) if plain else len(data) - _LOOK_AHEAD * bool(block)
        # Half of the first character may stand in the block before, which is ASCII and the same in UTF-8.
        at = int(not utf16 and limit > 0 and data.startswith(b"\0") and _BEGIN.match(data, 1) is not None)
        while at < limit:
            if utf16 and (run := _RUN.match(data, at)):
                utf16 = bool(block) and run.end() > limit
                stop = limit - (limit - at) % 2 if utf16 else run.end()
                yield decode(data[at:stop], not utf16).encode()
                at = stop
                if utf16:
                    break
            begin = None if plain else _BEGIN.search(data, at)
            utf16 = begin is not None and begin.start() < limit
            stop, after = begin.span() if begin and utf16 else (limit, limit)
            yield data[at:stop]
            at = after
        data = data[at:]


def _cleaned(text: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the text without byte order marks in its middle, and with line breaks for NULs in a row, as a crash leaves them."""
    last, nuls = b"", b""
    for piece in text:
        if not nuls and b"\0" not in piece and b"\xef" not in piece:
            kept = piece
        else:
            kept, nuls = _without_nuls(last, nuls + piece)
            kept = kept.replace(b"\n" + codecs.BOM_UTF8, b"\n")
        if kept:
            yield kept
            last = kept[-1:]
    if not (nuls == b"\0" and last in (b"\n", b"\r")):  # else that line break was UTF-16
        yield _NULS.sub(_line_breaks, nuls)


def _without_nuls(last: bytes, piece: bytes) -> tuple[bytes, bytes]:
    """Return a piece with line breaks for NULs in a row, and the NULs at its end, two at most: more may follow."""
    text = piece.rstrip(b"\0")
    end = piece[len(text) :]
    if last in (b"\n", b"\r") and text.startswith(b"\0") and not text.startswith(b"\0\0"):
        text = text[1:]  # that line break was UTF-16
    return _NULS.sub(_line_breaks, text) + b"\n" * len(end[2:]), end[:2]


def _line_breaks(nuls: re.Match[bytes]) -> bytes:
    return b"\n" * len(nuls[0])
