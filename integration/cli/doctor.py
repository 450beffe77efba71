"""`detect doctor`: checks of the connection, the cluster and the installation."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.options import FormatOption, RuleOptions, with_every_rule
from integration.cli.output import escaped, note, print_json
from integration.cli.tables import print_table
from integration.commands.doctor import Check, Installation, Verdict, examine
from integration.install.privileges import Work

_STYLES = {Verdict.OK: "green", Verdict.INFO: "", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


WorkOption = Annotated[
    list[Work] | None,
    typer.Option("--for", metavar="WORK", help="Fail when this user may not install, ingest, run or read; repeatable."),
]


@with_cluster
@with_every_rule
def doctor(
    cluster: ClusterOptions,
    options: RuleOptions,
    work: WorkOption = None,
    form: FormatOption = "table",
) -> None:
    """Examine the connection, privileges, clocks, installed objects, the pipeline and the scheduler; change nothing.

    Ends with 1 when something must be mended, with 3 when the cluster cannot be reached. Of each kind of work it tells whether this
    user may do it; that a reader may not install is not a fault, unless --for asks for it.

    Example: detect doctor --url https://localhost:9200 --for run --format json
    """
    source = f"from {options.settings.source}" if options.settings.source else "no detect.toml: everything by default"
    deployment = options.deployment(cluster.namespace)
    with cluster.open() as engine:
        installation = Installation(engine, options.rules, cluster.namespace, deployment.events, work or (), deployment.filter)
        checks = [Check("settings", Verdict.OK, source), *examine(installation)]
    failed = any(check.verdict is Verdict.FAIL for check in checks)
    if form == "json":
        rows = [
            {"check": check.name, "verdict": str(check.verdict), "detail": check.detail, "mend": check.mend} for check in checks
        ]
        print_json({"healthy": not failed, "checks": rows})
    else:
        print_table(
            ["check", "", "detail"], [[c.name, Text(str(c.verdict), style=_STYLES[c.verdict]), escaped(c.detail)] for c in checks]
        )
        for check in checks:
            if check.mend:
                note(f"{check.name}: {check.detail}.\nTo mend it, {check.mend}")
    if failed:
        raise typer.Exit(1)
