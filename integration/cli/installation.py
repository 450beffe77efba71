"""What the verbs of an installation share: options, what is desired, and how steps and comparisons are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer
from rich.text import Text

from integration.cli.connection import ClusterOptions
from integration.cli.options import Form
from integration.cli.output import escaped, note, print_json
from integration.cli.tables import print_table
from integration.detection.model import Rule
from integration.install.dashboards import SavedObject, dashboard_objects, front_end_of, unused_panels
from integration.install.deployment import Deployment
from integration.install.gin_timezone import NO_TIMEZONE
from integration.install.journal import OnStep, Step
from integration.install.named_object import SharedObject
from integration.install.objects import Connections, Leftover, ManagedObject, RuleObject, Target
from integration.install.ownership import tagged_rules
from integration.install.plan import Planned, State
from integration.install.retention import NO_RETENTION, ended
from integration.install.roles import role_objects
from integration.install.shared_objects import DataStream, abandoned, shared_objects
from integration.install.streams import Streams, streams_of
from integration.targets.choose import Alerting, target_of

_STYLES = {State.SAME: "", State.MISSING: "red", State.DRIFTED: "yellow", State.FOREIGN: "bold red"}

RolesOption = Annotated[
    bool, typer.Option("--roles", help="The least-privilege roles too; an administrator is needed to put them.")
]
DashboardsOption = Annotated[
    bool, typer.Option("--dashboards", help="The dashboard too, in Kibana or OpenSearch Dashboards, whose address is needed.")
]
AlertingOption = Annotated[
    Alerting, typer.Option("--alerting", envvar="DETECT_ALERTING", help="What runs the rules on the cluster; auto: what it has.")
]


@dataclass(frozen=True)
class Desired:
    """The rules, and all that shall be on the cluster for them: what they share, and each one's object where it runs."""

    connections: Connections
    rules: Sequence[Rule]
    streams: Streams
    shared: Sequence[SharedObject]
    target: Target | None
    rule_objects: Sequence[RuleObject]
    abandoned: Sequence[Leftover] = ()
    """What must go though no rule did: our part of hooks that nobody uses, an ended retention, panels that nothing shows."""
    dashboards: Sequence[SavedObject] = ()

    @property
    def objects(self) -> list[ManagedObject]:
        """Every object, in the order in which they must be created."""
        return [*self.shared, *self._needed, *self.rule_objects, *self.dashboards]

    @property
    def removable(self) -> list[ManagedObject]:
        """What goes with the rules, whatever happens to the documents."""
        return [
            *reversed(self.dashboards),
            *self.rule_objects,
            *(each for each in self._needed if not isinstance(each, DataStream)),
        ]

    @property
    def _needed(self) -> Sequence[ManagedObject]:
        return self.target.needs(self.rules) if self.target else ()

    @property
    def leftovers(self) -> list[Leftover]:
        """The objects of ours on the cluster whose rules are not desired."""
        return list(self.target.leftovers(self.connections, self.rules)) if self.target else []


@contextmanager
def desired(
    cluster: ClusterOptions,
    rules: Sequence[Rule],
    alerting: Alerting,
    deployment: Deployment,
    *,
    roles: bool = False,
    dashboards: bool = False,
    notify: str | None = None,
    connector: str | None = None,
    enable: bool = False,
    retention: str | None = None,
    keep_prompts: bool | None = None,
    gin_timezone: str | None = None,
) -> Iterator[Desired]:
    """Connect, and choose what shall be there; None for one of the last three stands for what is there already."""
    with cluster.open() as engine, cluster.open_kibana() as kibana, cluster.open_dashboards() as front_end:
        connections = Connections(engine, kibana, front_end)
        target = target_of(connections, alerting, deployment, notify, connector)
        streams = streams_of(engine)
        if retention is not None:
            streams = replace(streams, retention=None if retention == NO_RETENTION else retention)
        if keep_prompts is not None:
            streams = replace(streams, keep_prompts=keep_prompts)
        if gin_timezone is not None:
            streams = replace(streams, gin_timezone=None if gin_timezone == NO_TIMEZONE else gin_timezone)
        shared = [
            *shared_objects(rules, engine.name, streams),
            *(role_objects(engine.name, rules, deployment.index) if roles else ()),
        ]
        objects = [target.rule_object(rule, enable=enable) for rule in rules] if target else []
        gone = [*abandoned(connections, rules, streams), *(ended(connections) if retention == NO_RETENTION else ())]
        shown: list[SavedObject] = []
        if dashboards:
            place = front_end_of(connections)
            shown = dashboard_objects(rules, deployment, engine.name, place.space)
            place.check()
            gone += unused_panels(connections, deployment.namespace, shown)
        yield Desired(connections, rules, streams, shared, target, objects, gone, shown)


@contextmanager
def steps(form: Form) -> Iterator[OnStep]:
    """Take steps, write each as it comes, and in JSON all as one result at the end, whatever happens."""
    taken: list[Step] = []

    def take(step: Step) -> None:
        taken.append(step)
        if form == "table":
            print(f"{step.kind} {escaped(step.name)}: {step.action}")  # noqa: T201

    try:
        yield take
    finally:
        if form == "json":
            print_json({"steps": [asdict(step) for step in taken]})


def print_states(planned: Sequence[Planned], title: str = "") -> None:
    """Write a table of objects and their states."""
    rows: list[list[str | Text]] = [[each.kind, each.name, Text(str(each.state), style=_STYLES[each.state])] for each in planned]
    print_table(["kind", "name", "state"], rows, title)


def note_dropped(planned: Sequence[Planned], rules: Sequence[Rule]) -> None:
    """Note the rules that the installed objects serve and that are not in the set."""
    served = frozenset[str]().union(*(tagged_rules(each.found) for each in planned))
    if dropped := sorted(served - {rule.id for rule in rules}):
        note(f"Installed until now, and not in this set: {', '.join(dropped)}. Was --rules or DETECT_RULES forgotten?")


def state_json(planned: Planned) -> dict[str, Any]:
    """Return an object's state and where it differs as JSON."""
    differences = [{"path": path, "desired": want, "found": found} for path, want, found in planned.differences]
    return {"kind": planned.kind, "name": planned.name, "state": str(planned.state), "differences": differences}


def leftovers_json(leftovers: Sequence[Leftover]) -> list[dict[str, str]]:
    """Return objects whose rules are not desired as JSON."""
    return [{"kind": each.kind, "name": each.name, "rule_id": each.rule_id} for each in leftovers]
