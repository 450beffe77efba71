"""Every host's statistics in a window, by searches that a cluster answers in time and memory, however many hosts and lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.answers import Json
from integration.engines.base import Engine
from integration.engines.paging import asked_too_much, page_of
from integration.errors import ClusterError
from integration.render.aggregation import (
    BY_HOST,
    LIST_SIZE,
    LONG_LINES,
    PAGE_SIZE,
    few_events_search,
    host_counts_search,
    labels_name,
    window_search,
)

# A search runs the classifier on every event that it may select.
_MAX_EVENTS = 100_000
# So few that their values fit in memory, and that a search for them which was in vain costs little.
_FEW_EVENTS = 2_000
# About what the values in the answer to one search may take. Each is part of a line: an indexed one, or one too long for that.
_MAX_BYTES = 32 << 20
_LINE_BYTES = 8 << 10
_LONG_LINE_BYTES = 200_000
_HOUR = 3_600_000
_ALL_TIME = (-60_000_000_000_000, 250_000_000_000_000)  # epoch milliseconds: the years 68 to 9892


@dataclass(frozen=True, slots=True)
class Load:
    """What a search for statistics has to do: of how many buckets, events, and about how many bytes of values."""

    buckets: int = 0
    events: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, bucket: Json) -> Load:
        """Return the load of one bucket of `host_counts_search`."""
        events, long_lines = bucket["doc_count"], bucket[LONG_LINES]["doc_count"]
        return cls(1, events, min(events, LIST_SIZE) * _LINE_BYTES + long_lines * _LONG_LINE_BYTES)

    def __add__(self, other: Load) -> Load:
        return Load(self.buckets + other.buckets, self.events + other.events, self.bytes + other.bytes)

    @property
    def fits_in_memory(self) -> bool:
        """Whether an answer may hold the values."""
        return self.bytes <= _MAX_BYTES

    @property
    def is_too_much(self) -> bool:
        """Whether one search may take too long, or answer with too much."""
        return self.buckets > PAGE_SIZE or self.events > _MAX_EVENTS or not self.fits_in_memory


@dataclass(frozen=True, slots=True)
class _Span:
    """Hosts that follow each other, with the load of a search for them."""

    hosts: tuple[str, ...] = ()
    load: Load = Load()

    def with_host(self, bucket: Json) -> _Span:
        """Return the span with one more host, given as a bucket of `host_counts_search`."""
        return _Span((*self.hosts, bucket["key"]["host"]), self.load + Load.of(bucket))


def hosts_of(engine: Engine, rule: Rule, index: str, window: Window) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield every host in a window, as the cluster orders hosts, with its bucket of `aggregation.statistics`.

    The bucket is None for a host that is too much for one search: it may have a finding or none. A window of few events takes one
    search. Where there are more, they are counted first, and then searched in spans.
    """
    few = few_buckets(engine, rule, index, window.start, window.end)
    if few is None:
        return _hosts_of_many_events(engine, rule, index, window)
    return ((bucket["key"]["host"], bucket) for bucket in few)


def few_buckets(
    engine: Engine, rule: Rule, index: str, start: int, end: int, grouped: Callable[[Json], Json] = lambda body: body
) -> list[Json] | None:
    """Return a bucket of `aggregation.statistics` for each host with selected events by one search, None where that is too much.

    `grouped` may make the search by host one by more than the host.
    """
    body = grouped(few_events_search(rule, engine.name, start, end, _FEW_EVENTS))
    buckets: list[Json] = []
    try:
        for answer in _answers(engine, index, body):
            if answer.get("terminated_early"):
                return None
            found = answer.get("aggregations", {}).get(BY_HOST, {}).get("buckets", ())
            buckets += [_of_all_labels(rule, bucket) for bucket in found if bucket[labels_name(rule)]["buckets"]]
    except ClusterError as error:
        if not asked_too_much(error):
            raise
        return None
    return buckets


