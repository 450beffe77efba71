"""`detect diff`: what on the cluster differs from what would be installed."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from integration.cli.config import ConfigOption, IndexOption, configured
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.installation import (
    AlertingOption,
    DashboardsOption,
    RolesOption,
    desired,
    leftovers_json,
    note_dropped,
    print_states,
    state_json,
)
from integration.cli.options import Format, FormatOption, RulesOption
from integration.cli.output import note, print_json
from integration.cli.tables import print_diff, print_table
from integration.cli.unified import unified
from integration.install.deployment import Deployment
from integration.install.ownership import untagged
from integration.install.plan import State, plan
from integration.targets.choose import Alerting


@with_cluster
def diff(
    cluster: ClusterOptions,
    rules: RulesOption = None,
    alerting: AlertingOption = Alerting.AUTO,
    roles: RolesOption = False,
    dashboards: DashboardsOption = False,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare each object on the cluster with what this version and these rules would install; ends with 1 on any difference.

    Changed lines are shown as a unified difference: - is on the cluster, + is desired. What engines add by themselves is not a
    difference, nor is what you own: whether a rule is enabled, whom it notifies.

    Example: detect diff --format json
    """
    settings, loaded = configured(config, rules, None)
    deployment = Deployment(cluster.namespace, index, settings.post_filter)
    with desired(cluster, loaded, alerting, deployment, roles=roles, dashboards=dashboards) as wanted:
        planned, leftovers = plan(wanted.connections, wanted.objects), wanted.leftovers
    if form is Format.JSON:
        print_json({"objects": [state_json(each) for each in planned], "leftovers": leftovers_json(leftovers)})
    else:
        print_states(planned)
        for each in planned:
            print_diff(unified(each))
        if leftovers:
            print_table(["kind", "name"], [[each.kind, each.name] for each in leftovers], "Of rules that are not in this set")
    note_dropped(planned, loaded)
    _note_next([each.state for each in planned])
    if leftovers or any(each.state is not State.SAME for each in planned):
        raise typer.Exit(1)


def _note_next(states: Sequence[State]) -> None:
    """Note how many objects differ, and what puts them right."""
    count = {state: states.count(state) for state in State}
    mendable, foreign = count[State.MISSING] + count[State.DRIFTED], count[State.FOREIGN]
    if mendable:
        right = "" if foreign else ": `detect install` puts that right"
        note(f"{mendable} of {len(states)} {'is' if mendable == 1 else 'are'} missing or drifted{right}.")
    if foreign:
        whole = " and puts the rest right" if mendable else ""
        note(
            f"{foreign} of {len(states)} {untagged(foreign)} (foreign); `detect install` changes nothing while that is so, "
            f"`detect install --force` replaces what is there{whole}."
        )
