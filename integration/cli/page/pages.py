"""The pages of `detect scan` and `detect backtest`: the sums, the charts, and the findings with a few of the lines behind each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any

from integration.cli.backtest_output import Answer, SumsTables
from integration.cli.findings_table import shown_window
from integration.cli.output import progress
from integration.cli.page.charts import Chart, charts_of
from integration.cli.page.document import page_text
from integration.commands.backtest import Sums
from integration.detection.model import Rule
from integration.findings.escaping import cut
from integration.findings.finding import Finding
from integration.findings.lines import FirstLines
from integration.findings.most_severe import most_severe
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
_MAX_SOURCE = 200
_TOP = 10
_MOST_NAMED = 5
EXPLAIN, EXPLAIN_FILES = "detect explain --finding", "detect explain FILE... --finding"
"""What shows all lines of a finding when its id stands behind it: on the cluster, and in the files that were read."""

LinesOf = Callable[[Finding], FirstLines]
"""Returns the first lines behind a finding."""


def print_scan(
    findings: Iterable[Finding], lines_of: LinesOf, rules: Sequence[Rule], zone: tzinfo, source: str, notes: Callable[[], list[str]]
) -> int:
    """Write the page of a scan, and return the count of all findings; the notes are asked for when all have gone by."""
    sums = Sums(zone)
    rows = _rows(sums.counted(findings), lines_of)
    tables = SumsTables([("findings", sums)], None, _TOP)
    _print(
        charts_of(sums, rules, _TOP, str(zone)),
        sums,
        rows,
        verb="scan",
        source=source,
        tables=list(tables),
        notes=[*notes(), *tables.notes()],
        others="--format json and csv write all of them.",
        explain=EXPLAIN_FILES,
    )
    return sums.severities.total()


def print_backtest(
    answer: Answer,
    findings: Iterable[Finding],
    lines_of: LinesOf,
    rules: Sequence[Rule],
    source: str,
    explain: str,
    notes: list[str],
) -> None:
    """Write the page of a backtest: charts and findings are those of the last way to judge."""
    *before, judge = answer.judges
    compared = [f"Charts and findings are those of {judge.name}; the counts compare it with {each.name}." for each in before]
    _print(
        charts_of(judge.sums, rules, answer.top, str(judge.sums.zone)),
        judge.sums,
        _rows(findings, lines_of),
        verb="backtest",
        source=source,
        tables=[*answer.tables, *answer.suggestion_tables()],
        notes=[*notes, *answer.notes(), *compared],
        others="Ask for a shorter time or for one rule to see them.",
        explain=explain,
    )


def source_of(names: Sequence[str]) -> str:
    """Return what was read, in words: the first of its names, and how many more there are."""
    shown = ", ".join(cut(name, _MAX_SOURCE) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _print(charts: Sequence[Chart], sums: Sums, rows: Sequence[dict[str, Any]], **said: Any) -> None:
    """Write a page of which `sums` count all findings and `rows` are shown.

    `others` says where the others are, `explain` is the command that shows all lines of a finding once its id stands behind it, and
    `notes` are what a reader must know.
    """
    severities = [(str(level), sums.severities[level]) for level in sorted(sums.severities, reverse=True)]
    page = {"total": sums.severities.total(), "severities": severities, "rows": rows} | said
    sys.stdout.write(page_text(charts, page))


def _rows(findings: Iterable[Finding], lines_of: LinesOf) -> list[dict[str, Any]]:
    """Return the most severe findings, the most severe first, each with the lines behind it; every text is cut."""
    kept, _ = most_severe(findings, MAX_FINDINGS, MAX_CHARACTERS)
    kept.sort(key=lambda finding: -finding.severity)  # those of one severity stay in their order in time
    rows = []
    with progress("Lines", len(kept)) as advance:
        for finding in kept:
            rows.append(_row_of(finding, lines_of(finding)))
            advance(1)
    return rows


def _row_of(finding: Finding, lines: FirstLines) -> dict[str, Any]:
    shown = [(rfc3339(line.time, millis=True), line._replace(place=cut(line.place, _MAX_PLACE))) for line in lines.shown]
    return {
        "id": finding.id,
        "severity": str(finding.severity),
        "window": shown_window(finding),
        "host": cut(finding.host, _MAX_NAME),
        "rule": finding.rule_id,
        "labels": finding.labels,
        "message": cut(finding.risk_message, _MAX_MESSAGE),
        "columns": list(_columns(finding)),
        "lines": shown,
        "lines_left_out": lines.left_out,
    }


def _columns(finding: Finding) -> Iterator[dict[str, Any]]:
    """Yield the columns of the finding's rule that say something: the values that are shown, and how many more there are."""
    record, beyond = finding.to_json(), dict(finding.truncated)
    for name in (*finding.rule.columns, "attack_type", "risk_score"):
        values = record[name] if isinstance(record[name], list) else [str(record[name])]
        if values:
            shown = [cut(value, _MAX_VALUE) for value in values[:_MAX_VALUES]]
            yield {"name": name, "shown": shown, "left_out": len(values) - len(shown) + beyond.get(name, 0)}
