from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.log.slog import attributes, unescape

_BARE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters='"=\\'), min_size=1)


def go_quote(text: str) -> str:
    """As strconv.Quote writes a valid string."""
    short = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}

    def escaped(character: str) -> str:
        code = ord(character)
        if character in short:
            return short[character]
        if character.isprintable():
            return character
        return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

    return f'"{"".join(map(escaped, text))}"'


@given(st.text())
def test_unescape_undoes_gos_quote(text: str) -> None:
    assert unescape(go_quote(text)[1:-1]) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (r"a\"b\\c", 'a"b\\c'),
        (r"\x00\x7f", "\x00\x7f"),
        (r"\x80\xff", "\ufffd\ufffd"),
        (r"\u00e9\U0001f600", "é😀"),
        (r"\ud800\udc00", "\ufffd\ufffd"),
        (r"\U00110000\Uffffffff", "\ufffd\ufffd"),
        (r"\[ \q \' \0", r"\[ \q \' \0"),
        (r"\x4 \u00e \U0001f60", r"\x4 \u00e \U0001f60"),
        (r"\x\\n", "\\x\\n"),
        ("\\", "\\"),
        ("\\x\u0664\u0661", "\\x\u0664\u0661"),
    ],
)
def test_unescape(text: str, meant: str) -> None:
    assert unescape(text) == meant


@given(st.lists(st.tuples(_BARE, st.text() | _BARE), unique_by=lambda pair: pair[0]))
def test_attributes_undo_gos_handler(pairs: list[tuple[str, str]]) -> None:
    texts = [f"{key}={go_quote(value)}" for key, value in pairs]
    assert attributes(" ".join(["level=INFO", *texts])) == {"level": "INFO"} | {k: v for k, v in pairs if k != "level"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("level=INFO msg=a error=b", {"level": "INFO", "msg": "a", "error": "b"}),
        ("level=INFO msg=a=b c=", {"level": "INFO", "msg": "a=b", "c": ""}),
        ('level=INFO "a key"="x y" msg=m', {"level": "INFO", "msg": "m"}),
        ('level=INFO "msg"="no" msg=yes', {"level": "INFO", "msg": "yes"}),
        ("level=INFO msg=one msg=two", {"level": "INFO", "msg": "one"}),
        ('level=INFO msg="x\\" error=\\"y" error=z', {"level": "INFO", "msg": 'x" error="y', "error": "z"}),
        ('level=INFO msg="open', {"level": "INFO"}),
        ('level=INFO msg="a"b c=d', {"level": "INFO"}),
        ('level=INFO msg=a"b c=d', {"level": "INFO"}),
        ("level=INFO  msg=a", {"level": "INFO"}),
        ("level=INFO msg=a\tc=d", {"level": "INFO"}),
        ('level=INFO msg="a\tb" c=d', {"level": "INFO"}),
        ("level=INFO nothing c=d", {"level": "INFO"}),
        ("level=INFO =x c=d", {"level": "INFO"}),
        ("level=INFO path=C:\\new\\x msg=m", {"level": "INFO", "path": "C:\\new\\x", "msg": "m"}),
        ("level=INFO msg=a\u00a0b", {"level": "INFO", "msg": "a\u00a0b"}),
        ("time=x level=INFO", {"time": "x", "level": "INFO"}),
        (" level=INFO", {}),
        ("msg=a level=INFO", {}),
        ("", {}),
    ],
)
def test_attributes(line: str, found: dict[str, str]) -> None:
    assert attributes(line) == found
