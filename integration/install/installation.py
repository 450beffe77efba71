"""`detect install`, `diff`, `uninstall`, `enable`, `disable`: the desired objects against what the cluster has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import ClusterError, ConflictError, InputError, OverwrittenError, PartlyAppliedError
from integration.install.comparison import ACTIONS, Difference, State, Status, Step, differences, status_of
from integration.install.objects import Asset
from integration.install.ownership import mark
from integration.install.target import RuleTarget
from integration.names import EVENTS_PATTERN, EVENTS_TEMPLATE, PIPELINE, Namespace
from integration.render.aggregation import DYNAMIC_FIELDS
from integration.render.templates import computed_fields

_DERIVED_FIELDS_SINCE = (2, 15)
_PIPELINE_SETTING = "index.default_pipeline"

OnStep = Callable[[Step], None]


def asset_status(engine: Engine, asset: Asset) -> Status:
    """Compare one object on the cluster with the desired one."""

    def differing(found: Mapping[str, Any]) -> Iterator[Difference]:
        for path, desired, there in differences(asset.body, found):
            if desired is not None or not path.startswith(asset.added):
                yield path, desired, there

    return status_of(asset.kind, asset.name, asset.fetch(engine), asset.is_ours, differing)


def diff(engine: Engine, assets: Sequence[Asset], rules: Sequence[Rule], targets: Sequence[RuleTarget] = ()) -> list[Status]:
    """Compare every object, the computed fields of the indices that are there already, and the rules' objects at each target."""
    return [
        *(asset_status(engine, asset) for asset in assets),
        *_index_statuses(engine, rules),
        *(target.status(rule) for target in targets for rule in rules),
    ]


class _Journal:
    """Tells of each step, and turns a fault after the first change into `PartlyAppliedError`; an interrupt gets a note."""

    def __init__(self, verb: str, on_step: OnStep) -> None:
        self._verb = verb
        self._on_step = on_step
        self._changes: list[str] = []

    def done(self, step: Step) -> None:
        if step.changed:
            self._changes.append(f"{step.kind} {step.name!r} {step.action}")
        self._on_step(step)

    def applied(self, status: Status, action: Callable[[], None], verify: Callable[[], None]) -> None:
        """Do what makes an object the desired one, unless it is already; a fault found afterwards comes after a change."""
        changed = status.state is not State.SAME
        if changed:
            done = f"{status.kind} {status.name!r} {ACTIONS[status.state]}"
            try:
                action()
            except OverwrittenError:
                self._changes.append(done)
                raise
            self._changes.append(done)
            verify()
        self._on_step(Step(status.kind, status.name, ACTIONS[status.state], changed))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ConflictError):
            hint = f"Somebody else changed it at the same time; look at it, and run `detect {self._verb}` again."
        else:
            hint = f"Running `detect {self._verb}` again does the rest."
        done = f"Done before that: {', '.join(self._changes) or 'nothing'}. {hint}"
        if isinstance(error, KeyboardInterrupt):
            error.add_note(done)
        if isinstance(error, ClusterError) and self._changes:
            raise PartlyAppliedError(f"{error}\n{done}") from error


def install(
    engine: Engine,
    assets: Sequence[Asset],
    rules: Sequence[Rule],
    targets: Sequence[RuleTarget] = (),
    *,
    force: bool = False,
    enable: bool = False,
    on_step: OnStep,
) -> None:
    """Bring every object to its desired body; each is read back and compared before it counts as done.

    Objects that are the same already are left alone. `InputError`, before anything is changed, when an object is there that this
    project did not make and `force` is not given, or a target cannot be told a rule or the filter; `PartlyAppliedError` when a
    later object fails.
    """
    if engine.name == "opensearch" and engine.version < _DERIVED_FIELDS_SINCE:
        raise ClusterError(f"OpenSearch {engine.version_text} has no derived fields, which came with 2.15; nothing was changed")
    statuses = [asset_status(engine, asset) for asset in assets]
    for target in targets:
        for rule in rules:
            target.body(rule)  # what the target cannot be told is refused here, before anything is changed
    placed = [(target, rule, target.status(rule)) for target in targets for rule in rules]
    _refuse_foreign([*statuses, *(status for _, _, status in placed)], force=force)
    with _Journal("install", on_step) as journal:
        for asset, status in zip(assets, statuses, strict=True):
            journal.applied(status, partial(_put, engine, asset, status), partial(_read_back, engine, asset))
        for status in _index_statuses(engine, rules):
            journal.applied(status, lambda s=status: _connect_index(engine, s.name, rules), lambda: None)  # type: ignore[misc]
        for target in targets:
            for step in target.prepare():
                journal.done(step)
        for target, rule, status in placed:
            _place(journal, target, rule, status, enable=enable)


def _refuse_foreign(statuses: Sequence[Status], *, force: bool) -> None:
    foreign = [status for status in statuses if status.state is State.FOREIGN]
    if foreign and not force:
        names = ", ".join(f"{status.kind} {status.name!r}" for status in foreign)
        raise InputError(f"{names} on the cluster was not made by detect; nothing was changed. --force replaces it.")


def _place(journal: _Journal, target: RuleTarget, rule: Rule, status: Status, *, enable: bool) -> None:
    journal.applied(status, lambda: _put_rule(target, rule, status, enable=enable), lambda: target.verify(rule))
    if status.state is State.SAME and enable:
        journal.done(target.set_enabled(rule, enabled=True))


