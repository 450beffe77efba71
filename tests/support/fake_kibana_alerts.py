"""The alerts behind the stand-in for Kibana, and the interface to them, which takes and ignores what the real one does.

The queries are evaluated here, or by a real node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from integration.detection.model import Rule
from integration.findings.finding import Finding
from integration.names import Namespace
from integration.targets.kibana.alerts import flattened
from integration.targets.kibana.body import detection_id
from integration.times import rfc3339

Search = Callable[[str, dict[str, Any]], dict[str, Any]]
SIGNAL_KEYS = {"query", "aggs", "size", "track_total_hits", "_source", "fields", "runtime_mappings", "sort"}


def detection_alert(rule: Rule, namespace: Namespace, finding: Finding, status: str = "open") -> dict[str, Any]:
    """What a detection rule leaves for a row of its query: the columns flat, what Kibana adds flat too."""
    return {
        "@timestamp": rfc3339(finding.window_end + 600_000, millis=True),
        "kibana.alert.uuid": f"d-{finding.id}",
        "kibana.alert.rule.rule_id": detection_id(rule, namespace),
        "kibana.alert.workflow_status": status,
        **row_of(finding),
    }


def row_of(finding: Finding) -> dict[str, Any]:
    """A row of the ES|QL query: one value as itself, several as a list, none as nothing."""
    columns: dict[str, Any] = {"host.name": finding.host, "event.id": finding.id}
    for name, value in finding.to_json().items():
        if name != "truncated":
            single = name in finding.rule.lists and len(value) < 2
            columns[f"finding.{name}"] = (value[0] if value else None) if single else value
    beyond = dict(finding.truncated)
    columns |= {f"finding.truncated.{name}": beyond.get(name, 0) for name in finding.rule.field_lists}
    return {name: value for name, value in columns.items() if value is not None}


@dataclass
class MemoryIndices:
    """Documents by index, searched as far as the product searches them."""

    documents: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, index: str, *documents: dict[str, Any]) -> None:
        self.documents.setdefault(index, []).extend(documents)

    def search(self, index: str, body: dict[str, Any]) -> dict[str, Any]:
        found = [
            (document, dict(flattened(document)))
            for name, documents in self.documents.items()
            if fnmatchcase(name, index)
            for document in documents
        ]
        hits = [(document, flat) for document, flat in found if body.get("query") is None or _matches(body["query"], flat)]
        total = len(hits)
        order = [next(iter(each)) for each in body.get("sort", ())]
        hits.sort(key=lambda hit: [hit[1][name] for name in order])
        shown = [
            {"_source": _only(body.get("_source", True), document, flat), "sort": [flat[name] for name in order]}
            for document, flat in hits[: body.get("size", 10)]
        ]
        return {"hits": {"total": {"value": total, "relation": "eq"}, "hits": shown}}


def _only(names: list[str] | bool, document: dict[str, Any], flat: Mapping[str, Any]) -> dict[str, Any]:
    """What a search gives of a document, where it may name objects whole."""
    if isinstance(names, bool):
        return document
    return {name: value for name, value in flat.items() if any(f"{name}.".startswith(f"{wanted}.") for wanted in names)}


def _matches(query: Mapping[str, Any], flat: Mapping[str, Any]) -> bool:
    ((kind, inside),) = query.items()
    if kind == "bool":
        assert inside.keys() <= {"filter", "must_not"}
        return all(_matches(q, flat) for q in inside.get("filter", ())) and not any(
            _matches(q, flat) for q in inside.get("must_not", ())
        )
    if kind == "exists":
        return inside["field"] in flat
    ((name, wanted),) = inside.items()
    values = list(_each(flat.get(name)))
    if kind == "range":
        assert wanted.keys() == {"gt"}
        return any(value > wanted["gt"] for value in values)
    assert kind in ("term", "terms")
    return any(value in (wanted if kind == "terms" else [wanted]) for value in values)


def _each(value: Any) -> Iterator[Any]:
    if value is not None:
        yield from value if isinstance(value, list) else [value]


def fault_of_signals_search(body: dict[str, Any]) -> str | None:
    """What Kibana says against the body of the search for detection alerts; keys that it does not know are no fault."""
    if not body.keys() & (SIGNAL_KEYS - {"runtime_mappings"}):
        return '"value" must have at least 1 children'
    kinds: dict[str, Any] = {
        "query": dict,
        "aggs": dict,
        "size": int,
        "track_total_hits": bool,
        "sort": (list, str, dict),
        "_source": (bool, str, list),
    }
    wrong = [key for key, kind in kinds.items() if key in body and not isinstance(body[key], kind)]
    return f"{wrong[0]}: Invalid input" if wrong else None
