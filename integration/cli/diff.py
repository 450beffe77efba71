"""`detect diff`: what on the cluster differs from what would be installed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any

import typer

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
from integration.cli.options import FormatOption, RuleOptions, with_every_rule
from integration.cli.output import note, print_json
from integration.cli.tables import print_diff, print_table
from integration.install.comparison import leaves
from integration.install.ownership import untagged
from integration.install.plan import Planned, State, plan
from integration.targets.choose import Alerting

_STEPS = re.compile(r"[^.\[\]]+|\[\d+\]")
_LONG = 100
# Where a long script of one line may be broken to be read.
_BREAK = re.compile(r"(?<=[;{}] )|(?<= && )|(?<= \|\| )")


@with_cluster
@with_every_rule
def diff(
    cluster: ClusterOptions,
    options: RuleOptions,
    alerting: AlertingOption = Alerting.AUTO,
    roles: RolesOption = False,
    dashboards: DashboardsOption = False,
    form: FormatOption = "table",
) -> None:
    """Compare each object on the cluster with what this version and these rules would install; ends with 1 on any difference.

    Changed lines are shown as a unified difference: - is on the cluster, + is desired. What engines add by themselves is not a
    difference, nor is what you own: whether a rule is enabled, whom it notifies.

    Example: detect diff --format json
    """
    deployment = options.deployment(cluster.namespace)
    with desired(cluster, options.rules, alerting, deployment, roles=roles, dashboards=dashboards) as wanted:
        planned, leftovers = plan(wanted.connections, wanted.objects), wanted.leftovers
    if form == "json":
        print_json({"objects": [state_json(each) for each in planned], "leftovers": leftovers_json(leftovers)})
    else:
        print_states(planned)
        for each in planned:
            print_diff(unified(each))
        if leftovers:
            print_table(["kind", "name"], [[each.kind, each.name] for each in leftovers], "Of rules that are not in this set")
    note_dropped(planned, options.rules)
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


def unified(planned: Planned) -> Iterator[str]:
    """Yield an object's unified difference: what is on the cluster is taken away, what is desired added; scripts line by line."""
    desired = dict(leaves(planned.object.body))
    stated = {path: want for path, want, _ in planned.differences if want is not None}
    if not stated.keys() <= desired.keys():  # the body stands for several objects, each compared with it
        desired = stated
    found = dict(desired)
    for path, _, there in planned.differences:
        if there is None:
            found.pop(path, None)
        else:
            found[path] = there
    before, after = (list(_lines(_tree(leaves_of))) for leaves_of in (found, desired))
    named = f"{planned.kind} {planned.name}"
    yield from unified_diff(before, after, f"{named} (on the cluster)", f"{named} (desired)", lineterm="")


def _tree(of_paths: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of mappings; an item of a list has its position as its key."""
    tree: dict[str, Any] = {}
    for path, value in of_paths.items():
        *above, last = _STEPS.findall(path)
        at = tree
        for step in above:
            at = at.setdefault(step, {})
        at[last] = value
    return tree


def _lines(value: Any) -> Iterator[str]:
    """Yield a tree as the lines of YAML that a person reads."""
    if not isinstance(value, dict):
        text = "" if value is None else str(value) or '""'
        parts = [part for line in text.split("\n") for part in (_BREAK.split(line) if len(line) > _LONG else [line])]
        yield from (parts if len(parts) == 1 else ["|", *(f"  {part}".rstrip() for part in parts)])
        return
    for key in sorted(value, key=_place):
        first, *rest = _lines(value[key])
        item = key.startswith("[")
        if item:
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
        elif isinstance(value[key], dict):
            yield f"{key}:"
            yield from (f"  {line}" for line in (first, *rest))
        else:
            yield f"{key}: {first}"
            yield from rest


def _place(key: str) -> tuple[int, str]:
    return (int(key[1:-1]), "") if key.startswith("[") else (0, key)
