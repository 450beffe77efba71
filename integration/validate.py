"""`detect validate`: the cluster's findings held against the reference's, statistic by statistic and row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from integration.engines.base import Engine
from integration.events import UNKNOWN_HOST, Event, stored
from integration.fields import name_in_index, path_in_source
from integration.filter import NO_FILTER, Filter
from integration.finding import Finding
from integration.reference import Reference
from integration.rule import Rule
from integration.run import evaluate, events_query, hits
from integration.schedule import Window
from integration.times import parse_time

MAX_ROWS = 1_000
"""Rows of SPL 14 compared a finding; equal lists make equal rows, so this bounds work, not trust."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing the two sides say differently of one rule, host and window; `field` is `finding` where one has none at all."""

    rule_id: str
    host: str
    window_start: int
    field: str
    reference: Any
    cluster: Any


@dataclass(frozen=True, slots=True)
class Validation:
    """What was compared: windows, events the reference evaluated, findings on either side, and every difference."""

    windows: int
    events: int
    selected: int
    findings: int
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether both sides say the same."""
        return not self.differences


def validate(
    engine: Engine, rule: Rule, index: str, windows: Sequence[Window], zone: tzinfo = UTC, post_filter: Filter = NO_FILTER
) -> Validation:
    """Fetch the windows' raw lines from the cluster, evaluate the reference over them and compare with the cluster's findings.

    The user's filter is applied to both.
    """
    reference = Reference(rule, zone)
    events = 0
    try:
        for event in _stored_events(engine, rule, index, windows):
            reference.add(event)
            events += 1
        expected = post_filter.kept(reference.findings())
        selected = reference.selected
    finally:
        reference.close()
    found = [finding for window in windows for finding in evaluate(engine, rule, index, window, zone)]
    differences, compared = compare(expected, post_filter.kept(found))
    return Validation(len(windows), events, selected, compared, tuple(differences))


def compare(reference: Iterable[Finding], cluster: Iterable[Finding]) -> tuple[list[Difference], int]:
    """Compare two sets of findings by rule, host and window; give the differences, and how many findings there are in all."""
    expected = {finding.id: finding for finding in reference}
    found = {finding.id: finding for finding in cluster}
    either = sorted({**expected, **found}.values(), key=lambda finding: finding.sort_key)
    return [d for finding in either for d in _differences(finding, expected.get(finding.id), found.get(finding.id))], len(either)


def _differences(either: Finding, reference: Finding | None, cluster: Finding | None) -> list[Difference]:
    if reference is None or cluster is None:
        sides: dict[str, tuple[Any, Any]] = {
            "finding": ("absent" if reference is None else "present", "absent" if cluster is None else "present")
        }
    else:
        left, right = reference.to_json(MAX_ROWS), cluster.to_json(MAX_ROWS)
        sides = {field: (left.get(field), right.get(field)) for field in left | right if left.get(field) != right.get(field)}
    return [Difference(either.rule_id, either.host, either.window_start, field, *values) for field, values in sides.items()]


def _stored_events(engine: Engine, rule: Rule, index: str, windows: Sequence[Window]) -> Iterable[Event]:
    """Stream every event of the rule's sourcetype in the windows, selected by the cluster or not."""
    if not windows:
        return
    time, line, host = (name_in_index(rule, field) for field in ("@timestamp", "event.original", "host.name"))
    body = {
        "query": events_query(rule, windows[0].start, windows[-1].end),
        "_source": [".".join(path_in_source(field)) for field in (line, host)],
        "docvalue_fields": [{"field": time, "format": "strict_date_time"}],
    }
    for hit in hits(engine, rule, index, body):
        text, named = _value(hit["_source"], line), _value(hit["_source"], host)
        if isinstance(text, str):
            yield stored(text, host=named if isinstance(named, str) else UNKNOWN_HOST, time=parse_time(hit["fields"][time][0]))


def _value(source: Mapping[str, Any], field: str) -> object:
    """Read a field of a document, nested or dotted."""
    if field in source:
        return source[field]
    at: object = source
    for part in path_in_source(field):
        at = at.get(part) if isinstance(at, Mapping) else None
    return at
