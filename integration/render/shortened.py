"""Values too long for ES|QL, as Kibana's rules show them: the beginning of each, and a mark that tells it from others."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from integration.detection.columns import LISTS
from integration.findings.finding import Finding

IGNORE_ABOVE = 8191
"""Characters a keyword may have: at four bytes each they stay under Lucene's 32,766 a term. Longer ones are in `_source` only."""
MARK = ("… [", " characters, ", "]")
"""What stands before, between and after the two numbers of a mark: how many characters the whole value has, and its hash."""
DIGITS, HASH_DIGITS = 10, 16
"""How long the two are, the first with leading zeros, the second hexadecimal: so every mark is `MARK_LENGTH` characters long."""
MARK_LENGTH = len("".join(MARK)) + DIGITS + HASH_DIGITS

_MARKED = re.compile(rf"{re.escape(MARK[0])}\d{{{DIGITS}}}{re.escape(MARK[1])}[0-9a-f]{{{HASH_DIGITS}}}{re.escape(MARK[2])}\Z")


def is_shortened(value: str) -> bool:
    """Whether a value looks as if it were shortened; a whole one can be made to."""
    # Its characters are counted as Java does, where some are two.
    return len(value) > IGNORE_ABOVE // 2 and _MARKED.search(value, len(value) - MARK_LENGTH) is not None


def less_shortened(finding: Finding) -> Finding:
    """Give the finding without its shortened values: they count as beyond those that its lists show."""
    beyond = dict(finding.truncated)
    lists: dict[str, Any] = {}
    for name in LISTS:
        lists[name] = tuple(value for value in getattr(finding, name) if not is_shortened(value))
        if left_out := len(getattr(finding, name)) - len(lists[name]):
            beyond[name] = beyond.get(name, 0) + left_out
    return replace(finding, **lists, truncated=tuple(sorted(beyond.items())))
