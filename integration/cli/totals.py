"""How many findings there are by severity, day, rule and host: what stands above the rows of many, in a line each."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

from rich.cells import cell_len

from integration.commands.backtest import Sums
from integration.detection.severity import Severity
from integration.findings.escaping import cut, escaped
from integration.findings.severity_counts import SeverityCounts, in_words

_DAY = "day (UTC)"
_FEW = 3
_MOST_SHOWN = 14
_MAX_NAME = 60
_PLAIN = re.compile(r"[\w.:%-]+")
_BETWEEN = 2
"""The blanks between the name of a line and what it says."""

Counted = list[tuple[str, Counter[Severity]]]
"""Names in their order, with the findings of each."""


def totals_of(sums: Sums, width: int | None) -> dict[str, str]:
    """Return what is said by severity, day, rule and host, nothing of few findings or those of one hour.

    Each names as many days and hosts as a line of the width holds, and one more rather than call it `others`. Without a width each
    day and host that was counted has a line of its own.
    """
    if len(sums.hours) < 2 or sums.severities.total() <= _FEW:
        return {}
    days, hosts, rules = (sums.by[name] for name in ("day", "host", "rule"))
    room = None if width is None else width - len(_DAY) - _BETWEEN
    said = {
        "severity": in_words(sums.severities),
        _DAY: _said(_by_day(days), days.beyond, room),
        "host": _said(sorted(hosts.items(), key=_worst_first), hosts.beyond, room),
    }
    return said | ({"rule": _said(sorted(rules.items()), rules.beyond, room)} if len(rules) > 1 else {})


def _by_day(days: SeverityCounts) -> Counted:
    """Return the days, the last one first, without their year where all have the same: it stands above the windows."""
    begins = len("YYYY-") if len({day[:4] for day in days}) == 1 else 0
    return [(day[begins:], counts) for day, counts in sorted(days.items(), reverse=True)]


def _worst_first(counted: tuple[str, Counter[Severity]]) -> tuple[list[int], str]:
    name, counts = counted
    return [-counts[level] for level in sorted(Severity, reverse=True)], name


def _said(counted: Counted, beyond: Counter[Severity], room: int | None) -> str:
    """Return the counts of each name, of as many as there is room for, and those of all others together."""
    if room is None:
        return "\n".join(_entries(counted, beyond, len(counted)))
    shown = min(len(counted), _MOST_SHOWN)
    while shown > 1 and cell_len(", ".join(_entries(counted, beyond, shown))) > room:
        shown -= 1
    if shown == len(counted) - 1 and not beyond:
        shown += 1  # one name says more than `others`, and takes as much room
    return ", ".join(_entries(counted, beyond, shown))


def _entries(counted: Counted, beyond: Counter[Severity], shown: int) -> Iterator[str]:
    for name, counts in counted[:shown]:
        yield f"{_named(name)}: {_told(counts)}"
    others = sum((counts for _, counts in counted[shown:]), Counter(beyond))
    if others:
        yield f"others: {_told(others)}"


def _told(counts: Counter[Severity]) -> str:
    """Return how many findings there are, and how many of them have the highest severity among them."""
    worst = max(counts)
    return f"{counts[worst]:,} {worst}" if counts[worst] == counts.total() else f"{counts.total():,} ({counts[worst]:,} {worst})"


def _named(name: str) -> str:
    """Return a name, in quotes where it has other characters than a host's: it could read as the count of another host."""
    shown = cut(escaped(name), _MAX_NAME)
    return shown if _PLAIN.fullmatch(shown) else json.dumps(shown, ensure_ascii=False)
