"""`detect validate`: the cluster's findings, and those that alerts recorded, against the reference."""

from __future__ import annotations

import sys
from contextlib import closing

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.export_validation import ExportRequest, LogOption, SplunkExportOption, validate_export
from integration.cli.logs import HostFromOption, HostOption
from integration.cli.losses import note_losses
from integration.cli.options import Form, ResultFormatOption, RuleOptions, TimezoneOption, with_rules, zone_of
from integration.cli.output import note, progress
from integration.cli.validation_output import print_results
from integration.cli.windows import AtOption, FromOption, ToOption, told, windows_of
from integration.commands.losses import losses
from integration.commands.recording_places import Asked, Places
from integration.commands.run import Plan
from integration.commands.validate import Validation
from integration.commands.validate import validate as validate_rule
from integration.detection.model import Rule
from integration.errors import InputError
from integration.evaluation.presence import no_events
from integration.findings.filter import Filter


@with_cluster
@with_rules
def validate(
    cluster: ClusterOptions,
    options: RuleOptions,
    at: AtOption = None,
    start: FromOption = None,
    end: ToOption = None,
    timezone: TimezoneOption = "UTC",
    splunk_export: SplunkExportOption = None,
    log: LogOption = None,
    host: HostOption = None,
    host_from: HostFromOption = None,
    form: ResultFormatOption = "table",
) -> None:
    """Compare the cluster's findings with the Python reference over the same lines.

    The raw lines of the windows are fetched and evaluated by the reference. What alerts and risk events recorded is compared, too.
    Ends with 1 when any two differ, when there are no events to compare them over, and when documents in the windows did not become
    events that the rules see, or name no machine. With each difference come the events behind it.

    With --splunk-export, rows that Splunk printed are compared with ours instead: of the cluster, or of --log files without a
    cluster. --from and --to are then the time range of Splunk's search, and --timezone is the zone of who exported the rows.

    Example: detect validate --since 7d --format junit > validation.xml

    Or: detect validate --splunk-export results.csv --log server.log --host gpu-1 --timezone Europe/Berlin
    """
    zone, deployment = zone_of(timezone), options.deployment(cluster.namespace)
    where, post_filter = deployment.events, deployment.filter
    if splunk_export is not None:
        span = (at, start, end)
        request = ExportRequest(splunk_export, options.rules, zone, post_filter, *span, log or (), host, host_from)
        validate_export(cluster, where, request, form)
        return
    if log is not None or host is not None or host_from is not None:
        raise InputError("--log, --host and --host-from go with --splunk-export; `detect scan` evaluates log files alone")
    plan = [(each, windows_of(each, at, start, end)) for each in options.rules]
    _validate(cluster, where, plan, Asked(zone), post_filter, form)


def _validate(cluster: ClusterOptions, where: str, plan: Plan, asked: Asked, post_filter: Filter, form: Form) -> None:
    results: list[tuple[Rule, Validation]] = []
    unanswered: list[str] = []
    span = (sys.maxsize, 0)
    with cluster.open() as engine, cluster.open_kibana() as kibana, progress("Comparing", len(plan)) as advance:
        if kibana is not None:
            kibana.check()
        places = Places(engine, kibana, cluster.namespace, where)
        for each, windows in plan:
            with closing(places.records(each, windows, asked)) as records:
                results.append((each, validate_rule(engine, each, where, windows, asked.zone, post_filter, records)))
            advance(1)
            if not results[-1][1].events:
                unanswered.append(no_events(engine, where, windows[0].start, windows[-1].end))
            if not each.field_names.own_index:
                span = (min(span[0], windows[0].start), max(span[1], windows[-1].end))
        lost = losses(engine, where, *span) if span[1] else []
    note(told(plan))
    not_compared = list(dict.fromkeys([*places.unread, *asked.left_out.notes()]))
    for message in dict.fromkeys([*unanswered, *not_compared]):
        note(message)
    _note_recorded(results)
    note_losses(lost, where)
    print_results(results, lost, form, not_compared)
    if not all(result.agrees for _, result in results) or any(loss.fault for loss in lost):
        raise typer.Exit(1)


def _note_recorded(results: list[tuple[Rule, Validation]]) -> None:
    """Say where no recorded finding could be compared."""
    outlived = sum(result.comparison.outlived for _, result in results)
    if outlived:
        note(f"{outlived:,} recorded findings are not compared: the events of their windows are deleted.")
    if not any(result.recorded for _, result in results):
        note("There is no alert or risk event in this range: only the reference and the cluster were compared.")
