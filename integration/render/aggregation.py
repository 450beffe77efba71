"""The search for every host's statistics of SPL 8 in a window, one bucket a host."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from integration.detection.columns import Kind
from integration.detection.conditions import LINE_KIND, NO_LEVEL, AddressField, Condition, NumberField, TextField
from integration.detection.fields import dataset_filter, name_in_index
from integration.detection.ladder import ColumnCondition
from integration.detection.model import Rule
from integration.render import painless
from integration.render.classifier import classifier, selects

BY_HOST = "by_host"
"""The composite aggregation's name."""
PAGE_SIZE = 1_000
"""Hosts a page."""
LIST_SIZE = 1_000
"""Values of a list that a search asks for. A longer list is read line by line, so that no answer grows with it."""
COUNTS_PAGE_SIZE = 10_000
"""Hosts a page of `host_counts_search`."""
LONG_LINES = "long_lines"
"""The sub-aggregation that counts the lines that are in no index."""

_WILD, _ESCAPED = re.compile(r"[*?\\]"), r"\\\g<0>"
DYNAMIC_FIELDS = {"opensearch": "derived", "elasticsearch": "runtime"}
"""What an engine calls fields computed by a script: the key in a mapping."""
_IN_SEARCH = {"opensearch": "derived", "elasticsearch": "runtime_mappings"}


def class_field(rule: Rule) -> dict[str, Any]:
    """Return the classifier as a field definition: a runtime field on Elasticsearch, a derived field on OpenSearch."""
    return {rule.classification.field: {"type": "keyword", "script": {"lang": "painless", "source": classifier(rule)}}}


def selection(rule: Rule, engine: str, time_range: Mapping[str, Any]) -> dict[str, Any]:
    """Return SPL 1 as a query: window, sourcetype, the level where every alternative asks for one, and the class the script gives.

    The class is tested by naming every class: OpenSearch refuses `exists` on a derived field. It also takes very long to search
    one, so that a script query tells of lines that are in the index, which alone it sees.
    """
    of_class: dict[str, Any] = {"terms": {rule.classification.field: list(rule.classification.names)}}
    if engine == "opensearch" and not rule.field_names.own_index:
        indexed = {"bool": {"filter": [{"script": {"script": painless.script(selects(rule))}}]}}
        of_class = _should([indexed, {"bool": {"filter": [_long_line(rule), of_class]}}])
    return {"bool": {"filter": [*_indexed(rule, time_range), of_class]}}


