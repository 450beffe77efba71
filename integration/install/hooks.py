"""What `install` adds to a data stream's hooks where its template is another hand's, Fleet's above all.

A hook is an object of the user's: the component template and the ingest pipeline `logs-DATASET@custom`. Only our part of them is
put, compared and taken away; nothing of theirs is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from integration.errors import ClusterError
from integration.install.comparison import Difference, changes
from integration.install.named_object import SharedObject
from integration.install.objects import Connections, Leftover
from integration.install.ownership import OWNER
from integration.install.streams import Hooked, component_template, holds_ours, our_processors
from integration.names import Dataset

_SETTINGS = ("mode",)
"""The settings that the mapping needs; the others are for whoever manages the template to choose."""
_RETENTION = {
    "template": {"lifecycle": {"enabled": True, "data_retention": ""}, "settings": {"index": {"lifecycle": {"prefer_ilm": False}}}}
}
"""What of ours an upgrade may have to take away again."""
_DATES = ("created_date", "created_date_millis", "modified_date", "modified_date_millis")
"""What an engine adds to an object that was read, and does not take back."""


class TemplateHook(SharedObject):
    """Our settings and mappings in the user's component template; our tag stands in its `_meta` under our own name."""

    kind = "component template hook"
    api = "/_component_template"

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the component template; None where nothing in it is ours, or would be overwritten by it."""
        found = component_template(connections.engine, self.name)
        if found is None or not (self.is_ours(found) or any(has is not None for _, _, has in self.compare(found))):
            return None
        return found

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Add our part."""
        theirs = component_template(connections.engine, self.name) or {}
        if self.is_ours(theirs):
            theirs = _without(theirs, _RETENTION)
        self.send(connections.engine, "PUT", _merged(_writable(theirs), self.body))

    def delete(self, connections: Connections, _found: dict[str, Any]) -> None:
        """Take our part away, and the component template too where nothing else is in it and no template demands it."""
        found = component_template(connections.engine, self.name)
        if found is None:
            return
        theirs = _without(_writable(found), self.body)
        theirs["_meta"] = {key: value for key, value in theirs.get("_meta", {}).items() if key != OWNER}
        self.send(connections.engine, "PUT", theirs | {"template": theirs.get("template", {})})
        if not theirs.get("template") and not theirs["_meta"]:
            with suppress(ClusterError):
                super().delete(connections, found)

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the ownership tag; without it, what differs is the user's."""
        return holds_ours(found)

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where our part differs; what the user has besides is theirs."""
        for path, desired, there in changes(self.body, found):
            if desired is not None:
                yield path, desired, there
        kept = found["template"].get("lifecycle", {}).get("data_retention")
        if self.is_ours(found) and kept and "lifecycle" not in self.body["template"]:
            yield "template.lifecycle.data_retention", None, kept


class PipelineHook(SharedObject):
    """The processor in the user's ingest pipeline that calls ours, before all others."""

    kind = "ingest pipeline hook"
    api = "/_ingest/pipeline"

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the pipeline; None where it does not call ours."""
        found = connections.engine.get_pipeline(self.name)
        return found if found and our_processors(found) else None

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Let the pipeline call ours first."""
        theirs = _writable(connections.engine.get_pipeline(self.name) or {})
        processors = [*self.body["processors"], *_others(theirs)]
        connections.engine.put_pipeline(self.name, self.body | theirs | {"processors": processors})

    def delete(self, connections: Connections, _found: dict[str, Any]) -> None:
        """Take the call away, and the pipeline too where there is nothing else in it."""
        found = connections.engine.get_pipeline(self.name)
        if found is None:
            return
        theirs = _writable(found) | {"processors": _others(found)}
        if theirs == self.body | {"processors": []}:
            super().delete(connections, found)
        else:
            connections.engine.put_pipeline(self.name, theirs)

    def is_ours(self, _found: dict[str, Any]) -> bool:
        """Only a pipeline with our processor is read at all."""
        return True

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where our processor differs, or others come before it."""
        first = {"processors": found["processors"][:1]}
        return changes({"processors": self.body["processors"]}, first)


def hooks_of(hooked: Hooked, content: dict[str, Any], tag: dict[str, Any]) -> list[TemplateHook | PipelineHook]:
    """Return what goes into the hooks of a data stream; `content` is the inner template that it would have by ours."""
    dataset = hooked.dataset
    settings = {"index": {key: value for key, value in content["settings"]["index"].items() if key in _SETTINGS}}
    if (
        "lifecycle" in content
    ):  # which counts for nothing beside a policy of Index Lifecycle Management, as Fleet's templates name one
        settings["index"]["lifecycle"] = {"prefer_ilm": False}
    if not hooked.calls_pipeline:
        settings["index"]["default_pipeline"] = dataset.pipeline
    template = TemplateHook(dataset.custom, {"template": content | {"settings": settings}, "_meta": {OWNER: tag}})
    return [template, _pipeline_hook(dataset)] if hooked.calls_pipeline else [template]


def abandoned_hooks(connections: Connections, dataset: Dataset, content: dict[str, Any]) -> Iterator[Leftover]:
    """Yield the hooks that we are still in though the template is ours now: its pipeline would call itself by them."""
    for hook in hooks_of(Hooked(dataset, "", calls_pipeline=True), content, {}):
        found = hook.fetch(connections)
        if found is not None and hook.is_ours(found):
            yield Leftover(hook.kind, hook.name, "", partial(hook.delete, connections, found))


def _pipeline_hook(dataset: Dataset) -> PipelineHook:
    call = {"tag": OWNER, "description": "Put here by `detect install`", "name": dataset.pipeline}
    return PipelineHook(
        dataset.custom, {"description": f"The user's own processors for {dataset.name}", "processors": [{"pipeline": call}]}
    )


def _others(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    ours = our_processors(pipeline)
    return [each for each in pipeline.get("processors", []) if each not in ours]


def _writable(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in _DATES}


def _merged(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: _merged(theirs[key], ours[key]) for key in theirs.keys() & ours.keys() if isinstance(theirs[key], dict)}
    return {**theirs, **ours, **both}


def _without(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without the leaves of another, and without what is empty then."""
    left: dict[str, Any] = {}
    for key, value in theirs.items():
        inner = _without(value, ours[key]) if isinstance(value, dict) and isinstance(ours.get(key), dict) else value
        if key not in ours or (inner is not value and inner):
            left[key] = inner
    return left
