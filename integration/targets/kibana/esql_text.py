"""Texts of a rule inside ES|QL: string literals, LIKE and RLIKE patterns, names of fields."""

from __future__ import annotations

import re

from integration.detection import patterns
from integration.detection.case import FINAL_AND_PLAIN_SIGMA
from integration.detection.patterns import AnyOf, InOrder, OneOf, Pattern, Repeated

_PLAIN_NAME = re.compile(r"@?[A-Za-z_][A-Za-z0-9_]*(?:\.@?[A-Za-z_][A-Za-z0-9_]*)*")
_PLAIN_INDEX = re.compile(r"[a-z0-9.*][a-z0-9_.*-]*(?:,[a-z0-9.*][a-z0-9_.*-]*)*")
_IN_LITERAL = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Lucene's regular expressions know operators that others do not: # @ & < > ~ "
_LUCENE_SPECIAL = frozenset('.*+?|()[]{}\\"#@&<>~^$-')
_WORK = 20_000
"""As `patterns.is_simple` counts it; a fifth of what Lucene takes on for one pattern."""


def literal(text: str) -> str:
    """Give `text` as a string literal; nothing in it can end the literal."""
    return '"' + "".join(_IN_LITERAL.get(character, character) for character in text) + '"'


def holding(text: str) -> str:
    """Give the LIKE pattern, as a literal, that matches what holds `text`: its `*`, `?` and backslashes stand for themselves.

    `ValueError` for one that Lucene might not be able to run.
    """
    _refuse_too_much(patterns.holding(patterns.literal(text)))
    escaped = re.sub(r"[\\*?]", r"\\\g<0>", text)
    return literal(f"*{escaped}*")


def ignoring_ascii_case(text: str) -> str:
    """Give the RLIKE pattern, as a literal, that matches `text` in any case of its ASCII letters and no other letter."""
    return literal(
        "".join(f"[{c.upper()}{c.lower()}]" if c.isascii() and c.isalpha() else _escaped(c) for c in text),
    )


def field(name: str) -> str:
    """Give a field's name as a query refers to it, quoted where it must be."""
    return name if _PLAIN_NAME.fullmatch(name) else f"`{name.replace('`', '``')}`"


def index(name: str) -> str:
    """Give an index, data stream or pattern as FROM takes it."""
    return name if _PLAIN_INDEX.fullmatch(name) else literal(name)


def folded(text: str) -> str:
    """Give the expression for `case.fold` of a text.

    Never compare TO_LOWER itself: Elasticsearch then looks at the text as it is, and tells the case of letters beyond ASCII.
    """
    sigmas = ", ".join(map(literal, FINAL_AND_PLAIN_SIGMA))
    return f"REPLACE(TO_LOWER({text}), {sigmas})"


def rlike(pattern: Pattern) -> str:
    """Give the RLIKE pattern, as a literal, that matches the whole of what a pattern matches.

    `ValueError` for one that Lucene might not be able to run.
    """
    _refuse_too_much(pattern)
    return literal(_written(pattern))


def _refuse_too_much(pattern: Pattern) -> None:
    if not patterns.is_simple(pattern, _WORK):
        raise ValueError("is too much for the patterns of ES|QL, since it repeats itself or can be found in too many ways")


def _written(pattern: Pattern) -> str:
    match pattern:
        case OneOf((), negated):
            return "." if negated else "#"  # anything, and Lucene's sign for nothing at all
        case OneOf(((low, high),), False) if low == high:
            return _escaped(low)
        case OneOf(ranges, negated):
            inside = "".join(f"{_escaped(low)}-{_escaped(high)}" for low, high in ranges)
            return f"[{'^' if negated else ''}{inside}]"
        case InOrder(()):
            return "()"
        case InOrder(parts):
            return "".join(f"({_written(part)})" if isinstance(part, InOrder | AnyOf) else _written(part) for part in parts)
        case AnyOf(parts):
            return "|".join(map(_written, parts))
        case Repeated(part, least, most):
            inside = _written(part)
            return f"{inside if isinstance(part, OneOf) else f'({inside})'}{_often(least, most)}"


def _often(least: int, most: int | None) -> str:
    if (least, most) == (0, None):
        return "*"
    return f"{{{least},{'' if most is None else most}}}"


def _escaped(character: str) -> str:
    return f"\\{character}" if character in _LUCENE_SPECIAL else character
