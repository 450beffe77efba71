"""The alerts of OpenSearch Alerting: listed however many there are, and read back to findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.paging import page_of
from integration.evaluation.cluster import statistics_of
from integration.evaluation.history import UNREADABLE, AlertQuery, AlertState, Skipped
from integration.findings.finding import Finding, build_finding
from integration.targets.opensearch.body import as_searched

_ALERTS = "/_plugins/_alerting/monitors/alerts"
_OPEN = ("ACTIVE", "ACKNOWLEDGED", "ERROR")
# What is over lies in Alerting's history, for the 60 days that it keeps by default.
_CLOSED = ("COMPLETED", "DELETED")
_STATES = {AlertState.OPEN: _OPEN, AlertState.CLOSED: _CLOSED, AlertState.ALL: (*_OPEN, *_CLOSED)}
# One alert can take megabytes: twenty long values of each list.
_PAGE = 20
# Alerting's list is a search, which gives no hit beyond these, and counts no further.
_REACH = 10_000


def alerts(engine: Engine, monitor_id: str, state: AlertState, left_out: Skipped) -> Iterator[dict[str, Any]]:
    """Yield every alert of a monitor in a state, each once: what it says of one host is in `agg_alert_content`.

    An alert that changes its state while this lists may come twice.
    """
    for one in _STATES[state]:
        yield from _in_state(engine, monitor_id, one, left_out)


def count_open(engine: Engine, monitor_id: str) -> int:
    """Count the open alerts of a monitor."""
    count = 0
    for state in _OPEN:
        total = int(_page(engine, monitor_id, state, None, 0, 0)["totalAlerts"])
        count += total if total < _REACH else sum(1 for _ in _in_state(engine, monitor_id, state, Skipped()))
    return count


def monitor_findings(
    engine: Engine, rule: Rule, index: str, listed: Iterable[Mapping[str, Any]], asked: AlertQuery
) -> Iterator[Finding]:
    """Yield the wanted findings of a monitor's alerts. An alert that stayed open over several runs tells of the last of them."""
    for alert in listed:
        bucket = (alert.get("agg_alert_content") or {}).get("bucket")
        if bucket is None:
            continue  # about no host: a monitor's own error
        try:
            bucket = as_searched(rule, bucket)
            # Not by the alert's times: the ones that Alerting renews depend on whether the monitor notifies anyone.
            window = rule.windows.window_of(int(bucket["last_seen"]["value"]))
            host = bucket["key"]["host"]
            finding = build_finding(rule, host, window, statistics_of(engine, rule, index, window, host, bucket), asked.zone)
        except UNREADABLE as error:
            asked.left_out.add("alerts of OpenSearch Alerting that hold no finding", f"{alert.get('id')}: {error!r}")
            continue
        if finding is not None and finding in asked.wanted:
            yield finding


def _in_state(engine: Engine, monitor_id: str, state: str, left_out: Skipped) -> Iterator[dict[str, Any]]:
    """Yield alerts by start time: the next page is asked from the last instant on, and what came already is left out."""
    since: int | None = None
    start, known = 0, set[str]()
    size = _PAGE
    while True:
        if start == _REACH:
            left_out.add(f"sets of more than {_REACH:,} alerts that began in one millisecond", f"beyond those, at {since}")
            since, start, known = (since or 0) + 1, 0, set()
        within = min(size, _REACH - start)
        answer, asked = page_of(partial(_page, engine, monitor_id, state, since, start), within)
        size = size if asked == within else asked
        page = answer.get("alerts", [])
        yield from (alert for alert in page if alert["id"] not in known)
        if len(page) < asked:
            return
        last = page[-1]["start_time"]
        if last == since:
            start += asked
        else:
            since, start, known = last, 0, {alert["id"] for alert in page if alert["start_time"] == last}


def _page(engine: Engine, monitor_id: str, state: str, since: int | None, start: int, size: int) -> dict[str, Any]:
    options: dict[str, str | int | bool] = {
        "monitorId": monitor_id,
        "alertState": state,
        "size": size,
        "startIndex": start,
        "sortString": "start_time",
    }
    if since is not None:
        options["searchString"] = f"start_time:[{since} TO *]"
    return engine.request("GET", _ALERTS, params=options, retry=True)
