"""The objects that all rules share: the ingest pipeline, the index templates, and the indices of events that are there already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import quote

import yaml

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import ClusterError, NotFoundError
from integration.folders import asset_folder
from integration.install.comparison import Difference, differences
from integration.install.objects import Connections, ManagedObject
from integration.install.ownership import has_tag, has_tag_text, shared_tag, shared_tag_text
from integration.names import EVENTS_CUSTOM, EVENTS_PATTERN, EVENTS_TEMPLATE, PIPELINE, RISK_TEMPLATE
from integration.render.templates import computed_fields, events_template, risk_template

_PIPELINE_SETTING = "index.default_pipeline"
# OpenSearch refuses a pipeline that is not there.
_CUSTOM_PIPELINE = {
    "pipeline": {
        "tag": "custom",
        "description": "The user's own pipeline, if there is one",
        "name": EVENTS_CUSTOM,
        "ignore_missing_pipeline": True,
    }
}


class SharedObject(ManagedObject):
    """An object with a name and a body of its own, at `api`/NAME."""

    api: ClassVar[str]
    added: ClassVar[tuple[str, ...]] = ()
    """What engines add to such a body by themselves, by the beginning of the dotted path."""

    def __init__(self, name: str, body: dict[str, Any]) -> None:
        self.name = name
        self._body = body

    @property
    def body(self) -> dict[str, Any]:
        """The object as it should be."""
        return self._body

    @property
    def request(self) -> str:
        """The request that puts the object."""
        return f"PUT {self.api}/{self.name}"

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the object."""
        try:
            return self.unwrapped(self.send(connections.engine, "GET"))
        except NotFoundError:
            return None

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Create or replace the object; most engines cannot guard that against a change at the same moment."""
        self.send(connections.engine, "PUT", self.body)

    def delete(self, connections: Connections, _found: dict[str, Any]) -> None:
        """Delete the object."""
        with suppress(NotFoundError):
            self.send(connections.engine, "DELETE")

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where the object that was read differs."""
        for path, desired, there in differences(self.body, found):
            if desired is not None or not path.startswith(self.added):
                yield path, desired, there

    def send(self, engine: Engine, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request about the object."""
        return engine.request(method, f"{self.api}/{quote(self.name)}", body, retry=method != "DELETE")

    def unwrapped(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Return the object in the answer to reading it."""
        return answer.get(self.name)


class Pipeline(SharedObject):
    """An ingest pipeline. OpenSearch takes no `_meta` in one, so the ownership tag is in the description."""

    kind = "ingest pipeline"
    api = "/_ingest/pipeline"
    added = ("created_date", "modified_date", "version")

    def put(self, connections: Connections, found: dict[str, Any] | None) -> None:
        """Create or replace the pipeline; on Elasticsearch it bears a version, and `ConflictError` when that is another by now."""
        engine = connections.engine
        if engine.name != "elasticsearch":
            engine.put_pipeline(self.name, self.body)
            return
        version = found.get("version") if found else None
        version = version if isinstance(version, int) else None
        engine.put_pipeline(self.name, self.body | {"version": (version or 0) + 1}, if_version=version)

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the ownership tag in the description."""
        return has_tag_text(found.get("description"))


class Template(SharedObject):
    """A composable index template, with the ownership tag in `_meta`."""

    kind = "index template"
    api = "/_index_template"
    added = ("composed_of", "data_stream", "created_date", "modified_date", "ignore_missing_component_templates")

    def unwrapped(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the template in the answer to reading it."""
        template: dict[str, Any] = answer["index_templates"][0]["index_template"]
        return template

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the ownership tag in `_meta`."""
        return has_tag(found.get("_meta"))


class EventIndices(SharedObject):
    """The indices of events that are there already, which no template changes: their computed fields and their pipeline.

    What was read is the part of each index that is ours, by the index's name. Other computed fields stay.
    """

    kind = "indices"

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
            fields = {key: {name: mapping.get(key, {}).get(name) for name in ours} for key, ours in self.body["mappings"].items()}
            pipeline = settings.get(index, {}).get("settings", {}).get(_PIPELINE_SETTING)
            found[index] = {"mappings": fields, "settings": {_PIPELINE_SETTING: pipeline}}
        return found

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Add the computed fields and name the pipeline, in every index."""
        connections.engine.put_mapping(self.name, self.body["mappings"])
        self._set_pipeline(connections, PIPELINE)

    def delete(self, connections: Connections, _found: dict[str, Any]) -> None:
        """Take the pipeline's name out of every index; the documents stay."""
        self._set_pipeline(connections, "_none")

    def _set_pipeline(self, connections: Connections, name: str) -> None:
        connections.engine.request("PUT", f"/{self.name}/_settings", {_PIPELINE_SETTING: name}, retry=True)

    def is_connected(self, found: dict[str, Any]) -> bool:
        """Whether one index, as it was read, names the pipeline."""
        return bool(found["settings"][_PIPELINE_SETTING] == PIPELINE)

    def is_ours(self, _found: dict[str, Any]) -> bool:
        """Whoever made an index of this name, its lines go through our pipeline."""
        return True

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where each index differs."""
        return differences(dict.fromkeys(found, self.body), found)


class DataStream(SharedObject):
    """The data stream of a namespace's events, for what cannot be made before it is there; it has nothing to compare."""

    kind = "data stream"
    api = "/_data_stream"

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Look whether the data stream is there."""
        return {} if connections.engine.exists(self.name) else None

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Create the data stream, empty."""
        try:
            self.send(connections.engine, "PUT")
        except ClusterError:
            # Sent again after an answer that was lost, or an event came first.
            if not connections.engine.exists(self.name):
                raise

    def is_ours(self, _found: dict[str, Any]) -> bool:
        """A data stream of this name serves, whoever made it."""
        return True


def shared_objects(rules: Sequence[Rule], engine: str) -> list[SharedObject]:
    """Return every object that these rules share on an engine, in the order in which they must be created."""
    pipeline = yaml.safe_load((asset_folder("ingest_pipelines") / f"{PIPELINE}.yml").read_text(encoding="utf-8"))
    description = f"{pipeline['description']} {shared_tag_text(pipeline, rules)}"
    if engine == "elasticsearch":
        del pipeline["version"]  # counted up with each replacement, since it guards them
        pipeline["processors"] = [*pipeline["processors"], _CUSTOM_PIPELINE]
    events, risk = events_template(rules, engine), risk_template()
    connected = {"mappings": computed_fields(rules, engine), "settings": {_PIPELINE_SETTING: PIPELINE}}
    return [
        Pipeline(PIPELINE, pipeline | {"description": description}),
        Template(EVENTS_TEMPLATE, events | {"_meta": shared_tag(events, rules)}),
        Template(RISK_TEMPLATE, risk | {"_meta": shared_tag(risk, rules)}),
        EventIndices(EVENTS_PATTERN, connected),
    ]
