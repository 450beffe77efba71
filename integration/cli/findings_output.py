"""Findings on standard output: as JSON, as CSV, or as a table."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from integration.cli.options import Form
from integration.cli.output import escaped, json_text, note
from integration.detection.columns import AFTER, BEFORE
from integration.detection.model import Rule
from integration.findings.finding import Finding

# What spreadsheets take for the beginning of a formula, some of them in full width too.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def print_findings(
    findings: Iterable[Finding],
    events: Mapping[str, int],
    form: Form,
    rules: Sequence[Rule],
    max_spl_rows: int | None = None,
    *,
    every: bool = False,
) -> None:
    """Write findings of the rules in the form asked for, JSON and CSV as they come.

    A table shows a screenful, or with `every` all of them.
    """
    if form == "json":
        _print_json(findings, events, max_spl_rows)
    elif form == "csv":
        if max_spl_rows is None:
            _print_csv(findings, rules)
        else:
            _print_csv_of_spl_rows(findings, rules, max_spl_rows)
    else:
        from integration.cli.findings_table import print_every, print_some  # not above: what reads JSON shall not wait for it
        from integration.cli.tables import is_bounded
        from integration.commands.backtest import Sums

        sums = Sums()
        count, no_room = (print_every if every else print_some)(sums.counted(findings), sums, max_spl_rows)
        if no_room:
            note(f"No room here for: {', '.join(no_room)}. A wider terminal shows them, and --format json.")
        note_count(count, events, len(rules))
        if count and is_bounded():
            note("The lines behind one: detect explain --finding ID. Found in files, it needs their names, too.")


def note_count(count: int, events: Mapping[str, int], rules: int) -> None:
    """Write to standard error how many findings there are, of how many events; one that two rules select counts twice."""
    by_rules = f", by {rules} rules" if rules > 1 else ""
    note(f"{count:,} finding{'s' * (count != 1)} from {events['selected']:,} selected of {events['read']:,} events{by_rules}")


def _print_json(findings: Iterable[Finding], events: Mapping[str, int], max_spl_rows: int | None) -> None:
    """Write what `print_json` would write of all findings and the counts, one finding, and of that one row, at a time."""
    sys.stdout.write('{\n  "findings": ')
    for piece in _json_list(_json_finding(finding, max_spl_rows) for finding in findings):
        sys.stdout.write(piece)
    print(json_text({"events": dict(events)}).replace("{", ",", 1))  # noqa: T201


def _json_finding(finding: Finding, max_spl_rows: int | None) -> Iterator[str]:
    text = json_text({"id": finding.id} | finding.to_json())
    if max_spl_rows is None:
        yield text
        return
    yield text.removesuffix("\n}") + ',\n  "spl_rows": '
    yield from _json_list([json_text(row)] for row in finding.spl_rows(max_spl_rows))
    yield "\n}"


def _json_list(items: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the JSON text of a list inside an object; each item comes in pieces."""
    between = "["
    for pieces in items:
        yield f"{between}\n    "
        yield from (piece.replace("\n", "\n    ") for piece in pieces)
        between = ","
    yield "[]" if between == "[" else "\n  ]"


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
