"""`detect validate`: the cluster's findings and the recorded ones held against the reference's, column by column and row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from itertools import chain, islice
from typing import NamedTuple

from integration.detection.fields import name_in_index, path_in_source, value_in_source
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.causes import Causes, causes
from integration.evaluation.cluster import evaluate, event_hits, events_query, time_of
from integration.evaluation.comparison import Comparison, compare
from integration.evaluation.presence import oldest_event
from integration.evaluation.recorded import Records
from integration.evaluation.reference import Reference
from integration.findings.filter import NO_FILTER, Filter
from integration.findings.store import stored_findings
from integration.log.event import UNKNOWN_HOST, Event, stored

MAX_EXPLAINED = 20
"""The most hosts and windows whose events are looked for: the first that differ."""


class Place(NamedTuple):
    """What a finding is about."""

    window_start: int
    host: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What was compared: windows, events that the reference evaluated and selected, and what came of it.

    `recorded` counts the findings that alerts and risk events recorded. `causes` holds the events behind what differs, of the first
    places.
    """

    windows: tuple[Window, ...]
    events: int
    selected: int
    comparison: Comparison
    recorded: int = 0
    causes: Mapping[Place, Causes] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether all sides say the same of some event; of none there is nothing to agree on."""
        return self.comparison.agrees and self.events > 0


def validate(
    engine: Engine,
    rule: Rule,
    index: str,
    windows: Sequence[Window],
    zone: tzinfo = UTC,
    post_filter: Filter = NO_FILTER,
    records: Records | None = None,
) -> Validation:
    """Fetch the windows' raw lines from the cluster, evaluate the reference over them and compare with the cluster's findings.

    So are those that alerts and risk events recorded. The user's filter is applied to all. No side's findings need fit in memory.
    """
    events = 0
    with closing(Reference(rule, zone)) as reference:
        for event in _stored_events(engine, rule, index, windows):
            reference.add(event)
            events += 1
        evaluated = chain.from_iterable(evaluate(engine, rule, index, window, zone) for window in windows)
        oldest = oldest_event(engine, rule, index) if records is not None else None
        with stored_findings(evaluated) as found:
            comparison = compare(reference.findings(), found, records, oldest, post_filter)
        behind = _causes(engine, rule, index, comparison)
        return Validation(tuple(windows), events, reference.selected, comparison, 0 if records is None else len(records), behind)


def _causes(engine: Engine, rule: Rule, index: str, comparison: Comparison) -> dict[Place, Causes]:
    """Return the events behind the first differences, by what they are about."""
    recorded: dict[Place, bool] = {}
    for each in comparison.differences:
        place = Place(each.window_start, each.host)
        recorded[place] = recorded.get(place, False) or bool(each.recorded)
    return {
        place: causes(engine, rule, index, place.host, rule.windows.window_of(place.window_start), recorded=recorded[place])
        for place in islice(recorded, MAX_EXPLAINED)
    }


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
        text, hosts = value_in_source(hit["_source"], line), hit["fields"].get(host)
        named = hosts[0] if hosts and len(hosts) == 1 else value_in_source(hit["_source"], host)
        if isinstance(text, str):
            yield stored(text, host=named if isinstance(named, str) else UNKNOWN_HOST, time=time_of(rule, hit))
