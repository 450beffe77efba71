"""A rule's findings in a window, evaluated by the cluster."""

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
    """Let the cluster evaluate one window, and yield its findings one at a time; `zone` is what SPL prints times in.

    The hosts come as the cluster orders them: keywords by code points. Lists are bounded as everywhere, and what is beyond the
    bounds is counted. A missing index has no findings.
    """
    for host, bucket in hosts_of(engine, rule, index, window):
        if bucket is not None:
            yield finding_of(engine, rule, index, window, host, bucket, zone)
        elif statistics := _read_line_by_line(engine, rule, index, window, host):
            yield build_finding(rule, host, window, statistics, zone)


def finding_of(
    engine: Engine, rule: Rule, index: str, window: Window, host: str, bucket: Mapping[str, Any], zone: tzinfo = UTC
) -> Finding:
    """Return a host's finding from its bucket of `aggregation.statistics`; lists that the bucket shows in part are read anew."""
    shown = {name: tuple(value["key"] for value in bucket[name]["buckets"]) if name in bucket else () for name in LISTS}
    in_part = [name for name in LISTS if name not in bucket or bucket[name]["sum_other_doc_count"]]
    lists = {name: bounded_values(values, len(values)) for name, values in shown.items()}
    if in_part:
        read = _read_line_by_line(engine, rule, index, window, host)
        for name in in_part:
            # Of an alert whose events are deleted by now, what it shows itself is all there is.
            whole, rest = read.lists[name] if read else Values(()), Values(shown[name], left_out=1 if name in bucket else 0)
            lists[name] = max(whole, rest, key=lambda values: values.distinct)
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
    """Return the query for every event of the rule's sourcetype in [`start`, `end`), selected or not."""
    window = {"gte": start, "lt": end, "format": "epoch_millis"}
    return {"bool": {"filter": [{"range": {name_in_index(rule, "@timestamp"): window}}, *dataset_filter(rule)]}}


def event_hits(engine: Engine, rule: Rule, index: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every hit of a search over events, in no order; long lines come in smaller pages."""
    indexed = {"exists": {"field": name_in_index(rule, "event.original")}}
    for query, size in (({"filter": [indexed]}, _PAGE), ({"must_not": [indexed]}, _PAGE_OF_LONG_LINES)):
        yield from engine.scan(index, {**body, "query": {"bool": {"must": [body["query"]], **query}}}, size=size)


def _read_line_by_line(engine: Engine, rule: Rule, index: str, window: Window, host: str) -> Statistics | None:
    """Return a host's statistics from its events, which the cluster classes; None where none is selected."""
    time = name_in_index(rule, "@timestamp")
    body = lines_search(rule, engine.name, window.start, window.end, host)
    with closing(StatisticsStore(LISTS, rule.list_conditions)) as store:
        for hit in event_hits(engine, rule, index, body):
            fields = hit["fields"] | {"error_types": hit["fields"].get(rule.classification.field)}
            if fields["error_types"]:
                values = [(name, as_indexed(value)) for name in LISTS for value in fields.get(name, ()) if value is not None]
                store.add(window, host, parse_time(fields[time][0]), values)
        return next((statistics for _, _, statistics in store.statistics()), None)


def _holds(condition: Mapping[str, Any]) -> bool:
    """Return whether a condition's sub-aggregation, a `max` or a `filter`, is more than 0."""
    return bool(condition["value"] if "value" in condition else condition["doc_count"])
