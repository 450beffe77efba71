"""Findings that were stored: read back from risk events, and what is asked of every place that keeps alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from integration.detection.case import fold
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.engines.base import Engine
from integration.engines.paging import page_of
from integration.errors import InputError
from integration.findings.finding import Finding

_PAGE = 20  # one finding can take megabytes
_LONGEST_REASON = 300
_IN_ORDER: dict[str, Any] = {
    "_source": ["finding"],
    "track_total_hits": False,
    # The id makes the order whole, so that no document falls between two pages.
    "sort": [
        {"finding.window_start": {"order": "asc", "unmapped_type": "date"}},
        {"event.id": {"order": "asc", "unmapped_type": "keyword"}},
    ],
}


UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, OverflowError, InputError)
"""The errors of reading a document that is not ours, or was changed by somebody else."""


@dataclass(frozen=True)
class FindingQuery:
    """The findings that are asked for: windows wholly in [`start`, `end`) (epoch milliseconds), hosts by glob, severity, rules.

    `id_begins` is what the finding's id begins with.
    """

    rules: Mapping[str, Rule]
    start: int | None = None
    end: int | None = None
    hosts: tuple[str, ...] = ()
    severity: Severity = Severity.INFORMATIONAL
    id_begins: str = ""

    def __contains__(self, finding: object) -> bool:
        return (
            isinstance(finding, Finding)
            and finding.rule_id in self.rules
            and (self.start is None or finding.window_start >= self.start)
            and (self.end is None or finding.window_end <= self.end)
            and (not self.hosts or any(fnmatchcase(fold(finding.host), fold(glob)) for glob in self.hosts))
            and finding.severity >= self.severity
            and finding.id.startswith(self.id_begins)
        )


class AlertState(StrEnum):
    """Which alerts are asked for: those that somebody may still have to see to, those that are over, or both."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


@dataclass
class Skipped:
    """Documents that could not be read, counted by kind, with the first reason of each kind."""

    _kinds: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, what: str, reason: str) -> None:
        """Count one more of a kind."""
        count, first = self._kinds.get(what, (0, reason))
        self._kinds[what] = (count + 1, first)

    def notes(self) -> Iterator[str]:
        """Yield a message for each kind."""
        for what, (count, first) in self._kinds.items():
            yield f"Left out: {count:,} {what} (the first: {' '.join(first.split())[:_LONGEST_REASON]})."


@dataclass(frozen=True)
class AlertQuery:
    """The alerts whose findings are asked for; `zone` is what SPL prints times in."""

    wanted: FindingQuery
    state: AlertState
    left_out: Skipped
    zone: tzinfo = UTC


def risk_findings(engine: Engine, index: str, wanted: FindingQuery, left_out: Skipped) -> Iterator[Finding]:
    """Yield every finding asked for that was stored as a risk event, by window."""
    limits: list[dict[str, Any]] = (
        [{"range": {"finding.window_start": {"gte": wanted.start, "format": "epoch_millis"}}}] if wanted.start is not None else []
    )
    if wanted.end is not None:
        limits.append({"range": {"finding.window_end": {"lte": wanted.end, "format": "epoch_millis"}}})
    if wanted.id_begins:
        limits.append({"prefix": {"event.id": {"value": wanted.id_begins}}})
    filters = [{"term": {"event.dataset": "detect.risk"}}, {"terms": {"rule.id": sorted(wanted.rules)}}, *limits]
    body = _IN_ORDER | {"query": {"bool": {"filter": filters}}}
    size = _PAGE
    while True:
        answer, size = page_of(lambda asked: engine.search(index, body | {"size": asked}), size)
        hits = answer["hits"]["hits"]
        for hit in hits:
            try:
                record = hit["_source"]["finding"]
                finding = Finding.from_json(record, wanted.rules[record["rule_id"]])
            except UNREADABLE as error:
                left_out.add("risk events that hold no finding", f"{hit['_index']}, document {hit['_id']}: {error!r}")
                continue
            if finding in wanted:
                yield finding
        if len(hits) < size:
            return
        body["search_after"] = hits[-1]["sort"]
