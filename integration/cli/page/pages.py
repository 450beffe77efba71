"""The pages of `detect scan` and `detect backtest`, written to standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo

from integration.cli.backtest_output import Answer
from integration.cli.output import progress
from integration.cli.page.content import MAX_CHARACTERS, MAX_FINDINGS, FindingRow, LinesOf, Page, PageTable, row_of
from integration.cli.page.document import page_text
from integration.cli.sums_tables import SumsTables, cut
from integration.commands.backtest import Sums
from integration.detection.model import Rule
from integration.findings.finding import Finding
from integration.findings.most_severe import most_severe

_TOP = 10
_MOST_NAMED = 5
EXPLAIN, EXPLAIN_FILES = "detect explain --finding", "detect explain FILE... --finding"
"""What shows all lines of a finding when its id stands behind it: on the cluster, and in the files that were read."""
_MAX_NAME = 200


def print_scan(
    findings: Iterable[Finding], lines_of: LinesOf, rules: Sequence[Rule], zone: tzinfo, source: str, notes: Callable[[], list[str]]
) -> int:
    """Write the page of a scan, and return the count of all findings; the notes are asked for when all have gone by."""
    sums = Sums(zone)
    rows = _rows(sums.counted(findings), lines_of)
    sums_tables = SumsTables([("findings", sums)], None, _TOP)
    tables = [PageTable.of(table) for table in sums_tables]
    others = "--format json and csv write all of them."
    page = Page("scan", source, sums, rules, zone, _TOP, rows, others, EXPLAIN_FILES, [*notes(), *sums_tables.notes()], tables)
    _print(page)
    return page.total


def print_backtest(
    answer: Answer,
    findings: Iterable[Finding],
    lines_of: LinesOf,
    rules: Sequence[Rule],
    zone: tzinfo,
    source: str,
    explain: str,
    notes: list[str],
) -> None:
    """Write the page of a backtest: charts and findings are those of the last way to judge."""
    *before, judge = answer.judges
    rows = _rows(findings, lines_of)
    tables = [PageTable.of(table) for table in (*answer.tables(), *answer.suggestion_tables())]
    compared = [f"Charts and findings are those of {judge.name}; the counts compare it with {each.name}." for each in before]
    others = "Ask for a shorter time or for one rule to see them."
    told = [*notes, *answer.notes(), *compared]
    _print(Page("backtest", source, judge.sums, rules, zone, answer.top, rows, others, explain, told, tables))


def source_of(names: Sequence[str]) -> str:
    """Return what was read, in words: the first of its names, and how many more there are."""
    shown = ", ".join(cut(name, _MAX_NAME) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _rows(findings: Iterable[Finding], lines_of: LinesOf) -> list[FindingRow]:
    """Return the most severe findings, the most severe first, each with the lines behind it."""
    kept, _ = most_severe(findings, MAX_FINDINGS, MAX_CHARACTERS)
    kept.sort(key=lambda finding: -finding.severity)  # those of one severity stay in their order in time
    rows = []
    with progress("Lines", len(kept)) as advance:
        for finding in kept:
            rows.append(row_of(finding, lines_of(finding)))
            advance(1)
    return rows


def _print(page: Page) -> None:
    sys.stdout.write(page_text(page))
