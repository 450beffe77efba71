"""Globs taken apart: the pieces say what `fnmatch` says."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integration.detection.globs import Piece, Star, pieces
from integration.detection.patterns import OneOf

globs = st.text(st.sampled_from("abz*?[]!-^\\.&|~{é\n"), max_size=10)
hosts = st.text(st.sampled_from("abz*?[]!-^\\.&|~{é\nẞ😀"), max_size=6)


def says(piece: Piece) -> str:
    """A piece as a regular expression of Python."""
    match piece:
        case str():
            return re.escape(piece)
        case Star():
            return ".*"
        case OneOf(ranges, negated):
            inside = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges)
            return f"[{'^' if negated else ''}{inside}]" if inside else ("." if negated else "(?!)")


@given(globs, hosts)
@settings(max_examples=500)
@example("[z-a!b]", "b")
@example("[]a]", "]")
@example("[!]a]", "]")
@example("[!", "[!")
@example("*\n?", "a\n😀")
def test_the_pieces_match_what_fnmatch_does(glob: str, host: str) -> None:
    assert (re.fullmatch("".join(map(says, pieces(glob))), host, re.DOTALL) is not None) == fnmatchcase(host, glob)


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("lab-*", ["lab-", Star()]),
        ("**?", [Star(), OneOf((), negated=True)]),
        ("[!a-cx]", [OneOf((("a", "c"), ("x", "x")), negated=True)]),
        ("[z-a]", [OneOf((), negated=False)]),
        ("gpu[1", ["gpu", "[1"]),
        ("[ab][", [OneOf((("a", "b"),), negated=False), "["]),
    ],
)
def test_pieces(glob: str, expected: list[Piece]) -> None:
    assert list(pieces(glob)) == expected
