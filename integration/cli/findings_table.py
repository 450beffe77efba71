"""Findings as tables, which keep to the terminal, and totals of many."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from integration.cli.output import escaped, note
from integration.cli.tables import console, fitted, height, is_bounded, print_table, record, texts
from integration.commands.backtest import Sums
from integration.detection.columns import Kind
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.findings.escaping import cut
from integration.findings.finding import Finding
from integration.findings.most_severe import most_severe
from integration.findings.severity_counts import SeverityCounts, in_words
from integration.times import rfc3339

_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow"}
_TO = " to "
_MAX_CELL = 44
_CELLS_A_LINE = 4  # a cell of a list may take this part of a wide terminal
_MAX_LIST = 3
_ID_CHARACTERS = 12
_NOT_ROWS = 5  # lines of a screen for what stands below a table
# A table is as wide as its widest cell, so that its findings are all held at once: at most so many, with so much text.
_MAX_FINDINGS = 1_000
_MAX_CHARACTERS = 64 << 20
_MAX_ROWS = 1_000
_MAX_ROW_CELL = 1_000
_MAX_FIELD_LISTS = 2

_DAY = "day (UTC)"
_FEW = 3
_MOST_SHOWN = 14
_MAX_NAME = 60
_PLAIN = re.compile(r"[\w.:%-]+")
_BETWEEN = 2
"""The blanks between the name of a line and what it says."""

Counted = list[tuple[str, Counter[Severity]]]
"""Names in their order, with the findings of each."""


def print_some(findings: Iterable[Finding], sums: Sums, max_spl_rows: int | None) -> tuple[int, Iterable[str]]:
    """Write totals, and a table of the most severe findings; on a terminal no more than it shows at once.

    Returns the count of all findings, and the columns that had no room.
    """
    kept, count = most_severe(findings, _MAX_FINDINGS, _MAX_CHARACTERS)
    out = console()
    above = _print_totals(sums, out.width)
    shown = _screenful(kept, above) if sys.stdout.isatty() else kept
    no_room = _print_findings_table(shown, max_spl_rows)
    if left_out := count - len(shown):
        note(f"The table shows the {len(shown):,} most severe; {left_out:,} more: --all shows every one, --format json or csv too.")
    return count, no_room


def print_every(findings: Iterable[Finding], sums: Sums, max_spl_rows: int | None) -> tuple[int, Iterable[str]]:
    """Write every finding, a table after the other, and the totals last; returns what `print_some` does."""
    count = 0
    no_room: dict[str, None] = {}
    remaining = iter(findings)
    while (table := list(islice(remaining, _MAX_FINDINGS))) or not count:
        no_room |= dict.fromkeys(_print_findings_table(table, max_spl_rows))
        count += len(table)
        if not table:
            break
    _print_totals(sums, None)
    return count, no_room


def _print_totals(sums: Sums, width: int | None) -> int:
    """Write the totals, and return how many lines they take."""
    lines = totals_of(sums, width)
    if not lines:
        return 0
    out = console()
    shown = record(list(lines), [Text(line) for line in lines.values()])
    out.print(shown)
    return height(shown, out)


def _screenful(findings: Sequence[Finding], above: int) -> Sequence[Finding]:
    """Return the most severe findings that the terminal shows at once below so many lines, in their order; one at least.

    Of one severity, each rule has its turn.
    """
    out = console()
    room = out.height - _NOT_ROWS - above
    turns = Counter[tuple[str, Severity]]()
    order: list[tuple[int, int, int]] = []
    for i, finding in enumerate(findings):
        order.append((-finding.severity, turns[finding.rule_id, finding.severity], i))
        turns[finding.rule_id, finding.severity] += 1
    by_severity = [i for _, _, i in sorted(order)][: max(room, 1)]
    while len(by_severity) > 1:
        shown = [findings[i] for i in sorted(by_severity)]
        if height(_table_of(shown, out.width)[0], out) <= room:
            return shown
        by_severity.pop()
    return [findings[i] for i in by_severity]


def _print_findings_table(findings: Sequence[Finding], max_spl_rows: int | None) -> list[str]:
    """Write a table, and return the columns that had no room."""
    if not findings:
        print("No findings.")  # noqa: T201
        return []
    out = console()
    table, no_room = _table_of(findings, out.width)
    out.print(table)
    if max_spl_rows is not None:
        _print_spl_rows(findings, max_spl_rows)
    return no_room


def _table_of(findings: Sequence[Finding], width: int) -> tuple[RenderableType, list[str]]:
    """Return a table, or one for each rule where there are several, and the columns that had no room."""
    rules = {finding.rule_id: finding.rule for finding in findings}
    tables: list[RenderableType] = []
    no_room: dict[str, None] = {}
    for rule in rules.values():
        of_rule = [finding for finding in findings if finding.rule_id == rule.id]
        table, left_out = _table_of_rule(rule, of_rule, rule.id if len(rules) > 1 else "", width)
        tables.append(table)
        no_room |= dict.fromkeys(left_out)
    return Group(*tables), list(no_room)


def _table_of_rule(rule: Rule, findings: Sequence[Finding], title: str, width: int) -> tuple[RenderableType, list[str]]:
    kinds = {name: column.kind for name, column in rule.columns.items()}
    numbers = [name for kind in (Kind.EVENTS, Kind.SCORE) for name in rule.numbers if kinds[name] is kind]
    labels = [name for name in rule.lists if name not in rule.field_lists][:1]
    fields = [name for name in list(rule.field_lists)[:_MAX_FIELD_LISTS] if any(finding[name] for finding in findings)]
    limit = max(_MAX_CELL, width // _CELLS_A_LINE) if is_bounded() else _MAX_CELL
    window, windows = _windows(findings)
    rows = []
    for finding, its_window in zip(findings, windows, strict=True):
        beyond = dict(finding.truncated)
        cells: list[str | Text] = [
            finding.id[:_ID_CHARACTERS],
            its_window,
            finding.host,
            Text(str(finding.severity), style=_STYLES.get(finding.severity, "")),
            *(_list_cell(finding[name], beyond.get(name, 0), limit, ", ") for name in labels),
            *(str(finding[name]) for name in numbers),
            *(_list_cell(finding[name], beyond.get(name, 0), limit, "\n") for name in fields),
            f"{finding.spl_row_count:,}",
        ]
        rows.append(cells)
    return fitted(
        ["id", window, "host", "severity", *labels, *numbers, *fields, "SPL rows"],
        [texts(row) for row in rows],
        title,
        width=width,
        # What the host did is the last to go: its labels, else the first of the fields.
        dispensable=("SPL rows", *numbers, *[*labels, *fields][:0:-1]),
        of_logs=fields,
        least={window: max(text.index(_TO) for text in windows)},  # so that a window takes two lines at most
    )


def _windows(findings: Sequence[Finding]) -> tuple[str, list[str]]:
    """Return a header for windows, and each window; a year that all have stands in the header alone."""
    shown = [shown_window(finding) for finding in findings]
    years = {text[: len("YYYY")] for text in shown}
    if len(years) > 1:
        return "window (UTC)", shown
    return f"window of {years.pop()} (UTC)", [text[len("YYYY-") :] for text in shown]


def shown_window(finding: Finding) -> str:
    """Return the window of a finding in UTC, in words."""
    start, end = (rfc3339(time, millis=False)[:16].replace("T", " ") for time in (finding.window_start, finding.window_end))
    return f"{start}{_TO}{end[-5:]}"


def _print_spl_rows(findings: Sequence[Finding], most: int) -> None:
    """Write rows of SPL 14, `most` of each finding, as many as a table shows."""
    count = sum(min(finding.spl_row_count, most) for finding in findings)
    rows = list(islice(chain.from_iterable(finding.spl_rows(most) for finding in findings), _MAX_ROWS))
    cells = [[escaped(str(value), _MAX_ROW_CELL) for value in row.values()] for row in rows]
    print_table(list(rows[0]) if rows else ["count"], cells, "SPL rows")
    if count > len(rows):
        note(f"The table shows the first {len(rows):,} SPL rows of {count:,}: --format json gives all.")


def _list_cell(values: Sequence[str], left_out: int, limit: int, between: str) -> Text:
    shown = [escaped(value, limit) for value in values[:_MAX_LIST]]
    more = len(values) + left_out - len(shown)
    return Text(between.join(shown + [f"+{more:,} more"] * bool(more)))


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
