"""Rows that Splunk printed, held against the rows of SPL 14 that findings would have; what is known to differ is said in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from integration.detection.columns import Kind
from integration.detection.model import Rule
from integration.errors import InputError
from integration.evaluation.splunk_export import MAX_ROWS, Export, ExportRow
from integration.evaluation.splunk_reasons import FILTERED, LIST_CUT, REDACTED, reason_of, zone_hint
from integration.evaluation.splunk_times import printed_time
from integration.findings.finding import Finding
from integration.log.redaction import redact

MAX_DIFFERENCES = 1_000
"""The most differences of each kind that are kept; all are counted."""
_MOST_PAIRED = 200
_COUNT = "count"
Row = tuple[str, ...]


class RowKind(StrEnum):
    """How a row differs."""

    ONLY_SPLUNK = "only in Splunk"
    ONLY_HERE = "only here"
    CELLS = "cells differ"


class Cell(NamedTuple):
    """One column of a row on both sides; `reason` says why they differ, where that is known."""

    column: str
    splunk: str
    here: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row that is on one side only, with all its cells, or on both with those cells that differ.

    `place` is where the row stands in the export. `reason` is empty for what is not explained.
    """

    kind: RowKind
    host: str
    place: str
    cells: tuple[Cell, ...]
    reason: str


class Silent(NamedTuple):
    """A host that has a finding and no row, since these of its lists are empty."""

    host: str
    empty: tuple[str, ...]


@dataclass
class RowComparison:
    """What came of comparing rows: how many there are on each side and alike on both, and what differs, explained or not.

    `left_out` counts differences that are not kept, `beyond` rows here that were too many to compare. `hints` say what may be the
    cause of what is not explained.
    """

    columns: tuple[str, ...]
    splunk: int = 0
    here: int = 0
    same: int = 0
    beyond: int = 0
    left_out: int = 0
    unexplained: list[RowDifference] = field(default_factory=list)
    explained: list[RowDifference] = field(default_factory=list)
    silent: list[Silent] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether there was something to compare, and all that differs is explained."""
        return not (self.unexplained or self.beyond) and bool(self.splunk or self.here or self.silent)

    def add(self, difference: RowDifference) -> None:
        """Keep a difference, or count it where there are too many."""
        kept = self.explained if difference.reason else self.unexplained
        if len(kept) < MAX_DIFFERENCES:
            kept.append(difference)
        else:
            self.left_out += 1


class _Columns:
    """The columns that are compared, and the text that a cell has on either side."""

    def __init__(self, rule: Rule, export: Export, zone: tzinfo) -> None:
        wanted = (*rule.rows.names, *([_COUNT] if rule.rows.by else []))
        self.names = tuple(name for name in wanted if name in export.columns or not export.columns)
        self.times = {name for name in self.names if name in rule.columns and rule.columns[name].kind in (Kind.TIME, Kind.FLOORED)}
        self.floors = {name: rule.columns[name].floor_ms for name in self.times}
        self.zone = zone
        self.host = self.names.index("host")

    def of_export(self, row: ExportRow) -> Row:
        return tuple(self._time(name, row.cells.get(name, ""), row.place) for name in self.names)

    def of_finding(self, row: Mapping[str, object]) -> Row:
        texts = ((name, row[name]) for name in self.names)
        return tuple(
            self._time(name, "\n".join(map(str, value)) if isinstance(value, list) else str(value), "here") for name, value in texts
        )

    def _time(self, name: str, text: str, place: str) -> str:
        if name not in self.times or not text:
            return text
        try:
            return printed_time(text, self.zone)
        except (ValueError, OverflowError) as error:
            raise InputError(f"{place}, column {name}: {error}") from error


def compare_rows(
    rule: Rule, export: Export, findings: Iterable[Finding], zone: tzinfo, filtered: Collection[str] = ()
) -> RowComparison:
    """Compare the rows of an export with those of findings, which come in any order; `zone` is that of who exported them.

    Rows count as often as they are there. `filtered` are the hosts whose finding the user's filter took away, once all findings
    came. `InputError` names the row whose time cannot be read.
    """
    columns = _Columns(rule, export, zone)
    result = RowComparison(columns.names, splunk=len(export.rows))
    theirs: defaultdict[Row, list[str]] = defaultdict(list)
    for row in export.rows:
        theirs[columns.of_export(row)].append(row.place)
    ours: defaultdict[str, list[Row]] = defaultdict(list)
    seen: set[Row] = set()
    cut: set[str] = set()
    for finding in findings:
        if finding.truncated:
            cut.add(finding.host)
        for here in _rows_of(finding, columns, result):
            seen.add(here)
            if places := theirs.get(here):
                places.pop(0)
                result.same += 1
            else:
                ours[finding.host].append(here)
    left: defaultdict[str, list[tuple[str, Row]]] = defaultdict(list)
    for row_there, places in theirs.items():
        left[row_there[columns.host]] += [(place, row_there) for place in places]
    for host in sorted(left.keys() | ours.keys()):
        _settle(
            columns,
            result,
            host,
            left.get(host, []),
            ours.get(host, []),
            _Known(seen, LIST_CUT if host in cut else FILTERED if host in filtered else ""),
        )
    result.hints += _hints(columns, result, export)
    return result


def _rows_of(finding: Finding, columns: _Columns, result: RowComparison) -> Iterator[Row]:
    """Yield the rows of a finding, as many as there is room for; the rest is counted."""
    if not finding.spl_row_count:
        by = finding.rule.rows.by or ()
        result.silent.append(Silent(finding.host, tuple(name for name in by if name in finding.rule.lists and not finding[name])))
    room = MAX_ROWS - result.here
    for number, row in enumerate(finding.spl_rows(room + 1)):
        if number == room:
            result.beyond += finding.spl_row_count - room
            return
        result.here += 1
        yield columns.of_finding(row)


class _Known(NamedTuple):
    """What is known beside the rows of a host: all rows here, and why one of Splunk's may lack here."""

    seen: set[Row]
    lacking: str


