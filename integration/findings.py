"""`detect findings`: what was found, from risk events and from the engine's own alerts, in the one form of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from fnmatch import fnmatchcase
from typing import Any

from integration.engines.base import Engine
from integration.errors import InputError
from integration.finding import Finding
from integration.render.monitor import host_of
from integration.rule import Rule, Severity
from integration.run import finding_of

_PAGE = 1_000
_FIRST_PAGE: dict[str, Any] = {
    "size": _PAGE,
    "_source": ["finding"],
    "track_total_hits": False,
    # The id makes the order whole, so that no document falls between two pages.
    "sort": [
        {"finding.window_start": {"order": "asc", "unmapped_type": "date"}},
        {"event.id": {"order": "asc", "unmapped_type": "keyword"}},
    ],
}


@dataclass(frozen=True)
class Wanted:
    """Which findings are asked for: windows wholly in [`start`, `end`) (epoch milliseconds), hosts by glob, severity, rules."""

    rule_ids: frozenset[str]
    start: int | None = None
    end: int | None = None
    hosts: tuple[str, ...] = ()
    severity: Severity = Severity.INFORMATIONAL

    def __contains__(self, finding: object) -> bool:
        return (
            isinstance(finding, Finding)
            and finding.rule_id in self.rule_ids
            and (self.start is None or finding.window_start >= self.start)
            and (self.end is None or finding.window_end <= self.end)
            and (not self.hosts or any(fnmatchcase(finding.host.lower(), glob.lower()) for glob in self.hosts))
            and finding.severity >= self.severity
        )


@dataclass(frozen=True)
class Alert:
    """An engine's own alert about one host: its bucket of `aggregation.statistics`, and when it was raised (epoch milliseconds)."""

    host: str
    bucket: Mapping[str, Any]
    at: int


def risk_findings(engine: Engine, index: str, wanted: Wanted) -> Iterator[Finding]:
    """Read every wanted finding that was stored as a risk event, by window; `InputError` for a document that is none."""
    limits = (
        [{"range": {"finding.window_start": {"gte": wanted.start, "format": "epoch_millis"}}}] if wanted.start is not None else []
    )
    if wanted.end is not None:
        limits.append({"range": {"finding.window_end": {"lte": wanted.end, "format": "epoch_millis"}}})
    filters = [{"term": {"event.dataset": "detect.risk"}}, {"terms": {"rule.id": sorted(wanted.rule_ids)}}, *limits]
    body = _FIRST_PAGE | {"query": {"bool": {"filter": filters}}}
    while hits := engine.search(index, body)["hits"]["hits"]:
        for hit in hits:
            finding = _read(index, hit)
            if finding in wanted:
                yield finding
        body["search_after"] = hits[-1]["sort"]


def alert_findings(
    engine: Engine, rule: Rule, index: str, alerts: Iterable[Alert], wanted: Wanted, zone: tzinfo = UTC
) -> Iterator[Finding]:
    """Give the wanted findings of an engine's alerts about a rule; an alert tells of the last run before it was raised."""
    for alert in alerts:
        finding = finding_of(engine, rule, index, rule.windows.last_run(alert.at), alert.host, alert.bucket, zone)
        if finding in wanted:
            yield finding


def opensearch_alert(alert: Mapping[str, Any]) -> Alert | None:
    """Read an alert of OpenSearch Alerting; None for one that is about no host, as a monitor's own errors are."""
    bucket = (alert.get("agg_alert_content") or {}).get("bucket")
    at = alert.get("last_notification_time") or alert.get("start_time")
    if not isinstance(bucket, Mapping) or not isinstance(at, int):
        return None
    return Alert(host_of(str(bucket["key"]["host"])), bucket, at)


def merged(*sources: Iterable[Finding]) -> Sequence[Finding]:
    """Put findings of several sources together, each once, by window, host and rule; earlier sources win."""
    found: dict[str, Finding] = {}
    for source in sources:
        for finding in source:
            found.setdefault(finding.id, finding)
    return sorted(found.values(), key=lambda finding: finding.sort_key)


def _read(index: str, hit: Mapping[str, Any]) -> Finding:
    try:
        record = hit["_source"]["finding"]
        beyond = {name: count for name, count in record.get("truncated", {}).items() if count}
        return Finding.from_json(record | {"truncated": beyond})
    except (KeyError, ValueError, TypeError, AttributeError, InputError) as error:
        raise InputError(f"{index}: document {hit['_id']} holds no finding that can be read: {error!r}") from error