def _indexed(rule: Rule, time_range: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the part of the selection that an index answers."""
    filters: list[dict[str, Any]] = [
        {"range": {name_in_index(rule, "@timestamp"): dict(time_range)}},
        *dataset_filter(rule),
    ]
    # Indexed, so that the script runs on few events.
    filters += _any_of(rule, rule.selection)
    if rule.classification.otherwise is None:
        filters += _any_of(rule, rule.classification.classes)
    return filters


def _any_of(rule: Rule, conditions: Sequence[Condition]) -> list[dict[str, Any]]:
    """Return filters that let through every event for which one of the conditions holds, none where one asks the index nothing."""
    asked = [_asked(rule, condition) for condition in conditions]
    if not all(asked) or len(asked) == 1:
        return asked[0] if len(asked) == 1 else []
    kinds: set[str] = set()
    others: list[dict[str, Any]] = []
    for condition, filters in zip(conditions, asked, strict=True):
        if condition.kind and len(filters) == 1:
            kinds |= set(condition.kind)
            continue
        clause = filters[0] if len(filters) == 1 else {"bool": {"filter": filters}}
        others += [clause] if clause not in others else []
    of_kinds = [_terms(name_in_index(rule, LINE_KIND), sorted(kinds))] if kinds else []
    return [_should([*of_kinds, *others])]


def _asked(rule: Rule, condition: Condition) -> list[dict[str, Any]]:
    """Return what of a condition an index answers, as filters that let through at least the events for which it holds."""
    level = name_in_index(rule, "log.level")
    filters = [_terms(name_in_index(rule, LINE_KIND), sorted(condition.kind))] if condition.kind else []
    if condition.level:
        filters.append(_should(_levels(level, condition.level)))
    if condition.not_level:
        filters.append({"bool": {"must_not": _levels(level, condition.not_level)}})
    for name, field in condition.fields.stated.items():
        filters += _field(rule, name, field)
    return filters


def _levels(field: str, names: Sequence[str]) -> list[dict[str, Any]]:
    none = {"bool": {"must_not": [{"exists": {"field": field}}]}}
    return [
        none if level == NO_LEVEL.upper() else {"term": {field: {"value": level, "case_insensitive": True}}}
        for level in sorted({name.upper() for name in names})
    ]


def _field(rule: Rule, name: str, condition: TextField | NumberField | AddressField) -> list[dict[str, Any]]:
    """Return a condition on a field as filters; a text of a line that is in no index is let through."""
    field = name_in_index(rule, name)
    if isinstance(condition, NumberField):
        bounds = {"gte": condition.least, "lte": condition.most, "lt": condition.below}
        return [{"range": {field: {bound: value for bound, value in bounds.items() if value is not None}}}]
    if isinstance(condition, AddressField) or condition.matches:
        return [{"exists": {"field": field}}] if isinstance(condition, AddressField) else []
    tests: list[dict[str, Any]] = [_terms(field, condition.equals)] if condition.equals else []
    tests += [{"prefix": {field: text}} for text in condition.begins]
    tests += [{"wildcard": {field: {"value": f"*{_WILD.sub(_ESCAPED, text)}*"}}} for text in condition.contains]
    return [_should([*tests, _long_line(rule)])]


def _terms(field: str, values: Sequence[str]) -> dict[str, Any]:
    return {"terms": {field: list(values)}}


def _should(clauses: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def statistics(rule: Rule, lists: Mapping[str, Any]) -> dict[str, Any]:
    """Return SPL 8 for one host: sub-aggregations named as the statistics, with those of the lists of event fields as given."""
    labels = {"terms": {"field": rule.classification.field, "size": len(rule.classification.names), "order": {"_key": "asc"}}}
    time = name_in_index(rule, "@timestamp")
    return {
        "first_seen": {"min": {"field": time}},
        "last_seen": {"max": {"field": time}},
        **lists,
        labels_name(rule): labels,
    }


def values_of(read: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Return the sub-aggregation of the first `size` distinct values in order; `read` is the field or script that gives them."""
    return {"terms": {**read, "size": size, "order": {"_key": "asc"}}}


def _read(rule: Rule, field: str) -> dict[str, Any]:
    """Return what gives an event field's values: the field, or in the user's own index, where it may be of any type, a script."""
    own = rule.field_names.own_index
    return {"script": painless.script(painless.value(rule, field))} if own else {"field": name_in_index(rule, field)}


def conditions(rule: Rule) -> dict[str, Any]:
    """Return the sub-aggregations of the rule's conditions on lists, for who judges a bucket without reading lists."""
    return {condition_name(rule, condition): _condition(rule, condition) for condition in rule.list_conditions}


def labels_name(rule: Rule) -> str:
    """Return the name of the sub-aggregation of the classes: that of the rule's list of them, if it has one."""
    return next((name for name, column in rule.columns.items() if column.kind is Kind.LABELS), "labels")


def condition_name(rule: Rule, condition: ColumnCondition) -> str:
    """Return the name of the sub-aggregation whose number is more than 0 where a condition on a list holds for any event."""
    return f"condition_{rule.list_conditions.index(condition)}"


def window_search(rule: Rule, engine: str, start: int, end: int, hosts: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the search body for the window [`start`, `end`) in epoch milliseconds; the caller pages by `after`.

    `hosts` bounds them by name, as a range query does. Lists are what the index holds of them; how many lines are too long for it
    stands beside them, since such a host is read line by line.
    """
    query = selection(rule, engine, _window(start, end))
    if hosts:
        query["bool"]["filter"].append({"range": {name_in_index(rule, "host.name"): dict(hosts)}})
    return {_IN_SEARCH[engine]: class_field(rule)} | _by_host(rule, query, PAGE_SIZE, _statistics_and_long_lines(rule))


def few_events_search(rule: Rule, engine: str, start: int, end: int, most: int) -> dict[str, Any]:
    """Return the search of a window for each host's statistics apart by label, which ends early where more than `most` are asked.

    It tells of the events that may be selected, and asks each one for its class once: one without a label is not selected.
    """
    each = _statistics_and_long_lines(rule)
    labels = each.pop(labels_name(rule)) | {"aggs": each}
    query = {"bool": {"filter": _indexed(rule, _window(start, end))}}
    body = _by_host(rule, query, PAGE_SIZE, {labels_name(rule): labels})
    return {_IN_SEARCH[engine]: class_field(rule), "terminate_after": most} | body


def _statistics_and_long_lines(rule: Rule) -> dict[str, Any]:
    lists = {name: values_of(_read(rule, field), LIST_SIZE) for name, field in rule.field_lists.items()}
    return statistics(rule, lists) | {LONG_LINES: {"filter": _long_line(rule)}}


def host_counts_search(rule: Rule, start: int, end: int) -> dict[str, Any]:
    """Return the search that counts each host's events in a window that may be selected: cheap, since no script runs."""
    counted = {LONG_LINES: {"filter": _long_line(rule)}}
    return _by_host(rule, {"bool": {"filter": _indexed(rule, _window(start, end))}}, COUNTS_PAGE_SIZE, counted)


def _long_line(rule: Rule) -> dict[str, Any]:
    """Return the query for lines that are in no index."""
    return {"bool": {"must_not": [{"exists": {"field": name_in_index(rule, "event.original")}}]}}


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
            name: {"script": painless.script(painless.value(rule, field))} for name, field in rule.field_lists.items()
        },
    }


def first_lines_search(rule: Rule, engine: str, start: int, end: int, host: str, most: int) -> dict[str, Any]:
    """Return the search for one host's first `most` selected events in time, as `lines_search` gives them, and the count of all."""
    query = selection(rule, engine, _window(start, end))
    query["bool"]["filter"].append({"term": {name_in_index(rule, "host.name"): host}})
    in_order = {"sort": [{name_in_index(rule, "@timestamp"): "asc"}], "size": most, "track_total_hits": True}
    return lines_search(rule, engine, start, end, host) | {"query": query} | in_order


def _condition(rule: Rule, condition: ColumnCondition) -> dict[str, Any]:
    field = rule.field_lists[str(condition.column)]
    return {"max": {"script": painless.script(painless.value_contains(rule, field, str(condition.contains)))}}
