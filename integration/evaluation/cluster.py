"""`detect run`: the scheduled windows of a rule, evaluated by the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, tzinfo
from typing import Any

from integration.detection.columns import LISTS
from integration.detection.fields import dataset_filter, name_in_index
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.buckets import hosts_of
from integration.findings.finding import Finding, Statistics, build_finding
from integration.findings.store import StatisticsStore
from integration.findings.values import Values, bounded_values
from integration.log.event import as_indexed
from integration.render.aggregation import condition_name, lines_search
from integration.times import parse_time

# A line longer than the mapping's `ignore_above` (8,191 characters) is in no index, which tells it from the others.
_PAGE, _PAGE_OF_LONG_LINES = 1_000, 32


def evaluate(engine: Engine, rule: Rule, index: str, window: Window, zone: tzinfo = UTC) -> Iterator[Finding]:
    """Let the cluster evaluate one window and give its findings, one at a time; `zone` is what SPL prints times in.

    Any number of hosts, as the cluster orders them: keywords by code points. A list past the bounds of `lists` is cut there and
    its rest counted. A missing index has no findings.
    """
    for host, bucket in hosts_of(engine, rule, index, window):
        if bucket is not None:
            yield finding_of(engine, rule, index, window, host, bucket, zone)
        elif (statistics := _by_line(engine, rule, index, window, host)) is not None:
            yield build_finding(rule, host, window, statistics, zone)


def finding_of(
    engine: Engine, rule: Rule, index: str, window: Window, host: str, bucket: Mapping[str, Any], zone: tzinfo = UTC
) -> Finding:
    """Make a host's finding from its bucket of `aggregation.statistics`; lists that are cut or not there are collected."""
    whole = {name for name in LISTS if name in bucket and not bucket[name]["sum_other_doc_count"]}
    keys = {name: [value["key"] for value in bucket[name]["buckets"]] for name in whole}
    lists = {name: bounded_values(values, len(values)) for name, values in keys.items()}
    if rest := [name for name in LISTS if name not in whole]:
        found = _by_line(engine, rule, index, window, host)
        for name in rest:
            counted = found.lists[name] if found else Values(())
            lists[name] = max(counted, _shown(bucket, name), key=lambda each: each.distinct)
    statistics = Statistics(
        error_count=bucket["doc_count"],
        first_seen=int(bucket["first_seen"]["value"]),
        last_seen=int(bucket["last_seen"]["value"]),
        lists=lists,
        holding=frozenset(c for c in rule.list_conditions if _holds(bucket[condition_name(rule, c)])),
    )
    return build_finding(rule, host, window, statistics, zone)


def _shown(bucket: Mapping[str, Any], name: str) -> Values:
    """What the bucket itself shows of a cut list: all that is left in an alert about events that are deleted by now."""
    return Values(tuple(value["key"] for value in bucket[name]["buckets"]), left_out=1) if name in bucket else Values(())


def count_events(engine: Engine, rule: Rule, index: str, start: int, end: int) -> int:
    """Count the rule's events in [`start`, `end`), selected or not."""
    return engine.count(index, events_query(rule, start, end))


def events_query(rule: Rule, start: int, end: int) -> dict[str, Any]:
    """Give the query for every event of the rule's sourcetype in [`start`, `end`), selected or not."""
    window = {"gte": start, "lt": end, "format": "epoch_millis"}
    return {"bool": {"filter": [{"range": {name_in_index(rule, "@timestamp"): window}}, *dataset_filter(rule)]}}


def hits(engine: Engine, rule: Rule, index: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Stream every hit of a search over events, in no order: lines that may be of any length a few at a time."""
    short = {"exists": {"field": name_in_index(rule, "event.original")}}
    for query, size in (({"filter": [short]}, _PAGE), ({"must_not": [short]}, _PAGE_OF_LONG_LINES)):
        yield from engine.scan(index, {**body, "query": {"bool": {"must": [body["query"]], **query}}}, size=size)


def _by_line(engine: Engine, rule: Rule, index: str, window: Window, host: str) -> Statistics | None:
    """Return a host's statistics from its lines, read and classed by the cluster; None where none is selected."""
    time = name_in_index(rule, "@timestamp")
    with closing(StatisticsStore(LISTS, rule.list_conditions)) as store:
        for hit in hits(engine, rule, index, lines_search(rule, engine.name, window.start, window.end, host)):
            fields = hit["fields"] | {"error_types": hit["fields"].get(rule.classification.field)}
            if fields["error_types"]:
                listed = [(name, as_indexed(value)) for name in LISTS for value in fields.get(name, ()) if value is not None]
                store.add(window, host, parse_time(fields[time][0]), listed)
        return next((statistics for _, _, statistics in store.statistics()), None)


def _holds(condition: Mapping[str, Any]) -> bool:
    """Whether a condition's sub-aggregation, a `max` or a `filter`, is more than 0."""
    return bool(condition["value"] if "value" in condition else condition["doc_count"])
