"""The alerts of our detection rules in Kibana, read back to findings.

The alerts of stack rules are not read: no public interface of Kibana lists them, and they hold no statistic of their finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from integration.detection.columns import LISTS, NUMBERS, Kind
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.engines.kibana import Kibana
from integration.engines.paging import page_of
from integration.errors import ClusterError
from integration.evaluation.history import UNREADABLE, AlertQuery, AlertState
from integration.findings.finding import Finding
from integration.names import Namespace
from integration.targets.kibana.body import detection_id
from integration.times import parse_time

_ALERTS = "/api/detection_engine/signals/search"
_ID = "kibana.alert.uuid"
_COLUMN = "finding."
# One alert can take megabytes: four lists of a hundred long values.
_PAGE = 20


def kibana_findings(kibana: Kibana, rule: Rule, namespace: Namespace, asked: AlertQuery) -> Iterator[Finding]:
    """Yield the wanted findings of the alerts of a detection rule, each of which holds its finding."""
    ours = {"term": {"kibana.alert.rule.rule_id": detection_id(rule, namespace)}}
    for alert in _alerts(kibana, ours, asked):
        try:
            finding = finding_of_row(alert, rule)
        except UNREADABLE as error:
            asked.left_out.add("alerts of detection rules that hold no finding", f"{alert.get(_ID)}: {error}")
            continue
        if finding in asked.wanted:
            yield finding


def count_open_detections(kibana: Kibana, rule: Rule, namespace: Namespace) -> int:
    """Count the alerts of a detection rule that nobody has taken up or closed."""
    terms = {"kibana.alert.rule.rule_id": detection_id(rule, namespace), "kibana.alert.workflow_status": "open"}
    query = {"bool": {"filter": [{"term": {name: value}} for name, value in terms.items()]}}
    answer = kibana.search(_ALERTS, {"size": 0, "track_total_hits": True, "query": query})
    return int(answer["hits"]["total"]["value"])


def flattened(source: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a document's values by dotted name: Kibana writes the names of an alert flat, nested, or both."""
    waiting = [("", source)]
    while waiting:
        path, inside = waiting.pop()
        for name, value in inside.items():
            if isinstance(value, Mapping):
                waiting.append((f"{path}{name}.", value))
            else:
                yield f"{path}{name}", value


def finding_of_row(row: Mapping[str, Any], rule: Rule) -> Finding:
    """Read a row given as its columns by dotted name; a column of nulls may be missing.

    ES|QL gives one value as itself and several as a list. One of `history.UNREADABLE` when the row is not one of ours.
    """
    column: dict[str, Any] = {name.removeprefix(_COLUMN): value for name, value in row.items() if name.startswith(_COLUMN)}
    return Finding.checked(
        rule,
        {name: _READ.get(each.kind, lambda value: value)(column.get(name)) for name, each in rule.columns.items()},
        {name: int(column.get(f"truncated.{name}") or 0) for name in rule.field_lists},
        rule_id=column.get("rule_id"),
        host=column.get("host"),
        window_start=parse_time(column["window_start"]),
        window_end=parse_time(column["window_end"]),
        severity=Severity.parse(column["severity"]),
        attack_type=column.get("attack_type"),
        risk_score=int(column["risk_score"]),
        risk_message=column.get("risk_message"),
    )


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


_READ: dict[Kind, Callable[[Any], Any]] = {Kind.TIME: parse_time, **dict.fromkeys(NUMBERS, int), **dict.fromkeys(LISTS, _listed)}


def _alerts(kibana: Kibana, ours: Mapping[str, Any], asked: AlertQuery) -> Iterator[dict[str, Any]]:
    """Yield alerts by dotted name, page by page: each begins after the last id.

    Not by `search_after`, which this interface ignores: it would answer with its first page for ever.
    """
    closed = {"term": {"kibana.alert.workflow_status": "closed"}}
    filters = [ours, {"exists": {"field": _ID}}] + [closed] * (asked.state is AlertState.CLOSED)
    others = [closed] * (asked.state is AlertState.OPEN)
    body: dict[str, Any] = {"sort": [{_ID: {"order": "asc", "unmapped_type": "keyword"}}], "_source": [_ID, "finding"]}
    after: list[dict[str, Any]] = []
    size = _PAGE
    while True:
        body["query"] = {"bool": {"filter": [*filters, *after], "must_not": others}}
        page, size = page_of(partial(_page, kibana, body), size)
        hits = page["hits"]
        yield from (dict(flattened(hit.get("_source") or {})) for hit in hits)
        if len(hits) < size:
            return
        after = [{"range": {_ID: {"gt": hits[-1]["sort"][0]}}}]


def _page(kibana: Kibana, body: Mapping[str, Any], size: int) -> dict[str, Any]:
    page = kibana.search(_ALERTS, {"size": size, **body}).get("hits")
    if not isinstance(page, dict):
        raise ClusterError(f"{kibana.url} answered {_ALERTS} with something that is not a result of a search")
    return page
