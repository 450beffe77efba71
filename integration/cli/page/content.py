"""What stands on a page: the sums, the charts, and the findings with a few of the lines behind each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple

from rich.text import Text

from integration.cli.findings_table import shown_window
from integration.cli.page.charts import Chart, charts_of
from integration.cli.sums_tables import ShownTable, cut
from integration.commands.backtest import Sums
from integration.detection.model import Rule
from integration.findings.finding import Finding
from integration.findings.lines import EvidenceLine, FirstLines
from integration.times import rfc3339

MAX_FINDINGS = 500
"""The most findings that a page shows: the most severe."""
MAX_CHARACTERS = 16 << 20
"""The most characters that their lists may hold together."""
MAX_LINES = 10
"""The most lines that are shown of a finding: the first in time."""
MAX_LINE = 1_000
"""The most characters that are shown of a line."""

_MAX_VALUES = 10
_MAX_VALUE = 300
_MAX_NAME = 120
_MAX_MESSAGE = 600
_MAX_PLACE = 200

LinesOf = Callable[[Finding], FirstLines]
"""Returns the first lines behind a finding."""


@dataclass(frozen=True)
class Page:
    """A page: what `verb` found in a `source`; `sums` count all findings, of which `rows` are shown.

    `others` says where the others are, `explain` is the command that shows all lines of a finding once its id stands behind it, and
    `notes` are what a reader must know. Charts are drawn of the `top` hosts and messages; their
    hours are those of `zone`.
    """

    verb: str
    source: str
    sums: Sums
    rules: Sequence[Rule]
    zone: tzinfo
    top: int
    rows: Sequence[FindingRow]
    others: str
    explain: str
    notes: Sequence[str]
    tables: Sequence[PageTable]

    @property
    def total(self) -> int:
        """Return how many findings there are."""
        return self.sums.severities.total()

    @property
    def severities(self) -> list[tuple[str, int]]:
        """Return how many findings there are of each severity, the most severe first."""
        return [(str(level), self.sums.severities[level]) for level in sorted(self.sums.severities, reverse=True)]

    @property
    def charts(self) -> list[Chart]:
        """Return the charts."""
        return charts_of(self.sums, self.rules, self.top, str(self.zone))


@dataclass(frozen=True)
class PageTable:
    """A table of a page; a cell is its lines."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Sequence[str]]]

    @classmethod
    def of(cls, table: ShownTable) -> PageTable:
        """Return a table for a page."""
        rows = [[cell.plain.split("\n") if isinstance(cell, Text) else [cell] for cell in row] for row in table.rows]
        return cls(table.columns, rows)


class Values(NamedTuple):
    """A column of a finding: the values that are shown, and how many more there are."""

    name: str
    shown: Sequence[str]
    left_out: int


@dataclass(frozen=True)
class FindingRow:
    """A finding as a page shows it, with the first lines behind it; every text is cut."""

    id: str
    severity: str
    window: str
    host: str
    rule: str
    labels: Sequence[str]
    message: str
    columns: Sequence[Values]
    lines: Sequence[tuple[str, EvidenceLine]]
    lines_left_out: int


def row_of(finding: Finding, lines: FirstLines) -> FindingRow:
    """Return a finding for a page."""
    return FindingRow(
        finding.id,
        str(finding.severity),
        shown_window(finding),
        cut(finding.host, _MAX_NAME),
        finding.rule_id,
        finding.labels,
        cut(finding.risk_message, _MAX_MESSAGE),
        list(_columns(finding)),
        [(rfc3339(line.time, millis=True), line._replace(place=cut(line.place, _MAX_PLACE))) for line in lines.shown],
        lines.left_out,
    )


def _columns(finding: Finding) -> Iterator[Values]:
    """Yield the columns of the finding's rule that say something."""
    record, beyond = finding.to_json(), dict(finding.truncated)
    for name in (*finding.rule.columns, "attack_type", "risk_score"):
        values = record[name] if isinstance(record[name], list) else [str(record[name])]
        if values:
            shown = [cut(value, _MAX_VALUE) for value in values[:_MAX_VALUES]]
            yield Values(name, shown, len(values) - len(shown) + beyond.get(name, 0))
