"""`detect install`, `diff`, `uninstall`, `status`: what is on the cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from integration.cli.config import ConfigOption, IndexOption, configured
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.options import Format, FormatOption, RulesOption
from integration.cli.output import inert, note, print_json, print_table
from integration.commands.status import PAST_THE_PIPELINE, Report
from integration.commands.status import status as report_status
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import InputError
from integration.install.comparison import State, Status, Step
from integration.install.installation import data_of
from integration.install.installation import diff as compare
from integration.install.installation import install as install_assets
from integration.install.installation import uninstall as uninstall_assets
from integration.install.objects import Asset, desired_assets
from integration.install.roles import role_assets
from integration.install.target import Health
from integration.names import PIPELINE
from integration.targets.choose import SCHEDULER_HINT, Alerting, targets_of

RolesOption = Annotated[
    bool, typer.Option("--roles", help="The least-privilege roles too; an administrator is needed to put them.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print what would be sent; change nothing.")]
AlertingOption = Annotated[
    Alerting, typer.Option("--alerting", envvar="DETECT_ALERTING", help="What runs the rules on the cluster; auto: what it has.")
]


class Steps:
    """Tells of steps as they come, and writes them as one result at the end."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self._steps: list[Step] = []

    def add(self, step: Step) -> None:
        """Take one step."""
        self._steps.append(step)
        if self._form is Format.TABLE:
            print(f"{step.kind} {inert(step.name)}: {step.action}")  # noqa: T201

    def close(self) -> None:
        """Write what is not written yet."""
        if self._form is Format.JSON:
            steps = [{"kind": s.kind, "name": s.name, "action": s.action, "changed": s.changed} for s in self._steps]
            print_json({"steps": steps})