def _settle(
    columns: _Columns, result: RowComparison, host: str, theirs: list[tuple[str, Row]], ours: list[Row], known: _Known
) -> None:
    """Explain, pair or tell each row of a host that is on one side only."""
    waiting: list[tuple[str, Row]] = []
    for place, row in theirs:
        redacted = tuple(redact(cell) for cell in row)
        if redacted != row and redacted in known.seen:
            if redacted in ours:
                ours.remove(redacted)
            differing = _differing(columns, row, redacted)
            result.add(RowDifference(RowKind.CELLS, host, place, differing, REDACTED))
        else:
            waiting.append((place, row))
    for place, row in waiting:
        partner = _nearest(row, ours[:_MOST_PAIRED], len(columns.names) // 2)
        if partner is not None:
            ours.remove(partner)
            cells = _differing(columns, row, partner)
            reasons = dict.fromkeys(cell.reason for cell in cells)
            result.add(RowDifference(RowKind.CELLS, host, place, cells, "; ".join(reasons) if all(reasons) else ""))
        else:
            whole = tuple(Cell(name, cell, "") for name, cell in zip(columns.names, row, strict=True))
            result.add(RowDifference(RowKind.ONLY_SPLUNK, host, place, whole, known.lacking))
    for row in ours:
        whole = tuple(Cell(name, "", cell) for name, cell in zip(columns.names, row, strict=True))
        result.add(RowDifference(RowKind.ONLY_HERE, host, "", whole, ""))


def _nearest(row: Row, others: Sequence[Row], most: int) -> Row | None:
    """Return the row that differs from `row` in the fewest cells, None where each differs in more than `most`."""
    if not others:
        return None
    apart, nearest = min((sum(a != b for a, b in zip(row, other, strict=True)), other) for other in others)
    return nearest if apart <= most else None


def _differing(columns: _Columns, theirs: Row, ours: Row) -> tuple[Cell, ...]:
    pairs = zip(columns.names, theirs, ours, strict=True)
    return tuple(
        Cell(name, there, here, reason_of(there, here, columns.floors.get(name), columns.zone))
        for name, there, here in pairs
        if there != here
    )


def _hints(columns: _Columns, result: RowComparison, export: Export) -> Iterator[str]:
    """Yield what may be the cause of rows that differ for no known reason."""
    if not result.unexplained:
        return
    pairs = [each.cells for each in result.unexplained if each.kind is RowKind.CELLS]
    if pairs and all(cell.column in columns.times and cell.splunk and cell.here for cells in pairs for cell in cells):
        shifts = {_shift(cell) for cells in pairs for cell in cells}
        if len(shifts) == 1:
            yield zone_hint(shifts.pop())
    kinds = {kind: {each.host for each in result.unexplained if each.kind is kind} for kind in RowKind}
    on_one_side = kinds[RowKind.ONLY_SPLUNK] and kinds[RowKind.ONLY_HERE]
    if not (result.same or pairs) and on_one_side and not kinds[RowKind.ONLY_SPLUNK] & kinds[RowKind.ONLY_HERE]:
        yield "No host is on both sides: are the machines named alike? --host names that of a log."
    if result.splunk in (10_000, 50_000):
        yield f"{export.path} has exactly {result.splunk:,} rows: Splunk may have cut it there (maxresultrows in limits.conf)."


def _shift(cell: Cell) -> float:
    there, here = (datetime.fromisoformat(text) for text in (cell.splunk, cell.here))
    return (there - here).total_seconds()
