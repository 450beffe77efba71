"""`detect status`: what is installed and what has come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from integration.commands.losses import JsonEvents, Loss, json_events, losses
from integration.engines.base import Engine
from integration.install.objects import Connections, Health, RuleObject
from integration.install.plan import Planned
from integration.install.streams import ORDINARY, Streams
from integration.names import PIPELINE, Namespace


@dataclass(frozen=True, slots=True)
class Documents:
    """How many documents an index holds, and the time of the newest (RFC 3339), None where there is none."""

    index: str
    count: int
    last: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """The state of an installation: objects, and the documents that came of it.

    `losses` are documents that did not become events as they should; `pipeline_failures` is the pipeline's own count since the
    nodes started. `streams` is what the user chose for the data streams. `rules` says how each rule fares at each target that has
    it. `json_events` are those of the API and prompts, where there are some that this user may read.
    """

    engine: str
    version: str
    objects: tuple[Planned, ...]
    events: Documents
    losses: tuple[Loss, ...]
    pipeline_failures: int
    risk_events: Documents
    streams: Streams
    rules: tuple[Health, ...] = ()
    json_events: tuple[JsonEvents, ...] = ()


def status(connections: Connections, planned: Sequence[Planned], namespace: Namespace, streams: Streams = ORDINARY) -> Report:
    """Ask the cluster for everything a `Report` says beside the plan of an installation."""
    engine = connections.engine
    ours = ((each.object, each.found) for each in planned if isinstance(each.object, RuleObject) and each.found is not None)
    return Report(
        engine=engine.name,
        version=engine.version_text,
        objects=tuple(planned),
        events=_documents(engine, namespace.events),
        losses=tuple(losses(engine, namespace.events)),
        pipeline_failures=engine.pipeline_failures(PIPELINE),
        risk_events=_documents(engine, namespace.risk),
        streams=streams,
        rules=tuple(rule.health(connections, found) for rule, found in ours if rule.is_ours(found)),
        json_events=tuple(json_events(engine, namespace)),
    )


def _documents(engine: Engine, index: str) -> Documents:
    body = {"size": 0, "aggs": {"newest": {"max": {"field": "@timestamp", "format": "strict_date_time"}}}}
    newest = engine.search(index, body).get("aggregations", {}).get("newest", {}).get("value_as_string")
    return Documents(index, engine.count(index, {"match_all": {}}), str(newest) if newest else None)
