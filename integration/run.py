"""`detect run`: the scheduled windows of a rule, evaluated by the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any

from integration.engines.base import Engine
from integration.errors import ThrottledError, TooManyBucketsError, UnavailableError
from integration.fields import dataset_filter, name_in_index
from integration.finding import LISTS, Finding, Statistics, build_finding
from integration.lists import Values
from integration.render.aggregation import BY_HOST, condition_name, distinct_search, window_search
from integration.rule import Rule
from integration.schedule import Window


def evaluate(engine: Engine, rule: Rule, index: str, window: Window, zone: tzinfo = UTC) -> list[Finding]:
    """Let the cluster evaluate one window and give its findings, by host; `zone` is what SPL prints times in.

    Any number of hosts; a list past `lists.MAX_VALUES` is cut there and its rest counted. A missing index has no findings.
    """
    body = window_search(rule, engine.name, window.start, window.end)
    found = [finding_of(engine, rule, index, window, bucket["key"]["host"], bucket, zone) for bucket in _pages(engine, index, body)]
    return sorted(found, key=lambda finding: finding.sort_key)


def finding_of(
    engine: Engine, rule: Rule, index: str, window: Window, host: str, bucket: Mapping[str, Any], zone: tzinfo = UTC
) -> Finding:
    """Make a host's finding from its bucket of `aggregation.statistics`; the cluster is asked only about lists that are cut."""
    lists = {}
    for name in LISTS:
        shown = tuple(value["key"] for value in bucket[name]["buckets"])
        beyond = bucket[name]["sum_other_doc_count"] > 0
        lists[name] = Values(shown, _distinct(engine, rule, index, window, host, name) - len(shown) if beyond else 0)
    statistics = Statistics(
        error_count=bucket["doc_count"],
        first_seen=int(bucket["first_seen"]["value"]),
        last_seen=int(bucket["last_seen"]["value"]),
        lists=lists,
        holding=frozenset(c for c in rule.list_conditions if _holds(bucket[condition_name(rule, c)])),
    )
    return build_finding(rule, host, window, statistics, zone)


def count_events(engine: Engine, rule: Rule, index: str, start: int, end: int) -> int:
    """Count the rule's events in [`start`, `end`), selected or not."""
    return engine.count(index, events_query(rule, start, end))


def events_query(rule: Rule, start: int, end: int) -> dict[str, Any]:
    """Give the query for every event of the rule's sourcetype in [`start`, `end`), selected or not."""
    window = {"gte": start, "lt": end, "format": "epoch_millis"}
    return {"bool": {"filter": [{"range": {name_in_index(rule, "@timestamp"): window}}, *dataset_filter(rule)]}}


def _pages(engine: Engine, index: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every bucket of the composite aggregation, in smaller pages where the cluster's limits ask for it."""
    composite = body["aggs"][BY_HOST]["composite"]
    while True:
        try:
            answer = engine.search(index, body)
        except (TooManyBucketsError, ThrottledError) as error:  # the latter when a small node has no memory for the page
            if composite["size"] == 1 or isinstance(error, UnavailableError):
                raise
            composite["size"] = max(1, composite["size"] // 4)
            continue
        found = answer.get("aggregations", {}).get(BY_HOST, {})
        yield from found.get("buckets", ())
        if len(found.get("buckets", ())) < composite["size"] or "after_key" not in found:
            return
        composite["after"] = found["after_key"]


def _holds(condition: Mapping[str, Any]) -> bool:
    """Whether a condition's sub-aggregation, a `max` or a `filter`, is more than 0."""
    return bool(condition["value"] if "value" in condition else condition["doc_count"])


def _distinct(engine: Engine, rule: Rule, index: str, window: Window, host: str, column: str) -> int:
    body = distinct_search(rule, engine.name, window.start, window.end, host, column)
    return sum(1 for _ in _pages(engine, index, body))
