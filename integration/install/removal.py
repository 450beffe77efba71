"""The plan of an uninstallation: what goes, what stays and why; made once, then shown or carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from integration.engines.base import Engine
from integration.errors import ClusterError, ForbiddenError, MissingApiError, NotFoundError
from integration.install.event_indices import EventIndices
from integration.install.journal import Journal, OnStep, Step
from integration.install.named_object import SharedObject
from integration.install.objects import Connections, Leftover, ManagedObject
from integration.install.ownership import shared_tag
from integration.names import DATASETS, Namespace, data_stream_of

_NO_INTERFACE = (
    "has no interface that deletes data streams, as an Elasticsearch of `detect cluster up` has none; nothing was changed. "
    "`detect cluster down --delete-data` deletes such a node's data, and without it `detect uninstall` takes away the rest"
)


@dataclass(frozen=True, slots=True)
class Removal:
    """One step, and what carries it out; None where nothing is to be done."""

    step: Step
    act: Callable[[], object] | None = None


def removals(
    connections: Connections,
    shared: Sequence[SharedObject],
    of_rules: Sequence[ManagedObject],
    leftovers: Sequence[Leftover],
    namespace: Namespace,
    *,
    delete_data: bool,
) -> list[Removal]:
    """Return what removes all that `detect install` made, last first; documents stay unless `delete_data` takes the namespace's.

    Indices that stay no longer name the pipeline. A data stream that stays needs a template of its name, so a bare one is left for
    it; an empty one goes. Objects that this project did not make are left alone. `ClusterError` where data streams shall go and the
    cluster has no interface for that.
    """
    planned = [_removal(connections, managed) for managed in of_rules]
    planned += [Removal(Step(each.kind, each.name, "deleted", changed=True), each.delete) for each in leftovers]
    gone: set[str] = set()
    for name, kind in data_of(namespace).items():
        if kind == "index" and not delete_data:
            continue  # whoever may uninstall need not see it
        engine = connections.engine
        indices = engine.backing_indices(name)
        if not (delete_data or (indices and not engine.count(name, {"match_all": {}}))):
            continue
        if indices and kind == "data stream" and not _deletes_streams(engine, name):
            if delete_data:
                raise ClusterError(f"{engine.url} {_NO_INTERFACE}")
            continue
        gone |= set(indices)
        planned.append(_data_removal(engine, kind, name) if indices else Removal(Step(kind, name, "was not there")))
    return planned + list(_shared_removals(connections, shared, gone, namespace))


def _deletes_streams(engine: Engine, name: str) -> bool:
    """Return whether a cluster can be asked to delete data streams; an Elasticsearch of its core alone cannot."""
    if engine.name != "elasticsearch":
        return True
    try:
        engine.request("GET", f"/_data_stream/{name}", retry=True)
    except (ForbiddenError, NotFoundError):
        return True
    except MissingApiError:
        return False
    return True


def _data_removal(engine: Engine, kind: str, name: str) -> Removal:
    delete = engine.delete_data_stream if kind == "data stream" else engine.delete_index
    return Removal(Step(kind, name, "deleted", changed=True), partial(delete, name))


def _shared_removals(
    connections: Connections, shared: Sequence[SharedObject], gone: set[str], namespace: Namespace
) -> Iterator[Removal]:
    """Remove what rules share, `gone` being the indices that are no more by then."""
    kept: dict[str, Any] = {}
    for managed in reversed(shared):
        if isinstance(managed, EventIndices):
            kept = {index: found for index, found in managed.fetch(connections).items() if index not in gone}
            if any(managed.is_connected(found) for found in kept.values()):
                step = Step(managed.kind, managed.name, "kept, without the pipeline", changed=True)
                yield Removal(step, partial(managed.delete, connections, kept))
        elif "data_stream" in managed.body and kept:
            yield _bare(connections.engine, managed, _removal(connections, managed), set(map(data_stream_of, kept)), namespace)
        else:
            yield _removal(connections, managed)


def remove(planned: Sequence[Removal], on_step: OnStep) -> None:
    """Carry out what `removals` gave; `PartlyAppliedError` when one fails after another was done."""
    with Journal("uninstall", on_step) as journal:
        for removal in planned:
            if removal.act is not None:
                removal.act()
            journal.done(removal.step)


def data_of(namespace: Namespace) -> dict[str, str]:
    """Return the kind of everything that holds a namespace's documents, by its name."""
    return {namespace.risk: "index", namespace.state: "index", **{namespace.stream(each): "data stream" for each in DATASETS}}


def _removal(connections: Connections, managed: ManagedObject) -> Removal:
    found = managed.fetch(connections)
    if found is None:
        return Removal(Step(managed.kind, managed.name, "was not there"))
    if not managed.is_ours(found):
        return Removal(Step(managed.kind, managed.name, "left alone: no ownership tag of detect"))
    return Removal(Step(managed.kind, managed.name, "deleted", changed=True), partial(managed.delete, connections, found))


def _bare(engine: Engine, template: SharedObject, whole: Removal, streams: set[str], namespace: Namespace) -> Removal:
    """Leave a template that data streams need, but nothing of ours in it; say which they are and what removes them."""
    if whole.act is None:
        return whole
    bare = {key: template.body[key] for key in ("index_patterns", "data_stream", "priority")}
    names = [stream.removeprefix(f"{template.name}-") for stream in sorted(streams)]
    removing = ["--delete-data" if name == namespace.name else f"--namespace {name} --delete-data" for name in names]
    action = f"made bare: needed by {', '.join(sorted(streams))}; what removes that: {' and '.join(removing)}"
    put = partial(engine.put_template, template.name, bare | {"_meta": shared_tag(bare, ())})
    return Removal(Step(template.kind, template.name, action, changed=True), put)
