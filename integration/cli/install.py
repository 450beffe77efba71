"""`detect install`: bring the cluster to what is desired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.installation import AlertingOption, DashboardsOption, RolesOption, desired, leftovers_json, note_dropped, steps
from integration.cli.options import Form, FormatOption, RuleOptions, with_every_rule
from integration.cli.output import escaped, note, print_json
from integration.cli.tables import print_table
from integration.install.gin_timezone import timezone_of
from integration.install.objects import Leftover
from integration.install.plan import VERBS, Planned, State, apply, plan, refuse_foreign
from integration.install.retention import retention_of
from integration.targets.choose import SCHEDULER_HINT, Alerting

_STYLES = {"create": "green", "update": "yellow", "replace": "red", "refuse": "bold red", "remove": "red"}


@with_cluster
@with_every_rule
def install(
    cluster: ClusterOptions,
    options: RuleOptions,
    alerting: AlertingOption = Alerting.AUTO,
    enable: Annotated[bool, typer.Option("--enable", help="Start the rules; else new ones stay disabled.")] = False,
    notify: Annotated[
        str | None, typer.Option("--notify", metavar="CHANNEL_ID", help="The notification channel that hears of findings.")
    ] = None,
    connector: Annotated[
        str | None,
        typer.Option("--connector", metavar="ID", help="The connector of Kibana that hears of findings, beside your actions."),
    ] = None,
    retention: Annotated[
        str | None,
        typer.Option(
            "--retention",
            metavar="TIME",
            help="Delete events after such a time, 30d or 12h; none ends it. Else as it was, first none.",
        ),
    ] = None,
    keep_prompts: Annotated[
        bool | None,
        typer.Option("--keep-prompts/--no-keep-prompts", help="Store prompts and responses, redacted. Else as it was, first not."),
    ] = None,
    gin_timezone: Annotated[
        str | None,
        typer.Option(
            "--gin-timezone",
            metavar="ZONE",
            help="The zone of the clock in [GIN] lines, where the shipper names none; none ends it. Else as it was, first none.",
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what an earlier installation made for rules that are no more.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; change nothing.")] = False,
    bodies: Annotated[bool, typer.Option("--bodies", help="With --dry-run: print the body of each object too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace objects of the same name that detect did not make.")] = False,
    roles: RolesOption = False,
    dashboards: DashboardsOption = False,
    form: FormatOption = "table",
) -> None:
    """Put the ingest pipeline, the index templates and the rules on the cluster; repeat it as often as you like.

    Where the cluster has Alerting, each rule becomes a monitor there, which is tried over a past run. Every object is read back and
    compared. What you own stays as it is: whether a rule is enabled, whom it notifies. Half-failed installs say what was done, and
    the next call does the rest.

    Example: detect install --enable --url https://localhost:9200 --username admin --ca-certs ca.pem

    Or, for shippers that send no event.timezone: detect install --gin-timezone Europe/Berlin
    """
    kept = None if retention is None else retention_of(retention)
    choices: dict[str, Any] = {
        "roles": roles,
        "dashboards": dashboards,
        "notify": notify,
        "connector": connector,
        "enable": enable,
        "retention": kept,
        "keep_prompts": keep_prompts,
        "gin_timezone": None if gin_timezone is None else timezone_of(gin_timezone),
    }
    with desired(cluster, options.rules, alerting, options.deployment(cluster.namespace), **choices) as wanted:
        planned, leftovers = plan(wanted.connections, wanted.objects), wanted.leftovers
        if dry_run:
            verbs = VERBS if force else VERBS | {State.FOREIGN: "refuse"}
            _print_plan(planned, leftovers, form, verbs, prune=prune, bodies=bodies)
            if not force:
                refuse_foreign(planned)
        else:
            with steps(form) as on_step:
                gone = [*wanted.abandoned, *(leftovers if prune else ())]
                apply(wanted.connections, planned, leftovers=gone, force=force, on_step=on_step)
            engine = wanted.connections.engine
            where = f"Ship lines to {cluster.namespace.events}, or use `detect ingest`."
            note(f"Installed on {engine.name} {engine.version_text}. {where}")
        note_dropped(planned, options.rules)
        for each in wanted.streams.hooked:
            name = each.dataset.custom
            note(
                f"The index template {each.dataset.template!r} is managed by {each.manager} and stays as it is: the hooks {name!r} "
                "(component template and ingest pipeline) have what is ours."
            )
        if leftovers and not prune:
            names = ", ".join(f"{each.kind} {each.name!r}" for each in leftovers)
            note(f"Left on the cluster, of rules that are not in this set: {names}. --prune deletes them.")
        if wanted.target is None:
            note(f"The cluster runs no rules by itself. {SCHEDULER_HINT}.")
    if dry_run:
        note("Dry run: nothing was changed.")


def _print_plan(
    planned: Sequence[Planned],
    leftovers: Sequence[Leftover],
    form: Form,
    verbs: Mapping[State, str],
    *,
    prune: bool,
    bodies: bool,
) -> None:
    if form == "json":
        objects = [
            {"kind": each.kind, "name": each.name, "state": each.state, "plan": verbs[each.state], "body": each.object.body}
            for each in planned
        ]
        print_json({"objects": objects, "leftovers": leftovers_json(leftovers)})
        return
    rows = [[verbs[each.state], each.kind, each.name] for each in planned]
    rows += [["remove" if prune else "leave", each.kind, each.name] for each in leftovers]
    print_table(["plan", "kind", "name"], [[Text(verb, style=_STYLES.get(verb, "")), *rest] for verb, *rest in rows])
    counts = Counter(verb for verb, *_ in rows)
    print("Plan: " + ", ".join(f"{count} to {verb}" for verb, count in counts.items()) + ".")  # noqa: T201
    if bodies:
        for each in planned:
            print(f"# {each.kind} {escaped(each.name)}")  # noqa: T201
            print_json(each.object.body)
