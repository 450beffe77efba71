"""`detect status`: what is installed, and how it fares."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from typing import Any

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.installation import AlertingOption, DashboardsOption, desired, leftovers_json, print_states, state_json
from integration.cli.losses import note_losses
from integration.cli.options import FormatOption, RuleOptions, with_every_rule
from integration.cli.output import escaped, note, print_json
from integration.cli.tables import print_table
from integration.commands.status import Report
from integration.commands.status import status as report_status
from integration.install.objects import Health
from integration.install.plan import plan
from integration.targets.choose import SCHEDULER_HINT, Alerting


@with_cluster
@with_every_rule
def status(
    cluster: ClusterOptions,
    options: RuleOptions,
    alerting: AlertingOption = Alerting.AUTO,
    dashboards: DashboardsOption = False,
    form: FormatOption = "table",
) -> None:
    """Say what is installed, how the rules run, how many events there are, and how many lines could not be parsed.

    Ends with 1 where documents did not become events that the rules see, or name no machine.

    A monitor is tried over its last run, without alerts, since a failing one raises none and says nothing by itself.

    Example: detect status --format json
    """
    with desired(cluster, options.rules, alerting, options.deployment(cluster.namespace), dashboards=dashboards) as wanted:
        planned, leftovers = plan(wanted.connections, wanted.objects), wanted.leftovers
        report = report_status(wanted.connections, planned, cluster.namespace, wanted.streams)
    if form == "json":
        print_json(_report_json(report) | {"leftovers": leftovers_json(leftovers)})
    else:
        _print_report(report)
        if leftovers:
            print_table(["kind", "name"], [[each.kind, each.name] for each in leftovers], "Of rules that are not in this set")
    if not any(each.found for each in report.objects):
        note(f"Nothing of detect's is installed on {cluster.connection.url}: `detect install` does that.")
    elif wanted.target is None and form == "table":
        note(f"The cluster runs no rules by itself. {SCHEDULER_HINT}; `detect doctor` says how far it is.")
    note_losses(report.losses, report.events.index)
    for stored in report.json_events:
        note_losses(stored.losses, stored.index)
    if any(loss.fault for loss in chain(report.losses, *(each.losses for each in report.json_events))):
        raise typer.Exit(1)


def _print_report(report: Report) -> None:
    print_states(report.objects, f"{report.engine} {report.version}")
    if report.rules:
        columns = ["kind", "name", "enabled", "last run (UTC)", "last error", "open alerts"]
        print_table(columns, [_health_row(health) for health in report.rules])
    rows = [
        [f"events in {report.events.index}", f"{report.events.count:,}"],
        *([f"  {loss.label}", f"{loss.count:,}"] for loss in report.losses),
        ["  last event", report.events.last or "none"],
        ["  kept for", report.streams.retention or "as long as nobody deletes them"],
        ["  zone of [GIN] lines", report.streams.gin_timezone or "as the shipper says"],
        ["documents the pipeline failed on since the nodes started", f"{report.pipeline_failures:,}"],
        ["prompts and responses", "stored, redacted" if report.streams.keep_prompts else "not stored"],
        *(
            row
            for each in report.json_events
            for row in (
                [f"events in {each.index}", f"{each.count:,}"],
                *([f"  {loss.label}", f"{loss.count:,}"] for loss in each.losses),
            )
        ),
        [f"risk events in {report.risk_events.index}", f"{report.risk_events.count:,}"],
        ["  last window", report.risk_events.last or "none"],
    ]
    print_table(["", "now"], rows)


def _health_row(health: Health) -> list[str]:
    return [
        health.kind,
        health.name,
        "yes" if health.enabled else "no",
        health.last_run or "none known",
        escaped(health.last_error or "none", 500),
        "unknown" if health.open_alerts is None else f"{health.open_alerts:,}",
    ]


def _report_json(report: Report) -> dict[str, Any]:
    return {
        "engine": report.engine,
        "version": report.version,
        "objects": [state_json(each) for each in report.objects],
        "rules": [asdict(health) for health in report.rules],
        "events": {
            **asdict(report.events),
            **{loss.kind: loss.count for loss in report.losses},
            "pipeline_failures": report.pipeline_failures,
            "retention": report.streams.retention,
            "gin_timezone": report.streams.gin_timezone,
        },
        "keep_prompts": report.streams.keep_prompts,
        "json_events": [
            {"index": each.index, "count": each.count} | {loss.kind: loss.count for loss in each.losses}
            for each in report.json_events
        ],
        "risk_events": asdict(report.risk_events),
    }
