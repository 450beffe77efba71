"""The objects that all rules share: the ingest pipeline, the index templates, or what goes into the hooks of another hand's."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from integration.detection.model import Rule
from integration.errors import ClusterError
from integration.folders import asset_folder, read_asset
from integration.install import retention
from integration.install.event_indices import EventIndices, HookedIndices
from integration.install.gin_timezone import put_timezone
from integration.install.hooks import abandoned_hooks, hooks_of
from integration.install.named_object import SharedObject
from integration.install.objects import Connections, Leftover
from integration.install.ownership import shared_tag, shared_tag_text
from integration.install.streams import ORDINARY, Streams, keeping
from integration.names import API, PROMPTS, RISK_TEMPLATE, SERVER, Dataset
from integration.render.templates import computed_fields, events_template, json_events_template, risk_template


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


class Template(SharedObject):
    """A composable index template, with the ownership tag in `_meta`."""

    kind = "index template"
    api = "/_index_template"
    added = ("composed_of", "data_stream", "created_date", "modified_date", "ignore_missing_component_templates")

    def unwrapped(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the template in the answer to reading it."""
        template: dict[str, Any] = answer["index_templates"][0]["index_template"]
        return template


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


def shared_objects(rules: Sequence[Rule], engine: str, streams: Streams = ORDINARY) -> list[SharedObject]:
    """Return every object that these rules share on an engine, in the order in which they must be created."""
    risk = risk_template(rules)
    made = _stream_objects(SERVER, rules, engine, streams)
    made.insert(-1, Template(RISK_TEMPLATE, risk | {"_meta": shared_tag(risk, rules)}))
    for dataset in (API, PROMPTS):
        made += _stream_objects(dataset, (), engine, streams)
    return [*made, *(retention.objects(engine, streams.retention) if streams.retention else ())]


def abandoned(connections: Connections, rules: Sequence[Rule], streams: Streams) -> list[Leftover]:
    """Return our part of hooks that nobody but us uses any more, so that it must go."""
    templates = {each: _template(each, rules, connections.engine.name)["template"] for each in streams.abandoned}
    return [leftover for dataset, content in templates.items() for leftover in abandoned_hooks(connections, dataset, content)]


def _stream_objects(dataset: Dataset, rules: Sequence[Rule], engine: str, streams: Streams) -> list[SharedObject]:
    """Return the pipeline, the template or our part of another hand's, and the indices that are there."""
    hooked = {each.dataset: each for each in streams.hooked}.get(dataset)
    template = _template(dataset, rules, engine)
    if streams.retention and engine == "elasticsearch":
        template["template"]["lifecycle"] = retention.lifecycle(streams.retention)
    tag = shared_tag(template, rules)
    made: list[SharedObject] = [_pipeline(dataset, rules, engine, streams, has_hook=engine == "elasticsearch" and not hooked)]
    made += hooks_of(hooked, template["template"], tag) if hooked else [Template(dataset.template, template | {"_meta": tag})]
    indices = HookedIndices if hooked else EventIndices
    return [*made, indices(dataset, computed_fields(rules, engine) if rules else {})]


def _template(dataset: Dataset, rules: Sequence[Rule], engine: str) -> dict[str, Any]:
    return events_template(rules, engine) if dataset == SERVER else json_events_template(dataset, engine)


def _pipeline(dataset: Dataset, rules: Sequence[Rule], engine: str, streams: Streams, *, has_hook: bool) -> Pipeline:
    """Return a pipeline as an engine takes it; `has_hook` lets it end with the user's own."""
    body = deepcopy(_written(dataset.pipeline))
    if dataset == PROMPTS and streams.keep_prompts:
        keeping(body)["keep"] = True
    if dataset == SERVER and engine == "opensearch":
        _suit_opensearch(body, rules)
    if dataset == SERVER and streams.gin_timezone:
        put_timezone(body, streams.gin_timezone)
    description = f"{body['description']} {shared_tag_text(body, rules)}"
    if engine == "elasticsearch":
        del body["version"]  # counted up with each replacement, since it guards them
    if has_hook:
        body["processors"] = [*body["processors"], _custom_pipeline(dataset)]
    return Pipeline(dataset.pipeline, body | {"description": description})


def _suit_opensearch(body: dict[str, Any], rules: Sequence[Rule]) -> None:
    """Let a condition ask first what the script `shipper` asks, and the script move a shipper's field of a classifier's name.

    OpenSearch copies a document for any script, and refuses one with a value for a derived field.
    """
    script = body["processors"][0]["script"]
    decision, _, _ = script["source"].partition("// ---- the mark")
    script["if"] = {
        "lang": "painless",
        "source": f"{decision}return !isOrdinary(ctx, params.ordinary) || !isBare(ctx.message) || isSecret(ctx.message);",
        "params": {"ordinary": script["params"]["ordinary"]},
    }
    script["params"]["reserved"] += sorted({rule.classification.field.partition(".")[0] for rule in rules})


@cache
def _written(pipeline: str) -> dict[str, Any]:
    """Read the file of a pipeline, once."""
    body: dict[str, Any] = read_asset(asset_folder("ingest_pipelines") / f"{pipeline}.yml")
    return body


def _custom_pipeline(dataset: Dataset) -> dict[str, Any]:
    """Return the call of the user's own pipeline. OpenSearch refuses one that is not there."""
    description = "The user's own pipeline, if there is one"
    return {"pipeline": {"tag": "custom", "description": description, "name": dataset.custom, "ignore_missing_pipeline": True}}
