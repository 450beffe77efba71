"""`detect uninstall`: take away what `detect install` made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.installation import AlertingOption, DashboardsOption, RolesOption, desired, steps
from integration.cli.options import FormatOption, RuleOptions, with_every_rule
from integration.cli.output import confirmed, is_on_terminal, note
from integration.cli.tables import print_table
from integration.errors import InputError
from integration.install.deployment import Deployment
from integration.install.removal import Removal, data_of, removals, remove
from integration.targets.choose import Alerting

_PLANNED = {"deleted": "delete", "kept, without the pipeline": "keep, without the pipeline"}
"""What a dry run calls a step."""


@with_cluster
@with_every_rule
def uninstall(
    cluster: ClusterOptions,
    options: RuleOptions,
    alerting: AlertingOption = Alerting.AUTO,
    roles: RolesOption = False,
    dashboards: DashboardsOption = False,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Delete the namespace's documents too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done; change nothing.")] = False,
    form: FormatOption = "table",
) -> None:
    """Remove what `detect install` made and nothing else.

    Events, risk events and how far `detect watch` is stay unless --delete-data is given. It asks before it removes anything: for
    --delete-data always, else on a terminal.

    Example: detect uninstall --dry-run
    """
    deployment = Deployment(cluster.namespace, options.index)
    with desired(cluster, options.rules, alerting, deployment, roles=roles, dashboards=dashboards) as wanted:
        planned = removals(
            wanted.connections,
            wanted.shared,
            wanted.removable,
            [*wanted.abandoned, *wanted.leftovers],
            cluster.namespace,
            delete_data=delete_data,
        )
        if (delete_data or is_on_terminal()) and not (yes or dry_run):
            _confirm(planned, cluster)
        if dry_run and form == "table":
            rows = [[_PLANNED.get(each.step.action, each.step.action), each.step.kind, each.step.name] for each in planned]
            print_table(["plan", "kind", "name"], rows)
        with steps(form) as on_step:
            if not dry_run:
                remove(planned, on_step)
            elif form == "json":
                for removal in planned:
                    on_step(removal.step)
    if not dashboards and (wanted.connections.kibana or wanted.connections.dashboards):
        note("A dashboard, where one was installed, stays: --dashboards removes it.")
    if dry_run:
        note("Dry run: nothing was changed.")


def _confirm(planned: Sequence[Removal], cluster: ClusterOptions) -> None:
    """Ask, where there is something to remove; `InputError` unless the answer is yes."""
    data = data_of(cluster.namespace)
    changed = [each.step.name for each in planned if each.step.changed]
    documents = [f"all of {name}" for name in changed if name in data]
    objects = len(changed) - len(documents)
    what = " and ".join([*([f"{objects} object{'s' * (objects != 1)}"] if objects else []), *documents])
    if changed and not confirmed(f"Remove {what} from {cluster.connection.url}?"):
        raise InputError("nothing was changed: it was not confirmed (--yes removes without asking)")
