"""Results to standard output, everything else to standard error; control characters of logs are escaped for terminals."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import chain, islice
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from integration.cli.options import Format, TabularFormat
from integration.cli.tables import console, fitted, height, is_bounded, record
from integration.cli.totals import Totals
from integration.detection.columns import AFTER, BEFORE, Kind
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.findings.finding import Finding
from integration.times import rfc3339

_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow"}
_DIFF_STYLES = {"---": "bold", "+++": "bold", "@@": "cyan", "-": "red", "+": "green"}
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
# What spreadsheets take for the beginning of a formula, some of them in full width too.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MAX_FIELD_LISTS = 2


def escaped(text: str, limit: int | None = None) -> str:
    """Return a text with control characters and bidi marks as escapes, so that no log line steers a terminal; cut at `limit`."""
    shown = text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


def note(message: str) -> None:
    """Write a message to standard error."""
    print(escaped_lines(message), file=sys.stderr)  # noqa: T201


def escaped_lines(message: str) -> str:
    """Escape each line of a message and keep its line breaks."""
    return "\n".join(escaped(line) for line in message.split("\n"))


def print_json(value: object) -> None:
    """Write one JSON document."""
    print(_json_text(value))  # noqa: T201


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str | Text]], title: str = "", *, lines: bool = False) -> None:
    """Write a table as wide as the terminal, or as wide as it needs in a pipe; markup in cells is text."""
    out = console()
    table, _ = fitted(columns, [_texts(row) for row in rows], title, lines=lines, width=out.width)
    out.print(table)


def _texts(row: Sequence[str | Text]) -> list[Text]:
    return [cell if isinstance(cell, Text) else Text(escaped(cell)) for cell in row]


def print_diff(lines: Iterable[str]) -> None:
    """Write the lines of a unified difference, coloured on a terminal."""
    out = console()
    for line in lines:
        style = next((style for start, style in _DIFF_STYLES.items() if line.startswith(start)), "")
        out.print(Text(escaped(line), style=style), soft_wrap=True)


def print_record(identifier: str, columns: Mapping[str, Any]) -> None:
    """Write one finding whole: a line for each column, and for each value of a list."""
    shown = {"id": identifier} | {name: value for name, value in columns.items() if name != "truncated"}
    cells = [Text("\n".join(map(escaped, map(str, value if isinstance(value, list) else [value])))) for value in shown.values()]
    out = console()
    out.print(record(list(shown), cells))
    for name, count in columns.get("truncated", {}).items():
        note(f"{name} has {count:,} more values than are kept.")


def print_findings(
    findings: Iterable[Finding],
    events: Mapping[str, int],
    form: TabularFormat | Format,
    rules: Sequence[Rule],
    max_spl_rows: int | None = None,
    *,
    every: bool = False,
) -> None:
    """Write findings of the rules in the form asked for, JSON and CSV as they come.

    A table shows a screenful, or with `every` all of them.
    """
    if form.value == "json":
        _print_json(findings, events, max_spl_rows)
    elif form.value == "csv":
        if max_spl_rows is None:
            _print_csv(findings, rules)
        else:
            _print_csv_of_spl_rows(findings, rules, max_spl_rows)
    else:
        totals = Totals()
        count, no_room = (_print_every if every else _print_some)(totals.counted(findings), totals, max_spl_rows)
        if no_room:
            note(f"No room here for: {', '.join(no_room)}. A wider terminal shows them, and --format json.")
        note(f"{count:,} finding{'s' * (count != 1)} from {events['selected']:,} selected of {events['read']:,} events")
        if count and is_bounded():
            note("detect explain --finding ID [FILE]... shows the lines behind one.")


def _print_some(findings: Iterable[Finding], totals: Totals, max_spl_rows: int | None) -> tuple[int, Iterable[str]]:
    """Write totals, and a table of the most severe findings; on a terminal no more than it shows at once.

    Returns the count of all findings, and the columns that had no room.
    """
    kept, count = _most_severe(findings)
    for columns, rows in totals.tables(whole=False):
        print_table(columns, rows)
    shown = _screenful(kept) if sys.stdout.isatty() else kept
    no_room = _print_findings_table(shown, max_spl_rows)
    if left_out := count - len(shown):
        note(f"The table shows the {len(shown):,} most severe; {left_out:,} more: --all shows every one, --format json or csv too.")
    return count, no_room


def _print_every(findings: Iterable[Finding], totals: Totals, max_spl_rows: int | None) -> tuple[int, Iterable[str]]:
    """Write every finding, a table after the other, and the totals last; returns what `_print_some` does."""
    count = 0
    no_room: dict[str, None] = {}
    remaining = iter(findings)
    while (table := list(islice(remaining, _MAX_FINDINGS))) or not count:
        no_room |= dict.fromkeys(_print_findings_table(table, max_spl_rows))
        count += len(table)
        if not table:
            break
    for columns, rows in totals.tables(whole=True):
        print_table(columns, rows)
    return count, no_room


def _screenful(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the most severe findings that the terminal shows at once, in their order; one at least."""
    out = console()
    room = out.height - _NOT_ROWS
    by_severity = sorted(range(len(findings)), key=lambda i: -findings[i].severity)[: max(room, 1)]
    while len(by_severity) > 1:
        shown = [findings[i] for i in sorted(by_severity)]
        if height(_table_of(shown, out.width)[0], out) <= room:
            return shown
        by_severity.pop()
    return [findings[i] for i in by_severity]


def _print_json(findings: Iterable[Finding], events: Mapping[str, int], max_spl_rows: int | None) -> None:
    """Write what `print_json` would write of all findings and the counts, one finding, and of that one row, at a time."""
    sys.stdout.write('{\n  "findings": ')
    for piece in _json_list(_json_finding(finding, max_spl_rows) for finding in findings):
        sys.stdout.write(piece)
    print(_json_text({"events": dict(events)}).replace("{", ",", 1))  # noqa: T201


