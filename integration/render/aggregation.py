"""The search for every host's statistics of SPL 8 in a window, one bucket a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integration.detection.fields import dataset_filter, name_in_index
from integration.detection.model import Rule, StatCondition
from integration.render import painless

BY_HOST = "by_host"
"""The composite aggregation's name."""
PAGE_SIZE = 1_000
"""Hosts a page."""
LIST_SIZE = 1_000
"""Values of a list that a search asks for. A longer list is read line by line, so that no answer grows with it."""
COUNTS_PAGE_SIZE = 10_000
"""Hosts a page of `host_counts_search`."""
LONG_LINES = "long_lines"
"""The sub-aggregation of `host_counts_search` that counts the lines that are in no index."""

DYNAMIC_FIELDS = {"opensearch": "derived", "elasticsearch": "runtime"}
"""What an engine calls fields computed by a script: the key in a mapping."""
_IN_SEARCH = {"opensearch": "derived", "elasticsearch": "runtime_mappings"}


def class_field(rule: Rule) -> dict[str, Any]:
    """Return the classifier as a field definition: a runtime field on Elasticsearch, a derived field on OpenSearch."""
    return {rule.classification.field: {"type": "keyword", "script": {"lang": "painless", "source": painless.classifier(rule)}}}


def selection(rule: Rule, time_range: Mapping[str, Any]) -> dict[str, Any]:
    """Return SPL 1 as a query: window, sourcetype, the level where every alternative asks for one, and the class the script gives.

    The class is tested by naming every class: OpenSearch refuses `exists` on a derived field.
    """
    return {
        "bool": {"filter": [*_indexed(rule, time_range), {"terms": {rule.classification.field: list(rule.classification.names)}}]}
    }


def _indexed(rule: Rule, time_range: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the part of the selection that an index answers."""
    filters: list[dict[str, Any]] = [
        {"range": {name_in_index(rule, "@timestamp"): dict(time_range)}},
        *dataset_filter(rule),
    ]
    if all(alternative.level for alternative in rule.selection):
        # Indexed, so that the script runs on few events.
        levels = sorted({level.upper() for alternative in rule.selection for level in alternative.level})
        field = name_in_index(rule, "log.level")
        terms = [{"term": {field: {"value": level, "case_insensitive": True}}} for level in levels]
        filters.append({"bool": {"should": terms, "minimum_should_match": 1}})
    return filters


def statistics(rule: Rule, max_values: int) -> dict[str, Any]:
    """Return SPL 8 for one host: sub-aggregations named as the statistics, each list in code-point order up to `max_values`."""
    lists = {
        name: {"terms": {"script": painless.script(painless.value(rule, field)), "size": max_values, "order": {"_key": "asc"}}}
        for name, field in rule.stats.values.items()
    }
    conditions = {condition_name(rule, condition): _condition(rule, condition) for condition in rule.list_conditions}
    types = {"terms": {"field": rule.classification.field, "size": len(rule.classification.names), "order": {"_key": "asc"}}}
    time = name_in_index(rule, "@timestamp")
    return {
        "first_seen": {"min": {"field": time}},
        "last_seen": {"max": {"field": time}},
        **lists,
        "error_types": types,
        **conditions,
    }


def condition_name(rule: Rule, condition: StatCondition) -> str:
    """Return the name of the sub-aggregation whose number is more than 0 where a condition on a list holds for any event."""
    return f"condition_{rule.list_conditions.index(condition)}"


def window_search(rule: Rule, engine: str, start: int, end: int, hosts: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the search body for the window [`start`, `end`) in epoch milliseconds; the caller pages by `after`.

    `hosts` bounds them by name, as a range query does.
    """
    query = selection(rule, _window(start, end))
    if hosts:
        query["bool"]["filter"].append({"range": {name_in_index(rule, "host.name"): dict(hosts)}})
    return {_IN_SEARCH[engine]: class_field(rule)} | _by_host(rule, query, PAGE_SIZE, statistics(rule, LIST_SIZE))


def host_counts_search(rule: Rule, start: int, end: int) -> dict[str, Any]:
    """Return the search that counts each host's events in a window that may be selected: cheap, since no script runs."""
    long = {"filter": {"bool": {"must_not": [{"exists": {"field": name_in_index(rule, "event.original")}}]}}}
    return _by_host(rule, {"bool": {"filter": _indexed(rule, _window(start, end))}}, COUNTS_PAGE_SIZE, {LONG_LINES: long})


def _by_host(rule: Rule, query: dict[str, Any], size: int, each: dict[str, Any]) -> dict[str, Any]:
    source = {"host": {"terms": {"field": name_in_index(rule, "host.name")}}}
    return {
        "size": 0,
        "track_total_hits": False,
        "query": query,
        "aggs": {BY_HOST: {"composite": {"size": size, "sources": [source]}, "aggs": each}},
    }


def _window(start: int, end: int) -> dict[str, Any]:
    return {"gte": start, "lt": end, "format": "epoch_millis"}


def lines_search(rule: Rule, engine: str, start: int, end: int, host: str) -> dict[str, Any]:
    """Return the search for one host's events that may be selected, each with its time, class and values under `fields`.

    One without a class is not selected. The class is no condition of the query, since the first page of a scroll counts all that
    match: the script would read every line before the first one came.
    """
    filters = [*_indexed(rule, _window(start, end)), {"term": {name_in_index(rule, "host.name"): host}}]
    return {
        _IN_SEARCH[engine]: class_field(rule),
        "query": {"bool": {"filter": filters}},
        "_source": False,
        "docvalue_fields": [{"field": name_in_index(rule, "@timestamp"), "format": "strict_date_time"}],
        "fields": [rule.classification.field],
        "script_fields": {
            name: {"script": painless.script(painless.value(rule, field))} for name, field in rule.stats.values.items()
        },
    }


def _condition(rule: Rule, condition: StatCondition) -> dict[str, Any]:
    if condition.stat == "error_types":
        names = [name for name in rule.classification.names if str(condition.contains) in name]
        return {"filter": {"terms": {rule.classification.field: names}}}
    field = rule.stats.values[condition.stat]
    return {"max": {"script": painless.script(painless.value_contains(rule, field, str(condition.contains)))}}
