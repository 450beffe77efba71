"""`detect install`, `diff`, `uninstall`: the desired objects against what the cluster has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from integration.assets import Asset
from integration.engines.base import Engine
from integration.errors import ClusterError, InputError, PartlyAppliedError
from integration.names import EVENTS_PATTERN, EVENTS_TEMPLATE, PIPELINE, Namespace
from integration.render.aggregation import DYNAMIC_FIELDS
from integration.render.templates import classifiers
from integration.rule import Rule

_DERIVED_FIELDS_SINCE = (2, 15)
_PIPELINE_SETTING = "index.default_pipeline"
# What engines add to a body by themselves, by the beginning of the dotted path.
_ADDED_BY_ENGINES = ("composed_of", "data_stream", "created_date", "modified_date", "ignore_missing_component_templates")


class State(StrEnum):
    """How an object on the cluster compares with the desired one."""

    MISSING = "missing"
    SAME = "same"
    DRIFTED = "drifted"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Status:
    """An object's state, and where it drifted: (dotted path, desired, found)."""

    kind: str
    name: str
    state: State
    differences: tuple[tuple[str, Any, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to an object, or why nothing was."""

    kind: str
    name: str
    action: str


def status_of(engine: Engine, asset: Asset) -> Status:
    """Compare one object on the cluster with the desired one."""
    found = asset.fetch(engine)
    if found is None:
        return Status(asset.kind, asset.name, State.MISSING)
    differences = tuple(_differences(asset.body, found))
    if not differences:
        return Status(asset.kind, asset.name, State.SAME)
    state = State.DRIFTED if asset.is_ours(found) else State.FOREIGN
    return Status(asset.kind, asset.name, state, differences)


def diff(engine: Engine, assets: Sequence[Asset], rules: Sequence[Rule]) -> list[Status]:
    """Compare every object, and the computed fields of the indices that are there already."""
    return [*(status_of(engine, asset) for asset in assets), *_index_statuses(engine, rules)]


class _Journal:
    """Tells of each step, and turns a fault after the first change into `PartlyAppliedError`."""

    def __init__(self, verb: str, on_step: Callable[[Step], None]) -> None:
        self._verb = verb
        self._on_step = on_step
        self._changes: list[str] = []

    def done(self, kind: str, name: str, action: str, *, changed: bool) -> None:
        if changed:
            self._changes.append(f"{kind} {name!r} {action}")
        self._on_step(Step(kind, name, action))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ClusterError) and self._changes:
            made = ", ".join(self._changes)
            raise PartlyAppliedError(
                f"{error}\nDone before that: {made}. Running `detect {self._verb}` again does the rest."
            ) from error


def install(
    engine: Engine, assets: Sequence[Asset], rules: Sequence[Rule], *, force: bool = False, on_step: Callable[[Step], None]
) -> None:
    """Bring every object to its desired body; each is read back and compared before it counts as done.

    Objects that are the same already are left alone. `InputError`, before anything is changed, when an object is there that this
    project did not make and `force` is not given; `PartlyAppliedError` when a later object fails.
    """
    if engine.name == "opensearch" and engine.version < _DERIVED_FIELDS_SINCE:
        raise ClusterError(f"OpenSearch {engine.version_text} has no derived fields, which came with 2.15; nothing was changed")
    statuses = [status_of(engine, asset) for asset in assets]
    foreign = [status for status in statuses if status.state is State.FOREIGN]
    if foreign and not force:
        names = ", ".join(f"{status.kind} {status.name!r}" for status in foreign)
        raise InputError(f"{names} on the cluster was not made by detect; nothing was changed. --force replaces it.")
    with _Journal("install", on_step) as journal:
        for asset, status in zip(assets, statuses, strict=True):
            changed = status.state is not State.SAME
            if changed:
                asset.put(engine)
                _read_back(engine, asset)
            journal.done(asset.kind, asset.name, _ACTIONS[status.state], changed=changed)
        for status in _index_statuses(engine, rules):
            changed = status.state is not State.SAME
            if changed:
                engine.put_mapping(status.name, classifiers(rules, engine.name))
                engine.request("PUT", f"/{status.name}/_settings", {_PIPELINE_SETTING: PIPELINE}, retry=True)
            journal.done(status.kind, status.name, _ACTIONS[status.state], changed=changed)


_ACTIONS = {State.MISSING: "created", State.SAME: "unchanged", State.DRIFTED: "updated", State.FOREIGN: "replaced"}


def uninstall(
    engine: Engine, assets: Sequence[Asset], namespace: Namespace, *, delete_data: bool, on_step: Callable[[Step], None]
) -> None:
    """Remove what `install` made, last first; documents stay unless `delete_data`, which removes the namespace's.

    Indices that stay no longer name the pipeline. A data stream that stays needs a template of its name, so a bare one is left for
    it. Objects that this project did not make are left alone.
    """
    with _Journal("uninstall", on_step) as journal:
        if delete_data:
            gone = engine.delete_data_stream(namespace.events)
            journal.done("data stream", namespace.events, "deleted" if gone else "was not there", changed=gone)
            gone = engine.delete_index(namespace.risk)
            journal.done("index", namespace.risk, "deleted" if gone else "was not there", changed=gone)
        for index in engine.backing_indices(EVENTS_PATTERN):
            engine.request("PUT", f"/{index}/_settings", {_PIPELINE_SETTING: "_none"}, retry=True)
            journal.done("index", index, "kept, without the pipeline", changed=True)
        for asset in reversed(assets):
            found = asset.fetch(engine)
            if found is None:
                journal.done(asset.kind, asset.name, "was not there", changed=False)
            elif not asset.is_ours(found):
                journal.done(asset.kind, asset.name, "left alone: not made by detect", changed=False)
            else:
                journal.done(asset.kind, asset.name, _remove(engine, asset), changed=True)


def _remove(engine: Engine, asset: Asset) -> str:
    if asset.name == EVENTS_TEMPLATE and engine.exists(EVENTS_PATTERN):
        bare = {key: asset.body[key] for key in ("index_patterns", "data_stream", "priority", "_meta")}
        engine.put_template(asset.name, bare)
        return "made bare: data streams of its name remain and need it; --delete-data removes them"
    asset.delete(engine)
    return "deleted"


def _read_back(engine: Engine, asset: Asset) -> None:
    after = status_of(engine, asset)
    if after.state is not State.SAME:
        path = after.differences[0][0] if after.differences else "the whole object"
        raise ClusterError(f"{asset.kind} {asset.name!r} was accepted, but reads back differently at {path}")


def _index_statuses(engine: Engine, rules: Sequence[Rule]) -> Iterator[Status]:
    """Compare the classifiers and the pipeline of every index of events that is there already; none before the first event."""
    key = DYNAMIC_FIELDS[engine.name]
    wanted = {key: classifiers(rules, engine.name)[key], "settings": {_PIPELINE_SETTING: PIPELINE}}
    settings = engine.request("GET", f"/{EVENTS_PATTERN}/_settings", params={"flat_settings": True}, retry=True)
    for index, mapping in sorted(engine.get_mapping(EVENTS_PATTERN).items()):
        fields = {name: body for name, body in mapping.get(key, {}).items() if name in wanted[key]}
        pipeline = settings.get(index, {}).get("settings", {}).get(_PIPELINE_SETTING)
        differences = tuple(_differences(wanted, {key: fields, "settings": {_PIPELINE_SETTING: pipeline}}))
        yield Status("index", index, State.DRIFTED if differences else State.SAME, differences)


def _differences(desired: dict[str, Any], found: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    left, right = dict(_leaves(desired)), dict(_leaves(found))
    for path in sorted(left.keys() | right.keys()):
        added = path not in left and path.startswith(_ADDED_BY_ENGINES)
        if not added and left.get(path) != right.get(path):
            yield path, left.get(path), right.get(path)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten to dotted paths; settings come back from engines as texts, so scalars are compared as texts."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{path}[{position}]")
    else:
        yield path, str(value).lower() if isinstance(value, bool | int) else value
