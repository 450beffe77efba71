"""`detect validate --splunk-export`: the options that it adds, and what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.connection import ClusterOptions
from integration.cli.export_output import note_columns, print_export
from integration.cli.instants import now, span_of
from integration.cli.logs import note_doubts, note_folders, note_hosts, told_once
from integration.cli.losses import note_losses
from integration.cli.options import ResultFormat
from integration.cli.output import note
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
from integration.evaluation.splunk_export import Export, read_export
from integration.findings.filter import Filter
from integration.log.blocks import names_of_logs
from integration.log.hosts import Hosts

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


def validate_export(cluster: ClusterOptions, index: str, request: ExportRequest, form: ResultFormat) -> None:
    """Compare an export with our rows, and end with 1 where they differ for no known reason, or nothing was compared."""
    export = read_export(request.path)
    rule = rule_of_export(request.rules, export)
    window = request.window(rule)
    lost: list[Loss] = []
    if request.logs:
        result = _on_logs(rule, export, window, request)
    else:
        with cluster.open() as engine:
            result = validate_on_cluster(engine, rule, index, export, window, request.zone, request.post_filter)
            if not result.events:
                note(no_events(engine, index, window.start, window.end))
            lost = [] if rule.field_names.own_index else losses(engine, index, window.start, window.end)
    note("Evaluated: all time, as one window." if window == ALL_TIME else told_of(1, window.start, window.end))
    note_columns(result)
    note_losses(lost, index)
    print_export(result, lost, form)
    if not result.agrees or any(loss.fault and loss.count for loss in lost):
        raise typer.Exit(1)


def _on_logs(rule: Rule, export: Export, window: Window, request: ExportRequest) -> ExportValidation:
    logs = told_once(list(request.logs))
    hosts = Hosts(list(names_of_logs(logs)), given=request.host, host_from=request.host_from)
    result = validate_on_logs(rule, logs, hosts, export, window, request.zone, request.post_filter)
    if result.scanned is not None:
        if len(result.scanned.logs) > 1 and not request.host:
            note_hosts(result.scanned.lines_by_machine(hosts), hosts.rule, result.scanned.selected.hosts)
        note_folders(hosts, result.scanned.selected)
        note_doubts(result.scanned.selected, "selected events")
    return result