def _json_finding(finding: Finding, max_spl_rows: int | None) -> Iterator[str]:
    text = _json_text({"id": finding.id} | finding.to_json())
    if max_spl_rows is None:
        yield text
        return
    yield text.removesuffix("\n}") + ',\n  "spl_rows": '
    yield from _json_list([_json_text(row)] for row in finding.spl_rows(max_spl_rows))
    yield "\n}"


def _json_list(items: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the JSON text of a list inside an object; each item comes in pieces."""
    between = "["
    for pieces in items:
        yield f"{between}\n    "
        yield from (piece.replace("\n", "\n    ") for piece in pieces)
        between = ","
    yield "[]" if between == "[" else "\n  ]"


def _json_text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True)  # escaped, so that a terminal shows it as it is


def _most_severe(findings: Iterable[Finding]) -> tuple[list[Finding], int]:
    """Return the findings that a table shows, in their order, and the count of all; of equally severe ones the first are shown."""
    heap: list[tuple[Severity, int, Finding]] = []
    count = characters = 0
    for count, finding in enumerate(findings, 1):
        heappush(heap, (finding.severity, -count, finding))
        characters += finding.characters
        while len(heap) > _MAX_FINDINGS or (characters > _MAX_CHARACTERS and len(heap) > 1):
            characters -= heappop(heap)[2].characters
    return [finding for _, _, finding in sorted(heap, key=lambda entry: -entry[1])], count


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
    numbers = [name for name in rule.numbers if rule.columns[name].kind is not Kind.DISTINCT]
    labels = [name for name in rule.lists if name not in rule.field_lists][:1]
    lists = [*labels, *list(rule.field_lists)[:_MAX_FIELD_LISTS]]
    limit = max(_MAX_CELL, width // _CELLS_A_LINE) if is_bounded() else _MAX_CELL
    rows = []
    for finding in findings:
        beyond = dict(finding.truncated)
        start, end = (rfc3339(time, millis=False)[:16].replace("T", " ") for time in (finding.window_start, finding.window_end))
        cells: list[str | Text] = [
            finding.id[:_ID_CHARACTERS],
            f"{start} to {end[-5:]}",
            finding.host,
            Text(str(finding.severity), style=_STYLES.get(finding.severity, "")),
            *(str(finding[name]) for name in numbers),
            *(_list_cell(finding[name], beyond.get(name, 0), limit) for name in lists),
            f"{finding.spl_row_count:,}",
        ]
        rows.append(cells)
    columns = ["id", "window (UTC)", "host", "severity", *numbers, *lists, "SPL rows"]
    dispensable = ("SPL rows", *labels, *lists[:0:-1])
    return fitted(columns, [_texts(row) for row in rows], title, lines=True, width=width, dispensable=dispensable)


def _print_spl_rows(findings: Sequence[Finding], most: int) -> None:
    """Write rows of SPL 14, `most` of each finding, as many as a table shows."""
    count = sum(min(finding.spl_row_count, most) for finding in findings)
    rows = list(islice(chain.from_iterable(finding.spl_rows(most) for finding in findings), _MAX_ROWS))
    cells = [[escaped(str(value), _MAX_ROW_CELL) for value in row.values()] for row in rows]
    print_table(list(rows[0]) if rows else ["count"], cells, "SPL rows")
    if count > len(rows):
        note(f"The table shows the first {len(rows):,} SPL rows of {count:,}: --format json gives all.")


def _list_cell(values: Sequence[str], left_out: int, limit: int) -> Text:
    shown = [escaped(value, limit) for value in values[:_MAX_LIST]]
    more = len(values) + left_out - len(shown)
    return Text("\n".join(shown + [f"+{more:,} more"] * bool(more)))


def _print_csv(findings: Iterable[Finding], rules: Sequence[Rule]) -> None:
    """Write one row a finding; values of a list stand on lines of their own in their cell, as Splunk exports them.

    A column that the finding's rule does not have is empty.
    """
    own = dict.fromkeys(name for rule in rules for name in rule.columns)
    left_out = dict.fromkeys(f"{name}_left_out" for rule in rules for name in rule.lists)
    writer = csv.DictWriter(sys.stdout, ("id", *BEFORE, *own, *AFTER, *left_out), lineterminator="\n")
    writer.writeheader()
    for finding in findings:
        record = {"id": finding.id} | {key: value for key, value in finding.to_json().items() if key != "truncated"}
        record |= {f"{name}_left_out": dict(finding.truncated).get(name, 0) for name in finding.rule.lists}
        writer.writerow({key: _csv_cell(value) for key, value in record.items()})


def _print_csv_of_spl_rows(findings: Iterable[Finding], rules: Sequence[Rule], most: int) -> None:
    """Write what an export of the search from Splunk holds: one row of SPL 14 a line, `most` of each finding."""
    names = dict.fromkeys(name for rule in rules for name in (*rule.rows.names, *(["count"] if rule.rows.by else [])))
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    left_out = 0
    for finding in findings:
        writer.writerows({key: _csv_cell(value) for key, value in row.items()} for row in finding.spl_rows(most))
        left_out += max(0, finding.spl_row_count - most)
    if left_out:
        note(f"{left_out:,} more SPL rows: --max-spl-rows says how many of a finding are written.")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list):
        return "\n".join(str(_csv_cell(item)) for item in value)
    if isinstance(value, str):
        text = escaped(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return value


@contextmanager
def progress(what: str, total: int | None = None, *, size: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error while it is a terminal; yields a function that advances it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    amount = DownloadColumn(binary_units=True) if size else MofNCompleteColumn()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)