def _put_rule(target: RuleTarget, rule: Rule, before: Status, *, enable: bool) -> None:
    """Put a rule's object that is still as it was when this installation looked at it; another one may have put it already."""
    now = target.status(rule)
    if now.state is not State.SAME and (now.state, now.differences) != (before.state, before.differences):
        raise ConflictError(f"{now.kind} {now.name!r} was changed since it was compared; it was left as it is")
    target.put(rule, enable=enable)


def set_enabled(rules: Sequence[Rule], targets: Sequence[RuleTarget], *, enabled: bool, on_step: OnStep) -> None:
    """Start or stop the rules at every target; `InputError` when one is not installed."""
    with _Journal("enable" if enabled else "disable", on_step) as journal:
        for target in targets:
            for rule in rules:
                journal.done(target.set_enabled(rule, enabled=enabled))


def uninstall(
    engine: Engine,
    assets: Sequence[Asset],
    rules: Sequence[Rule],
    namespace: Namespace,
    targets: Sequence[RuleTarget] = (),
    *,
    delete_data: bool,
    on_step: OnStep,
) -> None:
    """Remove what `install` made, last first; documents stay unless `delete_data`, which removes the namespace's.

    Indices that stay no longer name the pipeline. A data stream that stays needs a template of its name, so a bare one is left for
    it; an empty one goes. Objects that this project did not make are left alone.
    """
    with _Journal("uninstall", on_step) as journal:
        for target in targets:
            for rule in rules:
                journal.done(target.remove(rule))
        _remove_data(engine, namespace, journal, all_of_it=delete_data)
        for index in engine.backing_indices(EVENTS_PATTERN):
            engine.request("PUT", f"/{index}/_settings", {_PIPELINE_SETTING: "_none"}, retry=True)
            journal.done(Step("index", index, "kept, without the pipeline", changed=True))
        for asset in reversed(assets):
            journal.done(_remove(engine, asset))


def data_of(namespace: Namespace) -> dict[str, str]:
    """Give the kind of everything that holds a namespace's documents, by its name."""
    return {namespace.risk: "index", namespace.state: "index", namespace.events: "data stream"}


def _remove_data(engine: Engine, namespace: Namespace, journal: _Journal, *, all_of_it: bool) -> None:
    """Delete the namespace's documents if all of it shall go, and its data stream if it holds none."""
    for name, kind in data_of(namespace).items():
        is_stream = kind == "data stream"
        if all_of_it or (is_stream and engine.exists(name) and not engine.count(name, {"match_all": {}})):
            gone = engine.delete_data_stream(name) if is_stream else engine.delete_index(name)
            journal.done(Step(kind, name, "deleted" if gone else "was not there", gone))


def _untouched(asset: Asset, found: dict[str, Any] | None) -> Step | None:
    """Say why an uninstallation does nothing about an object; None when it is one of ours."""
    if found is None:
        return Step(asset.kind, asset.name, "was not there")
    if not asset.is_ours(found):
        return Step(asset.kind, asset.name, "left alone: not made by detect")
    return None


def _remove(engine: Engine, asset: Asset) -> Step:
    if step := _untouched(asset, asset.fetch(engine)):
        return step
    if asset.name == EVENTS_TEMPLATE and engine.exists(EVENTS_PATTERN):
        bare = {key: asset.body[key] for key in ("index_patterns", "data_stream", "priority")}
        engine.put_template(asset.name, bare | {"_meta": mark(bare, {})})
        action = "made bare: data streams of its name remain and need it; --delete-data removes them"
        return Step(asset.kind, asset.name, action, changed=True)
    asset.delete(engine)
    return Step(asset.kind, asset.name, "deleted", changed=True)


def _put(engine: Engine, asset: Asset, before: Status) -> None:
    """Put an object that is still as it was when this installation looked at it; another one may have put it already.

    Only Elasticsearch's pipelines can be guarded while they are written: elsewhere a change in that moment would be lost.
    """
    now = asset_status(engine, asset)
    if now.state is State.SAME:
        return
    if now.found != before.found:
        raise ConflictError(f"{asset.kind} {asset.name!r} was changed since it was compared; it was left as it is")
    asset.put(engine, now.found)


def _read_back(engine: Engine, asset: Asset) -> None:
    after = asset_status(engine, asset)
    if after.state is not State.SAME:
        path = after.differences[0][0] if after.differences else "the whole object"
        raise ClusterError(f"{asset.kind} {asset.name!r} was accepted, but reads back differently at {path}")


def _connect_index(engine: Engine, index: str, rules: Sequence[Rule]) -> None:
    engine.put_mapping(index, computed_fields(rules, engine.name))
    engine.request("PUT", f"/{index}/_settings", {_PIPELINE_SETTING: PIPELINE}, retry=True)


def _index_statuses(engine: Engine, rules: Sequence[Rule]) -> Iterator[Status]:
    """Compare the computed fields and the pipeline of every index of events that is there already; none before the first event."""
    key = DYNAMIC_FIELDS[engine.name]
    wanted: dict[str, Any] = {key: computed_fields(rules, engine.name)[key], "settings": {_PIPELINE_SETTING: PIPELINE}}
    settings = engine.request("GET", f"/{EVENTS_PATTERN}/_settings", params={"flat_settings": True}, retry=True)
    for index, mapping in sorted(engine.get_mapping(EVENTS_PATTERN).items()):
        fields = {name: body for name, body in mapping.get(key, {}).items() if name in wanted[key]}
        pipeline = settings.get(index, {}).get("settings", {}).get(_PIPELINE_SETTING)
        differing = tuple(differences(wanted, {key: fields, "settings": {_PIPELINE_SETTING: pipeline}}))
        yield Status("index", index, State.DRIFTED if differing else State.SAME, differing)
