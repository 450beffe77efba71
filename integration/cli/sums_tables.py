"""Tables of how many findings there are by severity, rule, day, hour, host and value, with several ways to judge side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.text import Text

from integration.commands.backtest import Span, Sums
from integration.detection.severity import Severity
from integration.findings.escaping import cut
from integration.findings.severity_counts import MAX_KEYS, top_keys

_MAX_VALUE = 120
_IN_ORDER = ("day", "hour")
Counts = Mapping[str, Counter[Severity]]


class ShownTable(NamedTuple):
    """A table: its columns, its rows, and which columns hold texts of logs."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | Text]]
    of_logs: Sequence[str] = ()


@dataclass(frozen=True)
class SumsTables:
    """The sums of each way to judge, by its name, in a span; of hosts and values the `top` ones are shown."""

    sums: Sequence[tuple[str, Sums]]
    span: Span | None
    top: int

    def __iter__(self) -> Iterator[ShownTable]:
        """Yield the table of severities, and one for each thing that findings are counted by."""
        yield self._severities()
        if any(sums.severities for _, sums in self.sums):
            for name, counts in self._counted():
                if (table := self._table(name, counts)) is not None:
                    yield table

    def notes(self) -> Iterator[str]:
        """Yield what the tables leave out."""
        for judge, sums in self.sums:
            for name, count in sums.beyond.items():
                yield f"{name}: {count:,} more findings of others than the first {MAX_KEYS:,} ({judge})."

    def a_week(self, sums: Sums) -> float | None:
        """Return how many findings there are in a week, None where the span cannot tell."""
        return None if self.span is None else self.span.a_week(sums.severities.total())

    def keys(self, name: str, counts: Counts) -> list[str]:
        """Return the keys to show: days and hours all and in order, of others those with the most findings."""
        return sorted(counts) if name in _IN_ORDER else top_keys(counts, self.top)

    def _counted(self) -> Iterator[tuple[str, list[Counts]]]:
        """Yield each thing that findings are counted by, with the counts of each judge."""
        sums = [each for _, each in self.sums]
        for name in sums[0].by:
            yield name, [each.by[name] for each in sums]
        for name in dict.fromkeys(name for each in sums for name in each.values):
            yield name, [each.values.get(name, {}) for each in sums]

    def _severities(self) -> ShownTable:
        severities = [sums.severities for _, sums in self.sums]
        levels = sorted({level for each in severities for level in each}, reverse=True)
        rows = [[str(level), *(f"{each[level]:,}" for each in severities)] for level in levels]
        rows.append(["all", *(f"{each.total():,}" for each in severities)])
        if None not in (rates := [self.a_week(sums) for _, sums in self.sums]):
            rows.append(["a week", *(f"{rate:,}" for rate in rates)])
        return ShownTable(["severity", *self._headers()], rows)

    def _headers(self) -> list[str]:
        return ["findings"] if len(self.sums) == 1 else [name for name, _ in self.sums]

    def _table(self, name: str, counts: Sequence[Counts]) -> ShownTable | None:
        keys = self.keys(name, counts[0]) or self.keys(name, counts[-1])
        if not keys or (name == "rule" and len(keys) == 1):
            return None
        levels = sorted(self.sums[0][1].severities, reverse=True) if len(counts) == 1 else []
        rows = [
            [
                cut(key, _MAX_VALUE),
                *(f"{each.get(key, Counter()).total():,}" for each in counts),
                *(f"{counts[0][key][level]:,}" if counts[0][key][level] else "" for level in levels),
            ]
            for key in keys
        ]
        zone = str(self.sums[0][1].zone)
        header = f"{name} ({zone})" if name in _IN_ORDER and zone != "UTC" else name
        return ShownTable([header, *self._headers(), *map(str, levels)], rows, of_logs=[header])
