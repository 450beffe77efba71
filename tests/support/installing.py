"""Installing and comparing without the command."""

from __future__ import annotations

from collections.abc import Sequence

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.kibana import Kibana
from integration.install.journal import Step
from integration.install.objects import Connections, ManagedObject
from integration.install.plan import State, compared, install
from integration.install.shared_objects import shared_objects


def install_objects(
    engine: Engine, objects: Sequence[ManagedObject], kibana: Kibana | None = None, *, force: bool = False
) -> list[Step]:
    """Install objects; the steps that were taken."""
    steps: list[Step] = []
    install(Connections(engine, kibana), objects, force=force, on_step=steps.append)
    return steps


def install_shared(engine: Engine, rules: Sequence[Rule], *, force: bool = False) -> list[Step]:
    """Install what rules share; the steps that were taken."""
    return install_objects(engine, shared_objects(rules, engine.name), force=force)


def state_of(engine: Engine, managed: ManagedObject) -> State:
    """How an object on a cluster compares with the desired one."""
    return compared(Connections(engine), managed).state


def put(on: Connections, managed: ManagedObject) -> None:
    """Bring an object to its desired body, whatever is there."""
    managed.put(on, managed.fetch(on))
