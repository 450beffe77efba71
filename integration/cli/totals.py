"""How many findings there are by severity, day, rule and host: what stands above the rows of many, in a line each."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from rich.cells import cell_len

from integration.cli.sums_tables import cut
from integration.detection.severity import Severity
from integration.findings.escaping import escaped
from integration.findings.finding import Finding
from integration.findings.severity_counts import SeverityCounts
from integration.times import rfc3339

_DAY = "day (UTC)"
_FEW = 3
_MOST_SHOWN = 14
_MAX_NAME = 60
_PLAIN = re.compile(r"[\w.:%-]+")
_BETWEEN = 2
"""The blanks between the name of a line and what it says."""

Counted = list[tuple[str, Counter[Severity]]]
"""Names in their order, with the findings of each."""


class Totals:
    """Counts findings as they go by.

    Of very many days or hosts the first are counted each, and all others together.
    """

    def __init__(self) -> None:
        self._days, self._rules, self._hosts = SeverityCounts(), SeverityCounts(), SeverityCounts()
        self._severities: Counter[Severity] = Counter()
        self._windows: set[int] = set()

    def counted(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings, each counted."""
        for finding in findings:
            self._days.add(rfc3339(finding.window_start, millis=False)[:10], finding.severity)
            self._rules.add(finding.rule_id, finding.severity)
            self._hosts.add(finding.host, finding.severity)
            self._severities[finding.severity] += 1
            if len(self._windows) < 2:
                self._windows.add(finding.window_start)
            yield finding

    def lines(self, width: int | None) -> dict[str, str]:
        """Return what is said by severity, day, rule and host, nothing of few findings or those of one window.

        Each names as many days and hosts as a line of the width holds, and one more rather than call it `others`. Without a width
        each day and host that was counted has a line of its own.
        """
        if len(self._windows) < 2 or self._severities.total() <= _FEW:
            return {}
        by = {_DAY: self._by_day(), "host": sorted(self._hosts.items(), key=_worst_first)}
        if len(self._rules) > 1:
            by["rule"] = sorted(self._rules.items())
        beyond = {_DAY: self._days.beyond, "host": self._hosts.beyond}
        room = None if width is None else width - len(_DAY) - _BETWEEN
        said = {"severity": ", ".join(f"{self._severities[level]:,} {level}" for level in sorted(self._severities, reverse=True))}
        return said | {name: _said(counted, beyond.get(name, Counter()), room) for name, counted in by.items()}

    def _by_day(self) -> Counted:
        """Return the days, the last one first, without their year where all have the same: it stands above the windows."""
        begins = len("YYYY-") if len({day[:4] for day in self._days}) == 1 else 0
        return [(day[begins:], counts) for day, counts in sorted(self._days.items(), reverse=True)]


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
