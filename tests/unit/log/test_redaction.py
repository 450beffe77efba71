from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integration.log.redaction import redact
from tests.support.lines import MEBIBYTE

# As the specification writes them, without regard to time.
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_KEY = re.compile(r"(api[_-]?key|authorization|bearer)[=: ]+([^&\s]+)", re.ASCII | re.IGNORECASE)
_SCHEME = re.compile(r"[^A-Za-z0-9]*(bearer|basic|token)[^A-Za-z0-9]*", re.ASCII | re.IGNORECASE)
_WORD = re.compile(r"\s+([^&\s]+)", re.ASCII)
_TEXTS = st.lists(
    st.sampled_from(
        [
            "a",
            "b1",
            "@",
            ".",
            "com",
            "_",
            "%",
            "+",
            "-",
            " ",
            "\t",
            "=",
            ":",
            "&",
            '"',
            "api",
            "_key",
            "Bearer",
            "AUTHORIZATION",
            "basic",
            "Token ",
        ]
    )
    | st.text(max_size=2)
).map("".join)


def plain(line: str) -> str:
    line = _EMAIL.sub("[REDACTED_EMAIL]", line)
    done, at = "", 0
    while match := _KEY.search(line, at):
        end, run = match.end(), match[2]
        while _SCHEME.fullmatch(run) and (word := _WORD.match(line, end)):
            end, run = word.end(), word[1]
        done += f"{line[at : match.start()]}{match[1]}=[REDACTED]"
        at = end
    return done + line[at:]


@pytest.mark.parametrize(
    ("line", "redacted"),
    [
        ("mail bob.smith+x@mail.example.co.uk now", "mail [REDACTED_EMAIL] now"),
        ("a@b.com_x@y.org", "[REDACTED_EMAIL][REDACTED_EMAIL]"),
        ("a@b@c.org a@b.c", "a@[REDACTED_EMAIL] a@b.c"),
        ("api_key=s3cret&x=1", "api_key=[REDACTED]&x=1"),
        ("Api-Key: s3cret x", "Api-Key=[REDACTED] x"),
        ("APIKEY = s3cret", "APIKEY=[REDACTED]"),
        ("Authorization: Bearer abc", "Authorization=[REDACTED]"),
        ("Authorization: Bearer abc def", "Authorization=[REDACTED] def"),
        ("authorization=BASIC dXNlcjpwYXNz x", "authorization=[REDACTED] x"),
        ("Api-Key: token\ts3cret x", "Api-Key=[REDACTED] x"),
        ('Authorization: "Basic abc" x', "Authorization=[REDACTED] x"),
        ("map[Authorization:[Bearer abc] X:1]", "map[Authorization=[REDACTED] X:1]"),
        ("bearer token abc d", "bearer=[REDACTED] d"),
        ("Authorization: Digest abc", "Authorization=[REDACTED] abc"),
        ("Authorization: Bearer", "Authorization=[REDACTED]"),
        ("Authorization: Bearer ", "Authorization=[REDACTED] "),
        ("Authorization: Bearerabc d", "Authorization=[REDACTED] d"),
        ("bearer ====", "bearer=[REDACTED]"),
        ("bearer =", "bearer=[REDACTED]"),
        ("bearer  ", "bearer  "),
        ("api__key=x", "api__key=x"),
        ("api_\u212aey=x \u017fecret bearer\u00a0x", "api_\u212aey=x \u017fecret bearer\u00a0x"),
        ("authorization=bob@example.com rest", "authorization=[REDACTED] rest"),
        ("", ""),
    ],
)
def test_redact(line: str, redacted: str) -> None:
    assert redact(line) == redacted


@given(_TEXTS)
@example("a@b.com_x@y.org%z@w.net")
def test_redact_is_the_specified_expressions(line: str) -> None:
    assert redact(line) == plain(line)


@given(_TEXTS)
def test_redact_twice_is_redact_once(line: str) -> None:
    assert redact(redact(line)) == redact(line)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["a", "@", "a@", "a.", "a@b.c1", "a@b.com_", "bearer ", "bearer =", "=", " ", "apikey"])
def test_redact_takes_linear_time(piece: str) -> None:
    line = "bearer x@" + piece * (MEBIBYTE // len(piece)) + "@"
    assert redact(line).startswith("bearer=[REDACTED]")
