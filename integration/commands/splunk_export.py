"""`detect validate --splunk-export`: the rows that Splunk printed held against ours, of a cluster or of log files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from integration.commands.scan import Scan
from integration.commands.scan import scan as scan_logs
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.errors import InputError
from integration.evaluation.cluster import count_events, evaluate
from integration.evaluation.splunk_export import Export
from integration.evaluation.splunk_rows import RowComparison, compare_rows
from integration.findings.filter import Filter
from integration.findings.finding import Finding
from integration.log.hosts import Hosts
from integration.times import MAX_YEAR, MIN_YEAR, to_millis

ALL_TIME = Window(*(to_millis(datetime(year, 1, 1, tzinfo=UTC)) for year in (MIN_YEAR, MAX_YEAR, MAX_YEAR)))
"""What Splunk calls all time."""


@dataclass(frozen=True, slots=True)
class ExportValidation:
    """What came of comparing an export with findings of one rule over one span of time.

    `missing` are columns of the rows that the export lacks, `unknown` those of the export that the rows lack.
    """

    rule: Rule
    window: Window
    events: int
    rows: RowComparison
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    scanned: Scan | None = None

    @property
    def agrees(self) -> bool:
        """Whether there was something to compare, and all that differs is explained."""
        return self.rows.agrees and self.events > 0


def rule_of_export(rules: Sequence[Rule], export: Export) -> Rule:
    """Return the rule whose rows an export holds, as its columns tell; `InputError` where they fit none, or several."""
    if len(rules) == 1:
        if export.columns and "host" not in export.columns:
            raise InputError(f"{export.path}: has no column `host`, so that these are not rows of {rules[0].id}")
        return rules[0]
    fitting = [rule for rule in rules if set(rule.rows.names) <= set(export.columns)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting or not export.columns:
        raise InputError(f"{export.path}: tells not of which rule its rows are; name it by --rule")
    known = {name for rule in rules for name in rule.rows.names}
    if not known & set(export.columns):
        raise InputError(f"{export.path}: has no column of what the search prints, such as host or severity: is it another file?")
    nearest = min(rules, key=lambda rule: len(set(rule.rows.names) - set(export.columns)))
    missing = ", ".join(name for name in nearest.rows.names if name not in export.columns)
    raise InputError(
        f"{export.path}: holds the rows of no rule; of {nearest.id} it lacks {missing}. Export the rows of the whole search, or "
        "name the rule by --rule to compare the columns that are there"
    )


def validate_on_cluster(
    engine: Engine, rule: Rule, index: str, export: Export, window: Window, zone: tzinfo, post_filter: Filter
) -> ExportValidation:
    """Compare an export with the rows of what the cluster finds over a span of time, as one search does: it is one window."""
    found = evaluate(engine, rule, index, window, zone)
    events = count_events(engine, rule, index, window.start, window.end)
    return _validation(rule, export, found, window, events, zone, post_filter)


def validate_on_logs(
    rule: Rule, logs: Sequence[str], hosts: Hosts, export: Export, window: Window, zone: tzinfo, post_filter: Filter
) -> ExportValidation:
    """Compare an export with the rows of what the reference finds in log files over a span of time, without a cluster."""
    with closing(scan_logs([rule], logs, hosts=hosts, zone=zone, window=window)) as scanned:
        return _validation(rule, export, scanned.findings(), window, scanned.read, zone, post_filter, scanned)


def _validation(
    rule: Rule,
    export: Export,
    found: Iterable[Finding],
    window: Window,
    events: int,
    zone: tzinfo,
    post_filter: Filter,
    scanned: Scan | None = None,
) -> ExportValidation:
    filtered: dict[str, None] = {}

    def passing() -> Iterator[Finding]:
        for finding in found:
            if post_filter.passes(finding):
                yield finding
            else:
                filtered.setdefault(finding.host)

    rows = compare_rows(rule, export, passing(), zone, filtered)
    missing = tuple(name for name in rule.rows.names if export.columns and name not in export.columns)
    unknown = tuple(name for name in export.columns if name not in (*rule.rows.names, "count"))
    return ExportValidation(rule, window, events, rows, missing, unknown, scanned)
