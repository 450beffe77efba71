"""`detect validate --splunk-export`: the options that it adds, what they do, and how the comparison is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.connection import ClusterOptions
from integration.cli.instants import span_of
from integration.cli.junit import TestCase, junit
from integration.cli.logs import note_machines, told_once
from integration.cli.losses import loss_cases, note_losses
from integration.cli.options import Form
from integration.cli.output import escaped, note, print_json
from integration.cli.tables import print_table
from integration.cli.windows import told_of, windows_of
from integration.commands.losses import Loss, losses
from integration.commands.splunk_export import (
    ALL_TIME,
    ExportValidation,
    rule_of_export,
    validate_on_cluster,
    validate_on_logs,
)
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.evaluation.presence import no_events
from integration.evaluation.splunk_export import read_export
from integration.evaluation.splunk_reasons import NO_ROW
from integration.evaluation.splunk_rows import Cell, RowDifference, RowKind
from integration.findings.filter import Filter
from integration.log.blocks import names_of_logs
from integration.log.hosts import Hosts
from integration.times import now, rfc3339

_MAX_CELL = 300
_MOST_NAMED = 10
_MOST_ROWS = 20
_NOTHING = "nothing was compared: neither side has a row"

_EXPORT = "Comparison with Splunk"
SplunkExportOption = Annotated[
    Path | None,
    typer.Option(
        "--splunk-export",
        metavar="FILE",
        help="Rows that Splunk exported as CSV or JSON, to compare with ours.",
        rich_help_panel=_EXPORT,
    ),
]
LogOption = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="A log file to compare the export with, in place of the cluster; repeatable.",
        rich_help_panel=_EXPORT,
    ),
]


@dataclass(frozen=True)
class ExportRequest:
    """The export, the rules that it may be of, the time range of Splunk's search, and the zone of who exported it.

    `logs` are read in place of a cluster, where there are any; `host` and `host_from` name their machines.
    """

    path: Path
    rules: Sequence[Rule]
    zone: tzinfo
    post_filter: Filter
    at: str | None
    start: str | None
    end: str | None
    logs: Sequence[str]
    host: str | None
    host_from: str | None

    def window(self, rule: Rule) -> Window:
        """Return the span of Splunk's search: a scheduled run's, that of --from and --to, or, for log files, all time."""
        if self.at is not None or (self.start is None and (self.end is not None or not self.logs)):
            return windows_of(rule, self.at, self.start, self.end)[0]
        begins, ends = span_of(self.start, self.end)
        if begins is None:
            return ALL_TIME
        until = now() if ends is None else ends
        return Window(begins, until, until)


def validate_export(cluster: ClusterOptions, index: str, request: ExportRequest, form: Form) -> None:
    """Compare an export with our rows, and end with 1 where they differ for no known reason, or nothing was compared."""
    export = read_export(request.path)
    rule = rule_of_export(request.rules, export)
    window = request.window(rule)
    lost: list[Loss] = []
    if request.logs:
        logs = told_once(request.logs)
        hosts = Hosts(list(names_of_logs(logs)), given=request.host, host_from=request.host_from)
        result = validate_on_logs(rule, logs, hosts, export, window, request.zone, request.post_filter)
        if result.scanned is not None:
            note_machines(result.scanned, hosts, told=bool(request.host))
    else:
        with cluster.open() as engine:
            result = validate_on_cluster(engine, rule, index, export, window, request.zone, request.post_filter)
            if not result.events:
                note(no_events(engine, index, window.start, window.end))
            lost = [] if rule.field_names.own_index else losses(engine, index, window.start, window.end)
    note("Evaluated: all time, as one window." if window == ALL_TIME else told_of(1, window.start, window.end))
    if result.missing:
        note(f"Not compared, since the export lacks them: {_listed(result.missing)}.")
    if result.unknown:
        note(f"Not compared, since a row of the search has no such column: {_listed(result.unknown)}.")
    note_losses(lost, index)
    if form == "json":
        print_json(_json(result) | {"documents": {loss.kind: loss.count for loss in lost}})
    elif form == "junit":
        print(junit({f"{rule.id} in Splunk": list(_cases(result, lost))}))  # noqa: T201
    else:
        _print_tables(result)
    if not result.agrees or any(loss.fault for loss in lost):
        raise typer.Exit(1)


def _print_tables(result: ExportValidation) -> None:
    rows = result.rows
    counted = f"{rows.splunk:,} rows from Splunk, {rows.here:,} here from {result.events:,} events, {rows.same:,} alike"
    verdict = "Splunk's rows DIFFER" if rows.unexplained or rows.beyond else "Splunk's rows agree"
    if not result.agrees and not (rows.unexplained or rows.beyond):
        verdict = "Nothing was compared" if result.events else "Nothing was compared: there is no event in this span"
    print(escaped(f"{verdict}: {counted}. ({result.rule.id})"))  # noqa: T201
    for hint in rows.hints:
        note(hint)
    if rows.unexplained:
        print_table(["row", "host", "what", "column", "Splunk", "here"], list(_table(rows.unexplained[:_MOST_ROWS])))
    if (more := len(rows.unexplained) - _MOST_ROWS) > 0:
        print(f"{more:,} more rows that differ; --format json has them.")  # noqa: T201
    for reason, count in Counter(each.reason for each in rows.explained).items():
        hosts = dict.fromkeys(each.host for each in rows.explained if each.reason == reason)
        print(escaped(f"Explained, {count:,} row{'s' * (count != 1)} of {_listed(tuple(hosts))}: {reason}."))  # noqa: T201
    for empty, count in Counter(each.empty for each in rows.silent).items():
        hosts = dict.fromkeys(each.host for each in rows.silent if each.empty == empty)
        lists = " and ".join(empty)
        findings = f"{count:,} finding{'s' * (count != 1)}"
        print(escaped(f"Explained, {findings} without a row, of {_listed(tuple(hosts))}: {lists} is empty, and {NO_ROW}."))  # noqa: T201
    if rows.left_out:
        print(f"{rows.left_out:,} more differences.")  # noqa: T201
    if rows.beyond:
        print(f"{rows.beyond:,} more rows here were not compared.")  # noqa: T201


def _table(differences: Sequence[RowDifference]) -> Iterator[list[str]]:
    """Yield a line for each cell; of rows of a host that one side lacks, one after the other, those that the row above has not."""
    above, cells_above = ("", ""), frozenset[Cell]()
    for each in differences:
        repeats = each.kind is not RowKind.CELLS and above == (each.host, each.kind)
        cells = [cell for cell in each.cells if not (repeats and cell in cells_above)] or each.cells
        above, cells_above = (each.host, each.kind), frozenset(each.cells)
        first = [each.place.rpartition("/")[2], each.host, f"{each.kind}{', else as above' if repeats else ''}"]
        for cell in cells:
            yield [*first, cell.column, escaped(cell.splunk, _MAX_CELL), escaped(cell.here, _MAX_CELL)]
            first = ["", "", ""]


def _cases(result: ExportValidation, losses: Sequence[Loss]) -> Iterator[TestCase]:
    """Yield a case for each host that has rows that differ, one for all others, and one for each kind of lost documents."""
    rows = result.rows
    by_host: dict[str, list[str]] = {}
    for each in rows.unexplained:
        by_host.setdefault(each.host, []).append(_in_words(each))
    for host, faults in by_host.items():
        yield TestCase(f"rows of {host}", result.rule.id, tuple(faults))
    others = [f"{rows.left_out:,} more differences"] * bool(rows.left_out)
    others += [f"{rows.beyond:,} more rows here were not compared"] * bool(rows.beyond)
    others += [_NOTHING] * (not result.agrees and not (rows.unexplained or rows.beyond))
    yield TestCase(f"{rows.same:,} rows alike, {len(rows.explained):,} explained", result.rule.id, tuple(others))
    yield from loss_cases(losses)


def _in_words(difference: RowDifference) -> str:
    if difference.kind is RowKind.CELLS:
        said = "; ".join(
            f"{cell.column}: Splunk {cell.splunk[:_MAX_CELL]!r}, here {cell.here[:_MAX_CELL]!r}" for cell in difference.cells
        )
    else:
        said = ", ".join(f"{cell.column}={(cell.splunk or cell.here)[:_MAX_CELL]!r}" for cell in difference.cells)
    return f"{difference.place or difference.host}: {difference.kind}: {said}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + f" and {more:,} more" * (more > 0)


def _json(result: ExportValidation) -> dict[str, object]:
    rows = result.rows
    return {
        "agrees": result.agrees,
        "rule_id": result.rule.id,
        "window_start": rfc3339(result.window.start, millis=False),
        "window_end": rfc3339(result.window.end, millis=False),
        "events": {"read": result.events},
        "columns": list(rows.columns),
        "columns_missing_in_export": list(result.missing),
        "columns_of_export_alone": list(result.unknown),
        "rows": {"splunk": rows.splunk, "here": rows.here, "alike": rows.same, "not_compared": rows.beyond},
        "differences": [_difference_json(each) for each in rows.unexplained],
        "explained": [_difference_json(each) for each in rows.explained],
        "findings_without_row": [{"host": each.host, "empty": list(each.empty), "reason": NO_ROW} for each in rows.silent],
        "differences_left_out": rows.left_out,
        "hints": rows.hints,
    }


def _difference_json(difference: RowDifference) -> dict[str, object]:
    return {
        "kind": str(difference.kind),
        "host": difference.host,
        "place": difference.place,
        "cells": [_cell_json(cell, difference.kind) for cell in difference.cells],
        "reason": difference.reason,
    }


def _cell_json(cell: Cell, kind: RowKind) -> dict[str, str]:
    sides = {"splunk": cell.splunk, "here": cell.here}
    lacking = {RowKind.ONLY_SPLUNK: "here", RowKind.ONLY_HERE: "splunk"}.get(kind)
    return {"column": cell.column} | {side: text for side, text in sides.items() if side != lacking}
