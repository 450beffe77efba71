"""How an object on a cluster compares with the desired one, and what was done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

_Found = TypeVar("_Found")

Difference = tuple[str, Any, Any]
"""Where two bodies differ: (dotted path, desired, found); None for what one side does not have."""


class State(StrEnum):
    """How an object on the cluster compares with the desired one."""

    MISSING = "missing"
    SAME = "same"
    DRIFTED = "drifted"
    FOREIGN = "foreign"


ACTIONS = {State.MISSING: "created", State.SAME: "unchanged", State.DRIFTED: "updated", State.FOREIGN: "replaced"}
"""What an installation does about each state."""


@dataclass(frozen=True, slots=True)
class Status:
    """An object's state, where it drifted, and what was read of it."""

    kind: str
    name: str
    state: State
    differences: tuple[Difference, ...] = ()
    found: Any = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to an object, or why nothing was."""

    kind: str
    name: str
    action: str
    changed: bool = False


def status_of(
    kind: str,
    name: str,
    found: _Found | None,
    is_ours: Callable[[_Found], bool],
    differing: Callable[[_Found], Iterable[Difference]],
) -> Status:
    """Judge an object by what was read of it, None when there is none: whether it bears our mark, and where it differs."""
    if found is None:
        return Status(kind, name, State.MISSING)
    where = tuple(differing(found))
    state = State.FOREIGN if not is_ours(found) else State.DRIFTED if where else State.SAME
    return Status(kind, name, state, where, found)


def differences(desired: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Difference]:
    """Compare two bodies leaf by leaf; engines give numbers and truth values back as texts, so these are compared as texts."""
    left, right = dict(_leaves(desired)), dict(_leaves(found))
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            yield path, left.get(path), right.get(path)


def changes(desired: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Difference]:
    """Compare by the keys of the desired body; what was added to an object below them is no difference, what to a list is one."""
    for path, want, has in differences(desired, {key: found.get(key) for key in desired}):
        if want is not None or path.endswith("]"):
            yield path, want, has


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{path}[{position}]")
    else:
        yield path, str(value).lower() if isinstance(value, bool | int) else value
