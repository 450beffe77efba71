"""The plan of an installation: each object as it should be beside what the cluster has; made once, then shown or applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from integration.errors import ClusterError, ConflictError, InputError, OverwrittenError
from integration.install.comparison import Difference
from integration.install.journal import Journal, OnStep, Step
from integration.install.objects import Connections, Leftover, ManagedObject, RuleObject
from integration.install.ownership import manager, untagged

_DERIVED_FIELDS_SINCE = (2, 15)


class State(StrEnum):
    """How an object on the cluster compares with the desired one."""

    MISSING = "missing"
    SAME = "same"
    DRIFTED = "drifted"
    FOREIGN = "foreign"


VERBS = {State.MISSING: "create", State.SAME: "keep", State.DRIFTED: "update", State.FOREIGN: "replace"}
"""What an installation would do about each state."""
_DONE = {State.MISSING: "created", State.SAME: "unchanged", State.DRIFTED: "updated", State.FOREIGN: "replaced"}


@dataclass(frozen=True, slots=True)
class Planned:
    """An object, what was read of it, its state, and where it differs."""

    object: ManagedObject
    found: Any
    state: State
    differences: tuple[Difference, ...] = ()

    @property
    def kind(self) -> str:
        """The object's kind."""
        return self.object.kind

    @property
    def name(self) -> str:
        """The object's name."""
        return self.object.name


def compared(connections: Connections, managed: ManagedObject) -> Planned:
    """Read an object and compare it with the desired one."""
    found = managed.fetch(connections)
    if found is None:
        return Planned(managed, None, State.MISSING)
    differences = tuple(managed.compare(found))
    state = State.FOREIGN if not managed.is_ours(found) else State.DRIFTED if differences else State.SAME
    return Planned(managed, found, state, differences)


def plan(connections: Connections, objects: Sequence[ManagedObject]) -> list[Planned]:
    """Compare every object that there is something of to compare.

    `InputError`, before anything is asked, for a body that cannot be said where it shall go.
    """
    for managed in objects:
        _ = managed.body
    return [each for managed in objects if managed.applies_to((each := compared(connections, managed)).found)]


def apply(
    connections: Connections,
    planned: Sequence[Planned],
    *,
    leftovers: Sequence[Leftover] = (),
    force: bool = False,
    on_step: OnStep,
) -> None:
    """Do what a plan says, and delete the leftovers; each object is read back and compared before it counts as done.

    `InputError`, before anything is changed, when an object is there that this project did not make and `force` is not given;
    `PartlyAppliedError` when a later object fails.
    """
    engine = connections.engine
    if engine.name == "opensearch" and engine.version < _DERIVED_FIELDS_SINCE:
        raise ClusterError(f"OpenSearch {engine.version_text} has no derived fields, which came with 2.15; nothing was changed")
    if not force:
        refuse_foreign(planned)
    with Journal("install", on_step) as journal:
        for each in planned:
            _apply_one(connections, each, journal)
        for leftover in leftovers:
            leftover.delete()
            journal.done(Step(leftover.kind, leftover.name, "deleted", changed=True))


def refuse_foreign(planned: Sequence[Planned]) -> None:
    """Raise `InputError` when an object is there that this project did not make."""
    foreign = [
        f"{each.kind} {each.name!r}{f' (managed by {name})' if (name := manager(each.found)) else ''}"
        for each in planned
        if each.state is State.FOREIGN
    ]
    if foreign:
        replaced = "it" if len(foreign) == 1 else "them"
        told = f"{', '.join(foreign)} on the cluster {untagged(len(foreign))}"
        raise InputError(f"{told}; nothing was changed. --force replaces {replaced}.")


def _apply_one(connections: Connections, planned: Planned, journal: Journal) -> None:
    step = Step(planned.kind, planned.name, _DONE[planned.state], planned.state is not State.SAME)
    if step.changed:
        try:
            _put(connections, planned)
        except OverwrittenError:
            journal.changed(step)
            raise
        journal.changed(step)
        planned.object.verify(connections)
    journal.tell(step)


def _put(connections: Connections, before: Planned) -> None:
    """Put an object that is still as it was when it was planned; somebody else may have put the desired one already.

    Most writes cannot be made to depend on what was read: a change at the same moment would be lost.
    """
    now = compared(connections, before.object)
    if now.state is State.SAME:
        return
    if (now.state, now.differences) != (before.state, before.differences):
        raise ConflictError(f"{now.kind} {now.name!r} was changed since it was compared; it was left as it is")
    before.object.put(connections, now.found)


def install(connections: Connections, objects: Sequence[ManagedObject], *, force: bool = False, on_step: OnStep) -> None:
    """Plan and apply."""
    apply(connections, plan(connections, objects), force=force, on_step=on_step)


def set_enabled(connections: Connections, objects: Sequence[RuleObject], *, enabled: bool, on_step: OnStep) -> None:
    """Start or stop the rules' objects; `InputError` when one is not installed."""
    word = "enabled" if enabled else "disabled"
    with Journal("enable" if enabled else "disable", on_step) as journal:
        for each in objects:
            found = each.fetch(connections)
            if found is None or not each.is_ours(found):
                raise InputError(f"there is no {each.kind} {each.name!r} made by detect; `detect install` makes it")
            if each.is_enabled(found) is enabled:
                journal.done(Step(each.kind, each.name, f"is {word} already"))
                continue
            each.switch(connections, found, enabled=enabled)
            journal.done(Step(each.kind, each.name, word, changed=True))
