"""Texts inside ES|QL: string literals, LIKE patterns, names of fields and indices."""

from __future__ import annotations

import re

from integration.detection.case import FINAL_AND_PLAIN_SIGMA

_PLAIN_NAME = re.compile(r"@?[A-Za-z_][A-Za-z0-9_]*(?:\.@?[A-Za-z_][A-Za-z0-9_]*)*")
_PLAIN_INDEX = re.compile(r"[a-z0-9.*][a-z0-9_.*-]*(?:,[a-z0-9.*][a-z0-9_.*-]*)*")
_IN_LITERAL = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def literal(text: str) -> str:
    """Return `text` as a string literal; nothing in it can end the literal."""
    return '"' + "".join(_IN_LITERAL.get(character, character) for character in text) + '"'


def holding(text: str) -> str:
    """Return the LIKE pattern, as a literal, that matches what holds `text`: its `*`, `?` and backslashes stand for themselves."""
    escaped = re.sub(r"[\\*?]", r"\\\g<0>", text)
    return literal(f"*{escaped}*")


def wildcards(pattern: str) -> str:
    """Return a pattern of `*` and `?` as a LIKE pattern in a literal; its backslashes stand for themselves."""
    return literal(pattern.replace("\\", "\\\\"))


def field(name: str) -> str:
    """Return a field's name as a query refers to it, quoted where it must be."""
    return name if _PLAIN_NAME.fullmatch(name) else f"`{name.replace('`', '``')}`"


def index(name: str) -> str:
    """Return an index, data stream or pattern as FROM takes it."""
    return name if _PLAIN_INDEX.fullmatch(name) else literal(name)


def folded(text: str) -> str:
    """Return the expression for `case.fold` of a text.

    Never compare TO_LOWER itself: Elasticsearch then looks at the text as it is, and tells the case of letters beyond ASCII.
    """
    sigmas = ", ".join(map(literal, FINAL_AND_PLAIN_SIGMA))
    return f"REPLACE(TO_LOWER({text}), {sigmas})"
