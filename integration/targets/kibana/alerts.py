"""Kibana's alerts about our rules, read back to findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.engines.bounded import Pages
from integration.engines.kibana import Kibana
from integration.errors import AnswerTooLargeError, ClusterError, ForbiddenError, NotFoundError
from integration.evaluation.cluster import evaluate
from integration.evaluation.history import UNREADABLE, AlertState, Asked
from integration.findings.finding import Finding
from integration.names import Namespace
from integration.targets.kibana.body import detection_id, stack_id
from integration.targets.kibana.esql_rows import finding_of_row
from integration.times import parse_time

_DETECTION_ALERTS = "/api/detection_engine/signals/search"
# Kibana's own interface for what its pages show: no public one lists the alerts of stack rules.
_STACK_ALERTS = "/internal/rac/alerts/find"
_ID = "kibana.alert.uuid"
_HOST = ("host.name", "kibana.alert.instance.id")
# One alert can take megabytes: four lists of a hundred long values.
_PAGE = 200


def kibana_findings(
    engine: Engine, kibana: Kibana, rule: Rule, namespace: Namespace, index: str, asked: Asked
) -> Iterator[Finding]:
    """Give the wanted findings of the alerts of a rule in Kibana, be it a detection rule, a stack rule or both.

    The alerts of a kind that Kibana does not have, or does not show to this user, are left out; `ClusterError` when that is both.
    An alert of a detection rule holds its finding. One of a stack rule names the host and no statistic, so that the cluster
    evaluates the alert's last window anew.
    """
    refused: list[ClusterError] = []
    hosts: dict[Window, set[str]] = {}
    try:
        yield from (finding for finding in _of_detection_rule(kibana, rule, namespace, asked) if finding in asked.wanted)
    except (ForbiddenError, NotFoundError) as error:
        refused.append(error)
        asked.left_out.add("kind of alerts: those of detection rules", str(error))
    try:
        hosts = _of_stack_rule(kibana, rule, namespace, asked)
    except (ForbiddenError, NotFoundError) as error:
        refused.append(error)
        asked.left_out.add("kind of alerts: those of stack rules", str(error))
    if len(refused) == 2:
        raise refused[0]
    for window in sorted(filter(asked.wanted.covers, hosts), key=lambda window: window.start):
        missing = set(hosts[window])
        for finding in evaluate(engine, rule, index, window, asked.zone):
            if finding.host in hosts[window]:
                missing.discard(finding.host)
                if finding in asked.wanted:
                    yield finding
        for host in sorted(missing):
            asked.left_out.add("alerts of stack rules whose events give no finding now", host)


def count_open_detections(kibana: Kibana, rule: Rule, namespace: Namespace) -> int:
    """Count the alerts of a detection rule that nobody has taken up or closed."""
    terms = {"kibana.alert.rule.rule_id": detection_id(rule, namespace), "kibana.alert.workflow_status": "open"}
    query = {"bool": {"filter": [{"term": {name: value}} for name, value in terms.items()]}}
    answer = kibana.search(_DETECTION_ALERTS, {"size": 0, "track_total_hits": True, "query": query})
    return int(answer["hits"]["total"]["value"])


def flattened(source: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give a document's values by dotted name, however it nests them: Kibana writes an alert's names flat, nested, or both."""
    waiting = [("", source)]
    while waiting:
        path, inside = waiting.pop()
        for name, value in inside.items():
            if isinstance(value, Mapping):
                waiting.append((f"{path}{name}.", value))
            else:
                yield f"{path}{name}", value


def _of_detection_rule(kibana: Kibana, rule: Rule, namespace: Namespace, asked: Asked) -> Iterator[Finding]:
    ours = {"term": {"kibana.alert.rule.rule_id": detection_id(rule, namespace)}}
    is_open = {"bool": {"must_not": [{"term": {"kibana.alert.workflow_status": "closed"}}]}}
    for alert in _alerts(kibana, _DETECTION_ALERTS, ours, is_open, asked, {"_source": [_ID, "finding"]}):
        try:
            yield finding_of_row(alert)
        except UNREADABLE as error:
            asked.left_out.add("alerts of detection rules that hold no finding", f"{alert.get(_ID)}: {error}")


def _of_stack_rule(kibana: Kibana, rule: Rule, namespace: Namespace, asked: Asked) -> dict[Window, set[str]]:
    """Give the last window of each alert, with its hosts."""
    ours = {"term": {"kibana.alert.rule.uuid": stack_id(rule, namespace, kibana.space)}}
    is_open = {"term": {"kibana.alert.status": "active"}}
    names = [_ID, *_HOST, "@timestamp", "kibana.alert.status", "kibana.alert.end"]
    hosts: dict[Window, set[str]] = {}
    for alert in _alerts(kibana, _STACK_ALERTS, ours, is_open, asked, {"rule_type_ids": [".es-query"], "_source": names}):
        try:
            hosts.setdefault(_last_window(rule, alert), set()).add(_host(alert))
        except UNREADABLE as error:
            asked.left_out.add("alerts of stack rules that name no host or no time", f"{alert.get(_ID)}: {error}")
    return hosts


def _host(alert: Mapping[str, Any]) -> str:
    host = next((alert[name] for name in _HOST if name in alert), None)
    if not isinstance(host, str):
        raise TypeError(f"the host is {host!r}")
    return host


def _last_window(rule: Rule, alert: Mapping[str, Any]) -> Window:
    """Give the last window that an alert was active for."""
    if alert["kibana.alert.status"] != "recovered":
        return rule.windows.last_run(parse_time(alert["@timestamp"]))
    # It ended with the first window that the host was not in.
    ended = rule.windows.last_run(parse_time(alert["kibana.alert.end"]))
    return rule.windows.last_run(ended.run_at - 1)


def _alerts(
    kibana: Kibana, path: str, ours: Mapping[str, Any], is_open: Mapping[str, Any], asked: Asked, options: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Give alerts by dotted name, page by page: each begins after the last id.

    Not by `search_after`, which the interface of detection rules does not know: it would give its first page for ever.
    """
    filters = [ours, {"exists": {"field": _ID}}] + [is_open] * (asked.state is AlertState.OPEN)
    others = [is_open] * (asked.state is AlertState.CLOSED)
    body = {"sort": [{_ID: {"order": "asc", "unmapped_type": "keyword"}}], **options}
    after: list[dict[str, Any]] = []
    pages = Pages(_PAGE)
    while True:
        body["query"] = {"bool": {"filter": [*filters, *after], "must_not": others}}
        too_large = False
        try:
            page, size = pages.ask(partial(_page, kibana, path, body))
        except AnswerTooLargeError:
            page, size, too_large = _page(kibana, path, {**body, "_source": [_ID]}, 1), 1, True
        hits = page["hits"]
        for hit in hits:
            alert = dict(flattened(hit.get("_source") or {}))
            if too_large:
                asked.left_out.add("alerts in Kibana that are too large to read", str(alert.get(_ID)))
            else:
                yield alert
        if len(hits) < size:
            return
        after = [{"range": {_ID: {"gt": hits[-1]["sort"][0]}}}]


def _page(kibana: Kibana, path: str, body: Mapping[str, Any], size: int) -> dict[str, Any]:
    page = kibana.search(path, {"size": size, **body}).get("hits")
    if not isinstance(page, dict):
        raise ClusterError(f"{kibana.url} answered {path} with something that is no result of a search")
    return page
