"""The indices of events that are there already, which no template changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integration.install.comparison import Difference, differences
from integration.install.named_object import SharedObject
from integration.install.objects import Connections
from integration.names import Dataset, data_stream_of

_PIPELINE_SETTING = "index.default_pipeline"


class EventIndices(SharedObject):
    """The indices of events that are there already, which no template changes: their computed fields and their pipeline.

    What was read is the part of each index that is ours, by the index's name. Other computed fields stay.
    """

    kind = "indices"

    def __init__(self, dataset: Dataset, computed_fields: dict[str, Any]) -> None:
        super().__init__(dataset.pattern, {"mappings": computed_fields, "settings": {_PIPELINE_SETTING: dataset.pipeline}})
        self._pipeline = dataset.pipeline

    @property
    def request(self) -> str:
        """The requests that bring the indices to the desired state."""
        return f"PUT /{self.name}/_mapping, PUT /{self.name}/_settings"

    def fetch(self, connections: Connections) -> dict[str, Any]:
        """Read the mappings and settings of all indices; without any, there is nothing to differ."""
        mappings = connections.engine.get_mapping(self.name)
        if not mappings:
            return {}
        path = f"/{self.name}/_settings/{_PIPELINE_SETTING}"
        settings = connections.engine.request("GET", path, params={"flat_settings": True}, retry=True)
        found = {}
        for index, mapping in sorted(mappings.items()):
            pipeline = settings.get(index, {}).get("settings", {}).get(_PIPELINE_SETTING)
            fields = {key: {name: mapping.get(key, {}).get(name) for name in ours} for key, ours in self.body["mappings"].items()}
            found[index] = {"mappings": fields, "settings": {_PIPELINE_SETTING: pipeline}, "fits": _fits(mapping)}
        return found

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Add the computed fields and name the pipeline, in every index."""
        if self.body["mappings"]:
            connections.engine.put_mapping(self.name, self.body["mappings"])
        self.set_pipeline(connections, self.name, self._pipeline)

    def delete(self, connections: Connections, _found: dict[str, Any]) -> None:
        """Take the pipeline's name out of every index; the documents stay."""
        self.set_pipeline(connections, self.name, "_none")

    def set_pipeline(self, connections: Connections, index: str, name: str) -> None:
        """Name another pipeline in indices."""
        connections.engine.request("PUT", f"/{index}/_settings", {_PIPELINE_SETTING: name}, retry=True)

    def is_connected(self, found: dict[str, Any]) -> bool:
        """Whether one index, as it was read, names the pipeline."""
        return bool(found["settings"][_PIPELINE_SETTING] == self._pipeline)

    def is_ours(self, _found: dict[str, Any]) -> bool:
        """Whoever made an index of this name, its lines go through our pipeline."""
        return True

    def applies_to(self, found: dict[str, Any]) -> bool:
        """Whether there is an index."""
        return bool(found)

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where each index differs."""
        for index, there in found.items():
            yield from differences({index: self.body}, {index: {key: there[key] for key in self.body}})


class HookedIndices(EventIndices):
    """The indices where another hand's template makes them, and chooses their pipeline.

    One from before our hooks were there has a mapping that computed fields cannot read. It stays as it is; where it is the newest
    of its data stream, a rollover makes the next.
    """

    def __init__(self, dataset: Dataset, computed_fields: dict[str, Any]) -> None:
        super().__init__(dataset, computed_fields)
        self._body = {"mappings": computed_fields, "fits": True}

    @property
    def request(self) -> str:
        """The requests that bring the indices to the desired state."""
        return f"PUT /{self.name}/_mapping, POST /DATA_STREAM/_rollover"

    def put(self, connections: Connections, found: dict[str, Any] | None) -> None:
        """Roll data streams over, and add the computed fields to the indices that fit."""
        for index, there in self._wanting(found or {}).items():
            if there["fits"] and self.body["mappings"]:
                connections.engine.put_mapping(index, self.body["mappings"])
            elif not there["fits"]:
                connections.engine.request("POST", f"/{data_stream_of(index)}/_rollover")

    def delete(self, connections: Connections, found: dict[str, Any]) -> None:
        """Take the pipeline's name out of the indices that name ours."""
        for index, there in found.items():
            if self.is_connected(there):
                self.set_pipeline(connections, index, "_none")

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where an index that fits differs, or the newest one of a data stream does not fit."""
        return super().compare(self._wanting(found))

    def _wanting(self, found: dict[str, Any]) -> dict[str, Any]:
        newest = {data_stream_of(index): index for index in sorted(found)}.values()
        return {index: there for index, there in found.items() if there["fits"] or index in newest}


def _fits(mapping: dict[str, Any]) -> bool:
    original = mapping.get("properties", {}).get("event", {}).get("properties", {}).get("original", {})
    return str(mapping.get("dynamic")).lower() == "false" and original.get("doc_values") is not False
