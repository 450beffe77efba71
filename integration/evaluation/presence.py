"""Which events there are at all, for an evaluation that met none: nothing found among no events is not an all-clear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from integration.detection.fields import dataset_filter, name_in_index
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import ForbiddenError
from integration.names import EVENTS_PATTERN, data_stream_of
from integration.times import rfc3339

_MOST_INDICES = 1_000
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Stored:
    """A data stream that holds documents: how many, and the newest time among them (epoch milliseconds)."""

    name: str
    documents: int
    newest: int


def has_events(engine: Engine, rules: Iterable[Rule], index: str, start: int | None, end: int | None) -> bool:
    """Return whether an index holds an event of the rules' sourcetypes in [`start`, `end`), None standing for no bound."""
    return any(
        engine.count(index, _events(rule, start, end)) for rule in {rule.data_source.dataset: rule for rule in rules}.values()
    )


def _events(rule: Rule, start: int | None, end: int | None) -> dict[str, Any]:
    bounds = {"gte": start, "lt": end}
    span = {bound: time for bound, time in bounds.items() if time is not None} | {"format": "epoch_millis"}
    return {"bool": {"filter": [{"range": {name_in_index(rule, "@timestamp"): span}}, *dataset_filter(rule)]}}


def newest_event(engine: Engine, rules: Iterable[Rule], index: str) -> int | None:
    """Return the time of the newest event of the rules' sourcetypes in an index (epoch milliseconds), None where there is none."""
    found = [_bound(engine, rule, index, "max") for rule in {rule.data_source.dataset: rule for rule in rules}.values()]
    return max((time for time in found if time is not None), default=None)


def oldest_event(engine: Engine, rule: Rule, index: str) -> int | None:
    """Return the time of the oldest event of a rule's sourcetype in an index (epoch milliseconds), None where there is none."""
    return _bound(engine, rule, index, "min")


def _bound(engine: Engine, rule: Rule, index: str, kind: str) -> int | None:
    time = {kind: {"field": name_in_index(rule, "@timestamp")}}
    body = {"size": 0, "query": {"bool": {"filter": dataset_filter(rule)}}, "aggs": {"time": time}}
    value = engine.search(index, body).get("aggregations", {}).get("time", {}).get("value")
    return None if value is None else int(value)


def stored_documents(engine: Engine) -> list[Stored]:
    """Return the data streams of Ollama's lines that hold documents, in any namespace."""
    body = {
        "size": 0,
        "aggs": {
            "by_index": {"terms": {"field": "_index", "size": _MOST_INDICES}, "aggs": {"newest": {"max": {"field": "@timestamp"}}}}
        },
    }
    found: dict[str, Stored] = {}
    buckets = engine.search(EVENTS_PATTERN, body).get("aggregations", {}).get("by_index", {}).get("buckets", ())
    for bucket in buckets:
        name = data_stream_of(bucket["key"])
        before = found.get(name, Stored(name, 0, 0))
        newest = int(bucket["newest"]["value"] or 0)
        found[name] = Stored(name, before.documents + bucket["doc_count"], max(before.newest, newest))
    return sorted(found.values(), key=lambda stored: stored.name)


def no_events(engine: Engine, index: str, start: int | None, end: int | None) -> str:
    """Return what to tell somebody who asked for findings among no events at all: where there are some."""
    since = "" if start is None else f" from {rfc3339(start, millis=False)}"
    until = "" if end is None else f" to {rfc3339(end, millis=False)}"
    fault = f"{index} holds no event{since}{until}" if _is_there(engine, index) else f"there is no {index}"
    return f"NO EVENTS: {fault}, so that there is nothing to find.\n{_what_is_there(engine, index)}"


def _is_there(engine: Engine, index: str) -> bool:
    try:
        return any(map(engine.exists, index.split(",")))
    except ForbiddenError:
        return True  # as far as this user may see


def _what_is_there(engine: Engine, index: str) -> str:
    try:
        stored = sorted(stored_documents(engine), key=lambda each: each.name not in index.split(","))
    except ForbiddenError:
        return f"What else there is in {EVENTS_PATTERN}, this user may not see."
    if not stored:
        return f"No data stream {EVENTS_PATTERN} holds any: `detect ingest` or a shipper fills one."
    return f"There are documents in {_listed(stored)}."


def _listed(stored: Sequence[Stored]) -> str:
    shown = [
        f"{each.name} ({each.documents:,}, the newest of {rfc3339(each.newest, millis=False)})" for each in stored[:_MOST_NAMED]
    ]
    more = len(stored) - len(shown)
    return ", ".join(shown) + f" and {more:,} more" * bool(more)