def _of_all_labels(rule: Rule, bucket: Json) -> Json:
    """Return a bucket whose statistics are apart by label as one of `aggregation.statistics`."""
    name = labels_name(rule)
    labels = bucket[name]["buckets"]
    if len(labels) == 1:
        return {**labels[0], "key": bucket["key"], name: bucket[name]}
    lists = {
        each: {
            "buckets": [{"key": key} for key in sorted({value["key"] for label in labels for value in label[each]["buckets"]})],
            "sum_other_doc_count": sum(label[each]["sum_other_doc_count"] for label in labels),
        }
        for each in rule.field_lists
    }
    return {
        "key": bucket["key"],
        "doc_count": sum(label["doc_count"] for label in labels),
        "first_seen": {"value": min(label["first_seen"]["value"] for label in labels)},
        "last_seen": {"value": max(label["last_seen"]["value"] for label in labels)},
        LONG_LINES: {"doc_count": sum(label[LONG_LINES]["doc_count"] for label in labels)},
        name: {"buckets": labels},
        **lists,
    }


def _hosts_of_many_events(engine: Engine, rule: Rule, index: str, window: Window) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield the hosts of a window in which events are counted first, with their buckets by as many searches as it takes."""
    bounds: dict[str, str] = {}
    for span in _spans(engine, rule, index, window):
        *_, last = span.hosts
        waiting = dict.fromkeys(span.hosts)
        if span.load.fits_in_memory:
            body = window_search(rule, engine.name, window.start, window.end, bounds | {"lte": last})
            try:
                for bucket in all_buckets(engine, index, body):
                    waiting = {host: None for host in waiting if host > bucket["key"]["host"]}
                    yield bucket["key"]["host"], bucket
                waiting = {}
            except ClusterError as error:
                if not asked_too_much(error):
                    raise
        yield from waiting.items()
        bounds = {"gt": last}


def _spans(engine: Engine, rule: Rule, index: str, window: Window) -> Iterator[_Span]:
    """Yield the hosts of a window in spans for one search each; a host that is too much is alone in its span."""
    span = _Span()
    for bucket in all_buckets(engine, index, host_counts_search(rule, window.start, window.end)):
        longer = span.with_host(bucket)
        if span.hosts and longer.load.is_too_much:
            yield span
            longer = _Span().with_host(bucket)
        span = longer
    if span.hosts:
        yield span


def host_hours(engine: Engine, rule: Rule, index: str) -> Iterator[tuple[str, int, int]]:
    """Yield every host with each hour, from its start to its end in epoch milliseconds, in which it has an event of the rule's.

    Events that the rule may select: no script runs.
    """
    body = host_counts_search(rule, *_ALL_TIME)
    hours = {"date_histogram": {"field": name_in_index(rule, "@timestamp"), "fixed_interval": "1h"}}
    body["aggs"][BY_HOST]["composite"]["sources"].append({"hour": hours})
    for bucket in all_buckets(engine, index, body):
        yield bucket["key"]["host"], bucket["key"]["hour"], bucket["key"]["hour"] + _HOUR


def all_buckets(engine: Engine, index: str, body: Json) -> Iterator[Json]:
    """Yield every bucket of a search by host, page by page."""
    for answer in _answers(engine, index, body):
        yield from answer.get("aggregations", {}).get(BY_HOST, {}).get("buckets", ())


def _answers(engine: Engine, index: str, body: Json) -> Iterator[Json]:
    """Yield the answer for every page of a search by host."""
    composite = body["aggs"][BY_HOST]["composite"]

    def ask(size: int) -> Json:
        composite["size"] = size
        return engine.search(index, body)

    while True:
        answer, size = page_of(ask, composite["size"])
        yield answer
        found = answer.get("aggregations", {}).get(BY_HOST, {})
        if len(found.get("buckets", ())) < size or "after_key" not in found:
            return
        composite["after"] = found["after_key"]
