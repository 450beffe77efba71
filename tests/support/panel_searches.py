"""The search that Kibana or OpenSearch Dashboards sends for a visualization, as far as ours go, and what it would show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integration.engines.base import Engine


def _query(text: Mapping[str, str]) -> dict[str, Any]:
    assert text["language"] == "lucene"
    return {"query_string": {"query": text["query"], "analyze_wildcard": True}} if text["query"] else {"match_all": {}}


def _bucket(each: Mapping[str, Any]) -> dict[str, Any]:
    params = each["params"]
    if each["type"] == "terms":
        assert params["orderBy"] == "1", "the count"
        return {"terms": {"field": params["field"], "size": params["size"], "order": {"_count": params["order"]}}}
    if each["type"] == "filters":
        return {"filters": {"filters": {row["label"]: _query(row["input"]) for row in params["filters"]}}}
    assert (each["type"], params["interval"]) == ("date_histogram", "auto")
    return {"date_histogram": {"field": params["field"], "fixed_interval": "1h", "min_doc_count": params["min_doc_count"]}}


def search_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the search, one bucket aggregation within another, the metrics in the innermost."""
    inner: dict[str, Any] = {}
    for each in reversed(attributes["visState"]["aggs"]):
        if each["schema"] != "metric":
            inner = {each["id"]: _bucket(each) | ({"aggs": inner} if inner else {})}
        elif each["type"] != "count":
            innermost = inner
            while any("aggs" in body for body in innermost.values()):
                (innermost,) = (body["aggs"] for body in innermost.values())
            (body,) = innermost.values()
            body["aggs"] = {each["id"]: {each["type"]: {"field": each["params"]["field"]}}}
    source = attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]
    return {"size": 0, "query": _query(source["query"]), "aggs": inner}


def shown(engine: Engine, index: str, attributes: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a visualization: keys of buckets, without times, then the count, then other metrics."""
    answer = engine.search(index, search_of(attributes), missing_ok=False)
    times = {each["id"] for each in attributes["visState"]["aggs"] if each["type"] == "date_histogram"}
    return list(_rows(answer["aggregations"], times, ()))


def _rows(aggregations: Mapping[str, Any], times: set[str], keys: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    ((identifier, found),) = aggregations.items()
    buckets = found["buckets"]
    named = buckets.items() if isinstance(buckets, dict) else [(bucket["key"], bucket) for bucket in buckets]
    for key, bucket in named:
        here = keys if identifier in times else (*keys, key)
        inner = {name: value for name, value in bucket.items() if isinstance(value, dict)}
        if any("buckets" in value for value in inner.values()):
            yield from _rows(inner, times, here)
        else:
            yield (*here, bucket["doc_count"], *(value["value"] for value in inner.values()))
