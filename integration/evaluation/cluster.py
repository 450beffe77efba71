"""A rule's findings in a window, evaluated by the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, tzinfo
from typing import Any

from integration.detection.fields import dataset_filter, name_in_index
from integration.detection.ladder import ColumnCondition
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.buckets import hosts_of
from integration.findings.finding import Finding, Statistics, build_finding
from integration.findings.store import StatisticsStore
from integration.findings.values import Values, bounded_values
from integration.log.event import as_indexed
from integration.render.aggregation import LONG_LINES, condition_name, labels_name, lines_search
from integration.times import millis_shown

# A line longer than the mapping's `ignore_above` (8,191 characters) is in no index, which tells it from the others.
_PAGE, _PAGE_OF_LONG_LINES = 1_000, 32


def evaluate(engine: Engine, rule: Rule, index: str, window: Window, zone: tzinfo = UTC) -> Iterator[Finding]:
    """Let the cluster evaluate one window, and yield its findings one at a time; `zone` is what SPL prints times in.

    The hosts come as `window_statistics` yields them.
    """
    for host, statistics in window_statistics(engine, rule, index, window):
        finding = build_finding(rule, host, window, statistics, zone)
        if finding is not None:
            yield finding


def window_statistics(engine: Engine, rule: Rule, index: str, window: Window) -> Iterator[tuple[str, Statistics]]:
    """Yield each host that has selected events in one window, with its statistics.

    The hosts come as the cluster orders them: keywords by code points. Lists are bounded as everywhere, and what is beyond the
    bounds is counted. A missing index has none.
    """
    for host, bucket in hosts_of(engine, rule, index, window):
        where = (engine, rule, index, window, host)
        statistics = _read_line_by_line(*where) if bucket is None else statistics_of(*where, bucket)
        if statistics is not None:
            yield host, statistics


def statistics_of(engine: Engine, rule: Rule, index: str, window: Window, host: str, bucket: Mapping[str, Any]) -> Statistics:
    """Return a host's statistics from its bucket of `aggregation.statistics`; lists that the bucket shows in part are read anew."""
    names = rule.field_lists
    shown = {name: tuple(str(value["key"]) for value in bucket[name]["buckets"]) if name in bucket else () for name in names}
    # A line that is too long for the index has values that no list has.
    long_lines = bucket.get(LONG_LINES, {"doc_count": 0})["doc_count"] and not rule.field_names.own_index
    in_part = [name for name in names if long_lines or name not in bucket or bucket[name]["sum_other_doc_count"]]
    lists = {name: bounded_values(sorted(values), len(values)) for name, values in shown.items()}
    read = _read_line_by_line(engine, rule, index, window, host) if in_part else None
    for name in in_part:
        # Of an alert whose events are deleted by now, what it shows itself is all there is.
        whole = read.lists[name] if read else Values(())
        more = name in bucket and (read is None or bucket[name]["sum_other_doc_count"])
        lists[name] = max(whole, Values(shown[name], left_out=1 if more else 0), key=lambda values: values.distinct)
    return Statistics(
        events=bucket["doc_count"],
        first_seen=int(bucket["first_seen"]["value"]),
        last_seen=int(bucket["last_seen"]["value"]),
        lists=lists,
        labels={label["key"]: label["doc_count"] for label in bucket[labels_name(rule)]["buckets"]},
        holding=frozenset(c for c in rule.list_conditions if _holds(c, bucket.get(condition_name(rule, c)), read, shown)),
    )


def _holds(
    condition: ColumnCondition, judged: Mapping[str, Any] | None, read: Statistics | None, shown: Mapping[str, tuple[str, ...]]
) -> bool:
    """Return whether a condition on a list holds: as the bucket says itself, else as the lines do, else as the whole list does."""
    if judged is not None:
        return bool(judged["value"])
    if read is not None:
        return condition in read.holding
    return any(str(condition.contains) in value for value in shown[str(condition.column)])


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


def label_of(rule: Rule, hit: Mapping[str, Any]) -> str | None:
    """Return the class that the cluster gives an event, a hit of `aggregation.lines_search`; None for one that is not selected."""
    return next(iter(hit["fields"].get(rule.classification.field) or ()), None)


def time_of(rule: Rule, hit: Mapping[str, Any]) -> int:
    """Return the time of an event in epoch milliseconds; its hit shows it as `strict_date_time`, in any year an index takes."""
    return millis_shown(hit["fields"][name_in_index(rule, "@timestamp")][0])


def _read_line_by_line(engine: Engine, rule: Rule, index: str, window: Window, host: str) -> Statistics | None:
    """Return a host's statistics from its events, which the cluster classes; None where none is selected."""
    body = lines_search(rule, engine.name, window.start, window.end, host)
    with closing(StatisticsStore(rule)) as store:
        for hit in event_hits(engine, rule, index, body):
            if (label := label_of(rule, hit)) is not None:
                shown = [(name, value) for name in rule.field_lists for value in hit["fields"].get(name, ())]
                values = [(name, as_indexed(value)) for name, value in shown if value is not None]
                store.add(window, host, time_of(rule, hit), label, values)
        return next((statistics for _, _, statistics in store.statistics()), None)
