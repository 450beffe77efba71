"""How many findings there are by day, by rule and by host, and how severe: what stands above the rows of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from rich.text import Text

from integration.detection.severity import Severity
from integration.findings.finding import Finding
from integration.findings.severity_counts import SeverityCounts
from integration.times import rfc3339

_FEW = 3
_MOST_DAYS = 14
_MOST_HOSTS = 10
Table = tuple[list[str], list[list[str | Text]]]
"""The columns and the rows of a table."""


class Totals:
    """Counts findings as they go by.

    Of very many days or hosts the first are counted each, and all others together.
    """

    def __init__(self) -> None:
        self._counts = {name: SeverityCounts() for name in ("day (UTC)", "rule", "host")}
        self._severities: Counter[Severity] = Counter()
        self._windows: set[int] = set()

    def counted(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings, each counted."""
        for finding in findings:
            day = rfc3339(finding.window_start, millis=False)[:10]
            for name, key in zip(self._counts, (day, finding.rule_id, finding.host), strict=True):
                self._counts[name].add(key, finding.severity)
            self._severities[finding.severity] += 1
            if len(self._windows) < 2:
                self._windows.add(finding.window_start)
            yield finding

    def tables(self, *, whole: bool) -> Iterator[Table]:
        """Yield the tables, none for few findings or those of one window; `whole` ones have a row for each key that was counted."""
        if len(self._windows) < 2 or self._severities.total() <= _FEW:
            return
        days, rules, hosts = self._counts
        yield self._table(days, sorted(self._counts[days], reverse=True), None if whole else _MOST_DAYS)
        if len(self._counts[rules]) > 1:
            yield self._table(rules, sorted(self._counts[rules]), None)
        yield self._table(hosts, self._worst_first(self._counts[hosts]), None if whole else _MOST_HOSTS)

    @staticmethod
    def _worst_first(counts: dict[str, Counter[Severity]]) -> list[str]:
        return sorted(counts, key=lambda key: ([-counts[key][level] for level in sorted(Severity, reverse=True)], key))

    def _table(self, name: str, keys: Sequence[str], most: int | None) -> Table:
        levels = sorted(self._severities, reverse=True)
        counts = self._counts[name]
        beyond = Counter(counts.beyond)
        shown = list(islice(keys, most))
        for key in keys[len(shown) :]:
            beyond += counts[key]
        rows = [self._row(key, counts[key], levels) for key in shown]
        if beyond:
            rows.append(self._row("all others", beyond, levels))
        return [name, "findings", *map(str, levels)], rows

    @staticmethod
    def _row(key: str, counts: Counter[Severity], levels: Sequence[Severity]) -> list[str | Text]:
        return [key, f"{counts.total():,}", *(f"{counts[level]:,}" if counts[level] else "" for level in levels)]
