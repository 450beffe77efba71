"""`detect validate`: the cluster's findings held against the reference's, statistic by statistic and row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, tzinfo
from heapq import merge
from itertools import chain, groupby, repeat, zip_longest
from typing import Any

from integration.detection.fields import name_in_index, path_in_source
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.cluster import evaluate, event_hits, events_query, time_of
from integration.evaluation.reference import Reference
from integration.findings.filter import NO_FILTER, Filter
from integration.findings.finding import Finding
from integration.findings.store import stored_findings
from integration.log.event import UNKNOWN_HOST, Event, stored

MAX_ROWS = 1_000
"""Rows of SPL 14 compared a finding; equal lists make equal rows, so this bounds work, not trust."""
MAX_DIFFERENCES = 1_000
"""The most differences that are kept; all are counted."""
MAX_CHARACTERS = 16 << 20
"""About the most text that findings may hold whose differences are kept."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing the two sides say differently of one rule, host and window.

    `field` is `finding` where one side has none at all; of `spl_rows`, the first rows that differ are given.
    """

    rule_id: str
    host: str
    window_start: int
    field: str
    reference: Any
    cluster: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many findings either side has, the first differences between them, and how many more there are."""

    findings: int
    differences: tuple[Difference, ...]
    left_out: int

    @property
    def agrees(self) -> bool:
        """Whether both sides say the same."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Validation:
    """What was compared: windows, events that the reference evaluated and selected, and what came of it."""

    windows: int
    events: int
    selected: int
    comparison: Comparison

    @property
    def agrees(self) -> bool:
        """Whether both sides say the same of some event; of none there is nothing to agree on."""
        return self.comparison.agrees and self.events > 0


def validate(
    engine: Engine, rule: Rule, index: str, windows: Sequence[Window], zone: tzinfo = UTC, post_filter: Filter = NO_FILTER
) -> Validation:
    """Fetch the windows' raw lines from the cluster, evaluate the reference over them and compare with the cluster's findings.

    The user's filter is applied to both. Neither side's findings need fit in memory.
    """
    events = 0
    with closing(Reference(rule, zone)) as reference:
        for event in _stored_events(engine, rule, index, windows):
            reference.add(event)
            events += 1
        evaluated = chain.from_iterable(evaluate(engine, rule, index, window, zone) for window in windows)
        with stored_findings(post_filter.kept(evaluated)) as found:
            comparison = compare(post_filter.kept(reference.findings()), found)
        return Validation(len(windows), events, reference.selected, comparison)


def compare(reference: Iterable[Finding], cluster: Iterable[Finding]) -> Comparison:
    """Compare two sides' findings by window, host and rule; each side gives its own in that order, each once."""
    either = merge(zip(reference, repeat("reference")), zip(cluster, repeat("cluster")), key=_place)
    findings = left_out = characters = 0
    kept: list[Difference] = []
    for place, pairs in groupby(either, key=_place):
        sides = {side: finding for finding, side in pairs}
        findings += 1
        differing = list(_differences(place, sides.get("reference"), sides.get("cluster")))
        if len(kept) + len(differing) <= MAX_DIFFERENCES and characters <= MAX_CHARACTERS:
            kept += differing
            characters += sum(finding.characters for finding in sides.values() if differing)
        else:
            left_out += len(differing)
    return Comparison(findings, tuple(kept), left_out)


def _place(pair: tuple[Finding, str]) -> tuple[int, str, str]:
    return pair[0].sort_key


def _differences(place: tuple[int, str, str], reference: Finding | None, cluster: Finding | None) -> Iterator[Difference]:
    if reference == cluster:
        return
    sides: dict[str, tuple[Any, Any]] = {}
    if reference is None or cluster is None:
        sides["finding"] = ("absent" if reference is None else "present", "absent" if cluster is None else "present")
    else:
        left, right = reference.to_json(), cluster.to_json()
        sides = {field: (left.get(field), right.get(field)) for field in left | right if left.get(field) != right.get(field)}
        rows = zip_longest(reference.spl_rows(MAX_ROWS), cluster.spl_rows(MAX_ROWS))
        if (differing := next((pair for pair in rows if pair[0] != pair[1]), None)) is not None:
            sides["spl_rows"] = differing
    window_start, host, rule_id = place
    for field, values in sides.items():
        yield Difference(rule_id, host, window_start, field, *values)


def _stored_events(engine: Engine, rule: Rule, index: str, windows: Sequence[Window]) -> Iterable[Event]:
    """Stream every event of the rule's sourcetype in the windows, selected by the cluster or not."""
    if not windows:
        return
    time, line, host = (name_in_index(rule, field) for field in ("@timestamp", "event.original", "host.name"))
    body = {
        "query": events_query(rule, windows[0].start, windows[-1].end),
        "_source": [".".join(path_in_source(field)) for field in (line, host)],
        # The host as the aggregation sees it: engines do not agree on what becomes of half a surrogate pair.
        "docvalue_fields": [{"field": time, "format": "strict_date_time"}, {"field": host}],
    }
    for hit in event_hits(engine, rule, index, body):
        text, hosts = _value(hit["_source"], line), hit["fields"].get(host)
        named = hosts[0] if hosts and len(hosts) == 1 else _value(hit["_source"], host)
        if isinstance(text, str):
            yield stored(text, host=named if isinstance(named, str) else UNKNOWN_HOST, time=time_of(rule, hit))


def _value(source: Mapping[str, Any], field: str) -> object:
    """Read a field of a document, nested or dotted."""
    if field in source:
        return source[field]
    at: object = source
    for part in path_in_source(field):
        at = at.get(part) if isinstance(at, Mapping) else None
    return at