@with_cluster
def install(
    cluster: ClusterOptions,
    rules: RulesOption = None,
    alerting: AlertingOption = Alerting.AUTO,
    enable: Annotated[bool, typer.Option("--enable", help="Start the rules; else new ones stay disabled.")] = False,
    notify: Annotated[
        str | None, typer.Option("--notify", metavar="CHANNEL_ID", help="The notification channel that hears of findings.")
    ] = None,
    dry_run: DryRunOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace objects of the same name that detect did not make.")] = False,
    roles: RolesOption = False,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Put the ingest pipeline, the index templates and the rules on the cluster; repeat it as often as you like.

    Where the cluster has Alerting, each rule becomes a monitor there, which is tried over a past run. Every object is read back and
    compared. What you own stays as it is: whether a rule is enabled, whom it notifies. Half-failed installs say what was done, and
    the next call does the rest.

    Example: detect install --enable --url https://localhost:9200 --username admin --ca-certs ca.pem
    """
    settings, loaded = configured(config, rules, None)
    with cluster.open() as engine, cluster.open_kibana() as kibana:
        assets = _assets(engine, loaded, index, roles=roles)
        targets = targets_of(engine, alerting, cluster.namespace, index, notify, kibana, settings.post_filter)
        if dry_run:
            bodies = {asset.name: asset.body for asset in assets} | {t.name(r): t.body(r) for t in targets for r in loaded}
            _print_bodies(compare(engine, assets, loaded, targets), bodies, form)
            note("Dry run: nothing was changed.")
            return
        steps = Steps(form)
        try:
            install_assets(engine, assets, loaded, targets, force=force, enable=enable, on_step=steps.add)
        finally:
            steps.close()
        note(f"Installed on {engine.name} {engine.version_text}. Ship lines to {cluster.namespace.events}, or use `detect ingest`.")
        if not targets:
            note(f"Nothing on the cluster runs the rules: {SCHEDULER_HINT}.")


def _assets(engine: Engine, rules: Sequence[Rule], index: str | None, *, roles: bool) -> list[Asset]:
    made = desired_assets(rules, engine.name)
    return [*made, *(role_assets(engine.name, rules, index) if roles else [])]


def _print_bodies(statuses: list[Status], bodies: dict[str, Any], form: Format) -> None:
    if form is Format.JSON:
        print_json({"objects": [{"kind": s.kind, "name": s.name, "state": s.state, "body": bodies.get(s.name)} for s in statuses]})
        return
    for status in statuses:
        print(f"# {status.kind} {inert(status.name)}: {status.state}")  # noqa: T201
        if status.name in bodies:
            print_json(bodies[status.name])


@with_cluster
def diff(
    cluster: ClusterOptions,
    rules: RulesOption = None,
    alerting: AlertingOption = Alerting.AUTO,
    roles: RolesOption = False,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare each object on the cluster with what this version and these rules would install; ends with 1 on any difference.

    What engines add by themselves is no difference, nor is what you own: whether a rule is enabled, whom it notifies.

    Example: detect diff --format json
    """
    settings, loaded = configured(config, rules, None)
    with cluster.open() as engine, cluster.open_kibana() as kibana:
        targets = targets_of(engine, alerting, cluster.namespace, index, kibana=kibana, post_filter=settings.post_filter)
        assets = _assets(engine, loaded, index, roles=roles)
        statuses = compare(engine, assets, loaded, targets)
    if form is Format.JSON:
        print_json({"objects": [_status_json(status) for status in statuses]})
    else:
        _print_statuses(statuses)
        changes = [[s.name, path, _shown(want), _shown(found)] for s in statuses for path, want, found in s.differences]
        if changes:
            print_table(["name", "path", "desired", "on the cluster"], changes)
    if any(status.state is not State.SAME for status in statuses):
        raise typer.Exit(1)


@with_cluster
def uninstall(
    cluster: ClusterOptions,
    rules: RulesOption = None,
    alerting: AlertingOption = Alerting.AUTO,
    roles: RolesOption = False,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Delete the namespace's documents too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete-data: do not ask.")] = False,
    dry_run: DryRunOption = False,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Remove what `detect install` made and nothing else.

    Events, risk events and how far `detect watch` is stay unless --delete-data is given.

    Example: detect uninstall --dry-run
    """
    _, loaded = configured(config, rules, None)
    with cluster.open() as engine, cluster.open_kibana() as kibana:
        assets = _assets(engine, loaded, index, roles=roles)
        targets = targets_of(engine, alerting, cluster.namespace, index, kibana=kibana)
        data = data_of(cluster.namespace) if delete_data else {}
        if dry_run:
            statuses = compare(engine, assets, loaded, targets)
            rows = [(s.kind, s.name) for s in statuses if s.state in (State.SAME, State.DRIFTED)]
            _print_removal([*rows, *((kind, name) for name, kind in data.items() if engine.exists(name))], form)
            note("Dry run: nothing was changed.")
            return
        if data and not yes and not _confirmed(f"Delete {', '.join(data)}?"):
            raise InputError("nothing was changed: deleting data was not confirmed (--yes does it without asking)")
        steps = Steps(form)
        try:
            uninstall_assets(engine, assets, loaded, cluster.namespace, targets, delete_data=delete_data, on_step=steps.add)
        finally:
            steps.close()


def _print_removal(objects: Sequence[tuple[str, str]], form: Format) -> None:
    if form is Format.JSON:
        print_json({"would_remove": [{"kind": kind, "name": name} for kind, name in objects]})
    else:
        print_table(["kind", "name"], objects, "Would be removed or detached")


def _confirmed(question: str) -> bool:
    """Ask; not by `typer.confirm`, which ends the command with 1 where there is no answer or a signal comes."""
    try:
        note(f"{question} [y/N]")
        answer = "" if sys.stdin is None else sys.stdin.readline()
    except KeyboardInterrupt as stop:
        stop.add_note("Nothing was changed.")
        raise
    return answer.strip().lower() in ("y", "yes")


@with_cluster
def status(
    cluster: ClusterOptions,
    rules: RulesOption = None,
    alerting: AlertingOption = Alerting.AUTO,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say what is installed, how the rules run, how many events there are, and how many lines could not be parsed.

    A monitor is tried over its last run, without alerts, since a failing one raises none and says nothing by itself.

    Example: detect status --format json
    """
    settings, loaded = configured(config, rules, None)
    with cluster.open() as engine, cluster.open_kibana() as kibana:
        targets = targets_of(engine, alerting, cluster.namespace, index, kibana=kibana, post_filter=settings.post_filter)
        assets = _assets(engine, loaded, index, roles=False)
        report = report_status(engine, assets, loaded, cluster.namespace, targets)
    if form is Format.JSON:
        print_json(_report_json(report))
    else:
        _print_report(report)
    if report.past_pipeline:
        note(
            f"{report.past_pipeline:,} documents in {report.events_index} never went through the pipeline: they are not redacted, "
            f"and no rule sees them. Let shippers name it in each request (pipeline={PIPELINE}), and send these through it now:\n"
            f"POST /{report.events_index}/_update_by_query?pipeline={PIPELINE}\n{json.dumps({'query': PAST_THE_PIPELINE})}"
        )


def _print_report(report: Report) -> None:
    _print_statuses(report.objects, f"{report.engine} {report.version}")
    if report.rules:
        columns = ["kind", "name", "enabled", "last run (UTC)", "last error", "open alerts"]
        print_table(columns, [_health_row(health) for health in report.rules])
    rows = [
        [f"events in {report.events_index}", f"{report.events:,}"],
        ["  of them with a failed time, host or parse", f"{report.failures:,}"],
        ["  of them stored past the pipeline", f"{report.past_pipeline:,}"],
        ["  last event", report.last_event or "none"],
        ["documents the pipeline failed on since the nodes started", f"{report.pipeline_failures:,}"],
        [f"risk events in {report.risk_index}", f"{report.risk_events:,}"],
        ["  last window", report.last_risk_event or "none"],
    ]
    print_table(["", "now"], rows)


def _health_row(health: Health) -> list[str]:
    return [
        health.kind,
        health.name,
        "yes" if health.enabled else "no",
        health.last_run or "none known",
        inert(health.last_error or "none", 500),
        "unknown" if health.open_alerts is None else f"{health.open_alerts:,}",
    ]


def _report_json(report: Report) -> dict[str, Any]:
    return {
        "engine": report.engine,
        "version": report.version,
        "objects": [_status_json(status) for status in report.objects],
        "rules": [
            {
                "kind": health.kind,
                "name": health.name,
                "rule_id": health.rule_id,
                "enabled": health.enabled,
                "last_run": health.last_run,
                "last_error": health.last_error,
                "open_alerts": health.open_alerts,
            }
            for health in report.rules
        ],
        "events": {
            "index": report.events_index,
            "count": report.events,
            "failures": report.failures,
            "past_pipeline": report.past_pipeline,
            "pipeline_failures": report.pipeline_failures,
            "last": report.last_event,
        },
        "risk_events": {"index": report.risk_index, "count": report.risk_events, "last": report.last_risk_event},
    }


def _print_statuses(statuses: Sequence[Status], title: str = "") -> None:
    print_table(["kind", "name", "state"], [[s.kind, s.name, str(s.state)] for s in statuses], title)


def _status_json(status: Status) -> dict[str, Any]:
    differences = [{"path": path, "desired": want, "found": found} for path, want, found in status.differences]
    return {"kind": status.kind, "name": status.name, "state": str(status.state), "differences": differences}


def _shown(value: object) -> str:
    return "(absent)" if value is None else inert(str(value), 200)
