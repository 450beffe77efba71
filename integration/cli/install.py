"""`detect install`, `diff`, `uninstall`, `status`: what is on the cluster."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from integration.assets import desired_assets
from integration.cli.options import ClusterOptions, Format, FormatOption, RulesOption, rules_of, with_cluster
from integration.cli.output import inert, note, print_json, print_table
from integration.errors import InputError
from integration.install import State, Status, Step
from integration.install import diff as compare
from integration.install import install as install_assets
from integration.install import uninstall as uninstall_assets
from integration.status import Report
from integration.status import status as report_status

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print what would be sent; change nothing.")]


class _Steps:
    """Tells of steps as they come, and writes them as one result at the end."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self._steps: list[Step] = []

    def add(self, step: Step) -> None:
        self._steps.append(step)
        if self._form is Format.TABLE:
            print(f"{step.kind} {inert(step.name)}: {step.action}")  # noqa: T201

    def close(self) -> None:
        if self._form is Format.JSON:
            print_json({"steps": [{"kind": s.kind, "name": s.name, "action": s.action} for s in self._steps]})


@with_cluster
def install(
    cluster: ClusterOptions,
    rules: RulesOption = None,
    dry_run: DryRunOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace objects of the same name that detect did not make.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Put the ingest pipeline, the index templates and the rules' classifiers on the cluster; repeat it as often as you like.

    Every object is read back and compared. Half-failed installs say what was done, and the next call does the rest.

    Example: detect install --url https://localhost:9200 --username admin --ca-certs ca.pem
    """
    loaded = rules_of(rules, None)
    with cluster.open() as engine:
        assets = desired_assets(loaded, engine.name)
        if dry_run:
            _print_bodies(compare(engine, assets, loaded), {asset.name: asset.body for asset in assets}, form)
            note("Dry run: nothing was changed.")
            return
        steps = _Steps(form)
        try:
            install_assets(engine, assets, loaded, force=force, on_step=steps.add)
        finally:
            steps.close()
        note(f"Installed on {engine.name} {engine.version_text}. Ship lines to {cluster.namespace.events}, or use `detect ingest`.")


def _print_bodies(statuses: list[Status], bodies: dict[str, Any], form: Format) -> None:
    if form is Format.JSON:
        print_json({"objects": [{"kind": s.kind, "name": s.name, "state": s.state, "body": bodies.get(s.name)} for s in statuses]})
        return
    for status in statuses:
        print(f"# {status.kind} {inert(status.name)}: {status.state}")  # noqa: T201
        if status.name in bodies:
            print_json(bodies[status.name])


@with_cluster
def diff(cluster: ClusterOptions, rules: RulesOption = None, form: FormatOption = Format.TABLE) -> None:
    """Compare each object on the cluster with what this version and these rules would install; ends with 1 on any difference.

    Example: detect diff --format json
    """
    loaded = rules_of(rules, None)
    with cluster.open() as engine:
        statuses = compare(engine, desired_assets(loaded, engine.name), loaded)
    if form is Format.JSON:
        print_json({"objects": [_status_json(status) for status in statuses]})
    else:
        print_table(["kind", "name", "state"], [[s.kind, s.name, str(s.state)] for s in statuses])
        changes = [[s.name, path, _shown(want), _shown(found)] for s in statuses for path, want, found in s.differences]
        if changes:
            print_table(["name", "path", "desired", "on the cluster"], changes)
    if any(status.state is not State.SAME for status in statuses):
        raise typer.Exit(1)


@with_cluster
def uninstall(
    cluster: ClusterOptions,
    rules: RulesOption = None,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Delete the namespace's events and risk events too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete-data: do not ask.")] = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Remove what `detect install` made and nothing else; events and risk events stay unless --delete-data is given.

    Example: detect uninstall --dry-run
    """
    loaded = rules_of(rules, None)
    with cluster.open() as engine:
        assets = desired_assets(loaded, engine.name)
        if dry_run:
            statuses = [s for s in compare(engine, assets, loaded) if s.state in (State.SAME, State.DRIFTED)]
            print_table(["kind", "name"], [[s.kind, s.name] for s in statuses], "Would be removed or detached")
            note("Dry run: nothing was changed.")
            return
        if (
            delete_data
            and not yes
            and not typer.confirm(f"Delete {cluster.namespace.events} and {cluster.namespace.risk}?", err=True)
        ):
            raise InputError("nothing was changed: deleting data was not confirmed (--yes does it without asking)")
        steps = _Steps(form)
        try:
            uninstall_assets(engine, assets, cluster.namespace, delete_data=delete_data, on_step=steps.add)
        finally:
            steps.close()


@with_cluster
def status(cluster: ClusterOptions, rules: RulesOption = None, form: FormatOption = Format.TABLE) -> None:
    """Say what is installed, how many events and risk events there are, and how many lines could not be parsed.

    Example: detect status --format json
    """
    loaded = rules_of(rules, None)
    with cluster.open() as engine:
        report = report_status(engine, desired_assets(loaded, engine.name), loaded, cluster.namespace)
    if form is Format.JSON:
        print_json(_report_json(report))
        return
    print_table(
        ["kind", "name", "state"], [[s.kind, s.name, str(s.state)] for s in report.objects], f"{report.engine} {report.version}"
    )
    rows = [
        [f"events in {report.events_index}", f"{report.events:,}"],
        ["  of them with a failed time, host or parse", f"{report.failures:,}"],
        ["  last event", report.last_event or "none"],
        ["documents the pipeline failed on since the nodes started", f"{report.pipeline_failures:,}"],
        [f"risk events in {report.risk_index}", f"{report.risk_events:,}"],
        ["  last window", report.last_risk_event or "none"],
    ]
    print_table(["", "now"], rows)


def _report_json(report: Report) -> dict[str, Any]:
    return {
        "engine": report.engine,
        "version": report.version,
        "objects": [_status_json(status) for status in report.objects],
        "events": {
            "index": report.events_index,
            "count": report.events,
            "failures": report.failures,
            "pipeline_failures": report.pipeline_failures,
            "last": report.last_event,
        },
        "risk_events": {"index": report.risk_index, "count": report.risk_events, "last": report.last_risk_event},
    }


def _status_json(status: Status) -> dict[str, Any]:
    differences = [{"path": path, "desired": want, "found": found} for path, want, found in status.differences]
    return {"kind": status.kind, "name": status.name, "state": str(status.state), "differences": differences}


def _shown(value: object) -> str:
    return "(absent)" if value is None else inert(str(value), 200)
