"""How far the scheduler came: one document a rule, so that a restart goes on where the last run stopped."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from integration.engines.base import Engine
from integration.errors import ClusterError, ConflictError
from integration.names import Namespace
from integration.times import parse_time, rfc3339

_KEYWORD = {"type": "keyword"}
_DATE = {"type": "date"}
_INDEX = {
    "settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}},
    "mappings": {
        "dynamic": False,
        "_meta": {"managed_by": "ollama-detect"},
        "properties": {"kind": _KEYWORD, "rule_id": _KEYWORD, "window_end": _DATE, "revisit_from": _DATE},
    },
}


@dataclass(frozen=True, slots=True)
class Progress:
    """All windows up to `end` are done (epoch milliseconds); those from `revisit_from` on are evaluated once more."""

    end: int
    revisit_from: int


def create_state_index(engine: Engine, namespace: Namespace) -> None:
    """Create the index of the progress documents unless it exists."""
    if engine.exists(namespace.state):
        return
    try:
        engine.request("PUT", f"/{namespace.state}", _INDEX)
    except ClusterError:
        # Another scheduler may have created it in between, or the answer was lost.
        if not engine.exists(namespace.state):
            raise


def read_progress(engine: Engine, namespace: Namespace, rule_id: str) -> Progress | None:
    """Return the stored progress of a rule; None when no scheduler has stored any."""
    with suppress(KeyError):
        found = engine.get_document(namespace.state, _document_id(rule_id))
        if found is not None:
            return Progress(parse_time(found["window_end"]), parse_time(found["revisit_from"]))
    return None


def risk_events_span(engine: Engine, namespace: Namespace, rule_id: str) -> tuple[int | None, int | None]:
    """Return the ends of the windows of a rule's oldest and newest risk event; None where there is none."""
    query = {"bool": {"filter": [{"term": {"event.dataset": "detect.risk"}}, {"term": {"rule.id": rule_id}}]}}
    ends = {name: {name: {"field": "@timestamp"}} for name in ("min", "max")}
    found = engine.search(namespace.risk, {"size": 0, "query": query, "aggs": ends}).get("aggregations", {})
    oldest, newest = (found.get(name, {}).get("value") for name in ends)
    return None if oldest is None else int(oldest), None if newest is None else int(newest)


def save_progress(engine: Engine, namespace: Namespace, rule_id: str, progress: Progress) -> None:
    """Store the progress of a rule, unless another scheduler has stored a later one: the window's end is the document's version."""
    times = {"window_end": rfc3339(progress.end, millis=True), "revisit_from": rfc3339(progress.revisit_from, millis=True)}
    with suppress(ConflictError):
        engine.put_document(
            namespace.state, _document_id(rule_id), {"kind": "progress", "rule_id": rule_id, **times}, version=progress.end
        )


def _document_id(rule_id: str) -> str:
    return f"rule-{rule_id}"
