"""Regular expressions of rule files: those that Python and Java read alike and can run on a long line."""

from __future__ import annotations

import re
import warnings
from math import prod

# What Python, Java and Painless read alike: no look-around, back-references, flags, possessive or named groups, no `$`.
_NOT_PORTABLE = re.compile(r"\(\?(?!:)|\\[0-9kgGzZAQENpPRUvX]|[*+?}]\+|\$|&&|\[[^\]]*\[|^$")
_STANDS_FOR_ITSELF = re.compile(r"\\\W")
# Where no repetition begins, Python takes a brace for itself, and Java for a mistake; so too a backspace in a set.
_BARE_BRACE = re.compile(r"\{(?!\d+(?:,\d*)?\})")
_BACKSPACE = r"\b"
_MOST_TIMES = 100
_NO_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{\d+,\}|\{(?:\d+,)?(\d+)\})")


def portable(regex: str) -> str:
    """Return the regular expression if Python and Java read it alike and can run it; `ValueError` says why not."""
    plain, meant = _NO_GROUP.sub("x", regex), _STANDS_FOR_ITSELF.sub("x", regex)
    in_sets = (part for part in _NO_GROUP.findall(meant) if part.startswith("["))
    if _NOT_PORTABLE.search(meant) or _BARE_BRACE.search(plain) or any(_BACKSPACE in part for part in in_sets):
        raise ValueError(
            "must be a regular expression that Python and Java read alike (no look-around, back-references, flags, `$`, bare `{`)"
        )
    try:
        with warnings.catch_warnings(action="error", category=FutureWarning):  # of what later Pythons may read otherwise
            re.compile(regex, re.ASCII)
    except (re.error, FutureWarning) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    bounds = [int(found[1] or _MOST_TIMES + 1) for found in _REPEATED_GROUP.finditer(plain)]
    if prod(max(bound, 1) for bound in bounds) > _MOST_TIMES:
        raise ValueError(
            f"repeats a group more than {_MOST_TIMES} times or without a bound: on a long line Java's stack would not do, and the "
            "whole search would fail; repeat single characters or sets, or give a bound as in `(?:...){1,9}`"
        )
    return regex
