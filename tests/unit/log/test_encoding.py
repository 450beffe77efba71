from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integration.errors import InputError
from integration.log.encoding import to_utf8

RECORD = 'time=2026-11-24T09:00:00.000Z level=ERROR source=server.go:1 msg="model {}"'
texts = st.sampled_from(
    [
        RECORD.format("é😀"),
        RECORD.format("系统找不到指定的文件。 上海 一一 \u3000"),
        "[GIN] 2025/07/24 - 18:30:30 | 200",
        "goroutine 1 [running]:",
        "\tmain.go:12 +0x1",
        "系统找不到指定的文件。",
        "  err",
        "ab",
        "}",
        "",
    ]
)
encodings = st.sampled_from(["utf-8", "utf-16-le"])
line_breaks = st.sampled_from(["\n", "\r\n"])


def decoded(data: bytes, block_bytes: int = 1000) -> bytes:
    blocks = [data[:6], *(data[at : at + block_bytes] for at in range(6, len(data), block_bytes))]
    return b"".join(to_utf8(iter(blocks), "server.log"))


@st.composite
def mixed(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Lines with their encodings. UTF-16 begins with some ASCII, by which it is known."""
    lines: list[tuple[str, str]] = []
    for text, encoding in draw(st.lists(st.tuples(texts, encodings), max_size=8)):
        begins = encoding == "utf-16-le" and (not lines or lines[-1][1] == "utf-8" or not lines[-1][0])
        lines.append((RECORD if begins and not text.isascii() else text, encoding))
    return lines


@given(mixed(), line_breaks, st.integers(1, 80))
@example([("a", "utf-16-le"), ("", "utf-16-le"), ("b", "utf-8")], "\r\n", 1)
@example([("a", "utf-8"), ("", "utf-16-le"), (RECORD, "utf-8")], "\n", 1)
@example([(RECORD.format("é"), "utf-8"), ("", "utf-16-le")], "\n", 1)
def test_utf16_between_lines_of_utf8(lines: list[tuple[str, str]], line_break: str, block_bytes: int) -> None:
    data = b"".join((text + line_break).encode(encoding) for text, encoding in lines)
    assert decoded(data, block_bytes).decode() == "".join(text + line_break for text, _ in lines)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@given(lines=st.lists(texts, max_size=8), line_break=line_breaks, block_bytes=st.integers(1, 80))
def test_utf16_with_and_without_a_mark(mark: str, encoding: str, lines: Sequence[str], line_break: str, block_bytes: int) -> None:
    begin = "" if mark else f"time={line_break}"
    text = begin + "".join(line + line_break for line in lines)
    assert decoded((mark + text).encode(encoding), block_bytes).decode() == text


@given(st.binary(max_size=200).filter(lambda data: b"\0" not in data and not data.startswith((b"\xff\xfe", b"\xfe\xff"))))
def test_what_holds_no_nul_stays_as_it_is(data: bytes) -> None:
    data = data.replace(b"\n\xef\xbb\xbf", b"")
    assert decoded(data, 7) == data


def test_a_lone_nul_stays_in_its_line() -> None:
    assert decoded(b"first\nse\0cond\nthird\n", 3) == b"first\nse\0cond\nthird\n"


def test_what_redirection_in_powershell_appends_to_an_unfinished_line() -> None:
    data = b"first\n  err" + f"{RECORD}\r\n".encode("utf-16-le") + b"last\n"
    for block_bytes in range(1, 60):
        assert decoded(data, block_bytes).decode() == f"first\n  err{RECORD}\r\nlast\n"


def test_utf8_behind_an_unfinished_line_of_utf16() -> None:
    for unfinished in ("", "a", "ab"):
        data = f"{RECORD}\r\n{unfinished}".encode("utf-16-le") + f"{RECORD}\n{RECORD}\n".encode()
        assert decoded(data).decode() == f"{RECORD}\r\n{unfinished}{RECORD}\n{RECORD}\n"


def test_marks_of_files_that_were_joined_are_taken_out() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        data = RECORD.encode() + b"\n" + f"{RECORD}\n".encode(encoding) + b"last\n"
        assert decoded(data).decode() == f"{RECORD}\n{RECORD}\nlast\n"


@pytest.mark.parametrize("data", [bytes(1000), b"first\n" + bytes(20) + b"last\n", "first\n".encode("utf-16") + bytes(100)])
def test_nul_behind_nul_is_not_text(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^server\.log: holds NUL bytes, so it is not text") as fault:
        to_utf8(iter([data]), "server.log")
    assert str(fault.value).endswith("take them out first: tr -d '\\000'")


def test_bytes_in_any_order_are_not_text() -> None:
    with pytest.raises(InputError, match=r"^server\.log: is binary data, not text"):
        to_utf8(iter([bytes(range(256))]), "server.log")


@given(st.integers(2, 500), st.integers(1, 80))
def test_a_hole_in_a_log_is_a_line_break(nuls: int, block_bytes: int) -> None:
    line = f"{RECORD}\n".encode()
    assert decoded(line * 100 + bytes(nuls) + line, block_bytes) == line * 100 + b"\n" * nuls + line


def test_lines_come_with_the_block_that_ends_them() -> None:
    taken: list[str] = []

    def blocks() -> Iterator[bytes]:
        for text in ("first\n", "second\n", "third"):
            taken.append(text)
            yield text.encode()

    text = to_utf8(blocks(), "-")
    assert (next(text), next(text), taken) == (b"first\n", b"second\n", ["first\n", "second\n"])
