"""The events behind a difference: those that the sides read differently, or that came too late for what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from integration.detection.fields import name_in_index, path_in_source, value_in_source
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.cluster import event_hits, events_query, label_of, time_of
from integration.evaluation.reference import Classifier, indexed_value
from integration.log.event import Event, as_indexed, stored
from integration.render.aggregation import lines_search
from integration.times import millis_of, rfc3339

MAX_EVENTS = 10
"""The most events that are shown of a difference: the first in time. The others are counted."""
MAX_CHARACTERS = 2_000
"""The most characters that are shown of a line."""
_INGESTED = "event.ingested"
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class CausingEvent:
    """An event behind a difference: its document, its time (epoch milliseconds), its line, and what is particular about it."""

    index: str
    id: str
    time: int
    line: str
    says: str


@dataclass(frozen=True, slots=True)
class Causes:
    """The likely cause of what differs for one host in one window, and the events behind it; `left_out` counts those not shown."""

    reason: str
    events: tuple[CausingEvent, ...]
    left_out: int


_READ_DIFFERENTLY = "the reference and the cluster read these events differently"
_LATE = "these events arrived after the run at {}, so that what was recorded then could not hold them"
_ALIKE = "both sides read each event alike; these are the selected ones"
_NONE = "there is no event of this host in this window any more"


def causes(engine: Engine, rule: Rule, index: str, host: str, window: Window, *, recorded: bool) -> Causes:
    """Read every event of a host in a window, and return those that explain what differs there.

    That an event came late explains only what was `recorded`: the reference and the cluster look at what is there now. Where no
    event explains it, they are all that either side selects.
    """
    found: dict[str, list[CausingEvent]] = {}
    counts: dict[str, int] = {}
    for reason, event in _events(engine, rule, index, host, window, late=recorded):
        kept = found.setdefault(reason, [])
        counts[reason] = counts.get(reason, 0) + 1
        kept.append(event)
        if len(kept) >= 4 * MAX_EVENTS:
            found[reason] = nsmallest(MAX_EVENTS, kept, key=_order)
    for reason in (_READ_DIFFERENTLY, _LATE, _ALIKE):
        if reason in found:
            shown = tuple(nsmallest(MAX_EVENTS, found[reason], key=_order))
            return Causes(reason.format(rfc3339(window.run_at, millis=False)), shown, counts[reason] - len(shown))
    return Causes(_NONE, (), 0)


def _order(event: CausingEvent) -> tuple[int, str]:
    return event.time, event.id


def _events(engine: Engine, rule: Rule, index: str, host: str, window: Window, *, late: bool) -> Iterator[tuple[str, CausingEvent]]:
    """Yield the events that either side selects, each with why it may be behind a difference."""
    classifier = Classifier(rule)
    line = name_in_index(rule, "event.original")
    query = events_query(rule, window.start, window.end)
    query["bool"]["filter"].append({"term": {name_in_index(rule, "host.name"): host}})
    body = lines_search(rule, engine.name, window.start, window.end, host) | {"query": query}
    body["_source"] = [".".join(path_in_source(line)), _INGESTED]
    for hit in event_hits(engine, rule, index, body):
        text, time = value_in_source(hit["_source"], line), time_of(rule, hit)
        event = stored(text if isinstance(text, str) else "", host=host, time=time)
        labels = classifier.classify(event), label_of(rule, hit)
        if labels == (None, None):
            continue
        differing = list(_read_differently(rule, event, hit, *labels))
        arrived = _arrival(hit["_source"])
        reason, says = _ALIKE, str(labels[0])
        if differing:
            reason, says = _READ_DIFFERENTLY, "; ".join(differing)
        elif late and arrived is not None and arrived > window.run_at:
            reason, says = _LATE, f"{says}, arrived {rfc3339(arrived, millis=False)}"
        yield reason, CausingEvent(hit["_index"], hit["_id"], time, _cut(event.original, MAX_CHARACTERS), says)


def _read_differently(
    rule: Rule, event: Event, hit: Mapping[str, Any], reference: str | None, cluster: str | None
) -> Iterator[str]:
    """Yield in words what the reference and the cluster make of an event where they differ."""
    if reference != cluster:
        yield f"reference: {reference or 'not selected'}, cluster: {cluster or 'not selected'}"
        return
    for column, field in rule.field_lists.items():
        here = event.value(field)
        there = [as_indexed(str(value)) for value in hit["fields"].get(column, ()) if value is not None]
        if there != ([] if here is None else [indexed_value(field, here)]):
            yield f"{column}: reference {_cut(repr(here), _LONGEST)}, cluster {_cut(repr(there), _LONGEST)}"


def _arrival(source: Mapping[str, Any]) -> int | None:
    """Return when an event arrived, where its document says so (epoch milliseconds)."""
    arrived = value_in_source(source, _INGESTED)
    return millis_of(arrived) if isinstance(arrived, str) else None


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
