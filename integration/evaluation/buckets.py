"""Every host's statistics in a window, by searches that a cluster answers in time and memory, however many hosts and lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.engines.bounded import bounded
from integration.errors import ClusterError
from integration.render.aggregation import BY_HOST, LONG_LINES, PAGE_SIZE, crowd_search, window_search

# A search runs the classifier on every event that it may select, for each page of hosts anew.
_MAX_EVENTS = 100_000
# Lines that are in no index are of any length. A search reads each of them twice before it answers, and lists them in memory.
_MAX_LONG_LINES = 30


@dataclass(slots=True)
class _Span:
    """Hosts that come one after the other, with how many events they may have selected at most."""

    last: str = ""
    hosts: int = 0
    events: int = 0
    long_lines: int = 0

    def takes(self, bucket: dict[str, Any]) -> bool:
        """Whether one more host is not too much for a search."""
        return not self.hosts or (
            self.hosts < PAGE_SIZE
            and self.events + bucket["doc_count"] <= _MAX_EVENTS
            and self.long_lines + bucket[LONG_LINES]["doc_count"] <= _MAX_LONG_LINES
        )

    def take(self, bucket: dict[str, Any]) -> None:
        self.last = bucket["key"]["host"]
        self.hosts += 1
        self.events += bucket["doc_count"]
        self.long_lines += bucket[LONG_LINES]["doc_count"]


def hosts_of(engine: Engine, rule: Rule, index: str, window: Window) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Give every host in a window, as the cluster orders hosts, with its bucket of `aggregation.statistics`.

    Without one, a host may have a finding or none: its long lines are too many for one search. A bucket lacks the lists where
    these alone are too much for an answer.
    """
    lists = set(rule.stats.values)
    bounds: dict[str, str] = {}
    spans = _spans(engine, rule, index, window)
    span = next(spans, None)
    while span is not None:
        following = next(spans, None)
        alone = span.long_lines > _MAX_LONG_LINES
        # Searches meet, so that no host falls between them that comes while this is at work.
        upper = {"lt": span.last} if alone else {"lte": span.last} if following else {}
        body = window_search(rule, engine.name, window.start, window.end, bounds | upper)
        yield from ((bucket["key"]["host"], bucket) for bucket in _buckets(engine, index, body, lists))
        if alone:
            yield span.last, None
        bounds, span = {"gt": span.last}, following or (_Span() if alone else None)


def _spans(engine: Engine, rule: Rule, index: str, window: Window) -> Iterator[_Span]:
    span = _Span()
    for bucket in _buckets(engine, index, crowd_search(rule, window.start, window.end), set()):
        if not span.takes(bucket):
            yield span
            span = _Span()
        span.take(bucket)
    if span.hosts:
        yield span


def _buckets(engine: Engine, index: str, body: dict[str, Any], lists: set[str]) -> Iterator[dict[str, Any]]:
    """Give every bucket of a search by host, in smaller pages where the cluster's limits or ours ask for it.

    `lists` are the sub-aggregations that can be done without, where a host is too much alone. What others need little of is soon
    asked in large pages again.
    """
    composite, whole = body["aggs"][BY_HOST]["composite"], body["aggs"][BY_HOST]["aggs"]
    largest, without = composite["size"], set[str]()
    while True:
        body["aggs"][BY_HOST]["aggs"] = {name: each for name, each in whole.items() if name not in without}
        answer = bounded(partial(engine.search, index, body))
        if isinstance(answer, ClusterError):
            if composite["size"] > 1:
                composite["size"] = max(1, composite["size"] // 10)
            elif without != lists:
                without = lists
            else:
                raise answer
            continue
        found = answer.get("aggregations", {}).get(BY_HOST, {})
        yield from found.get("buckets", ())
        if len(found.get("buckets", ())) < composite["size"] or "after_key" not in found:
            return
        composite["after"] = found["after_key"]
        composite["size"] = min(largest, composite["size"] * 2)
        without = set()
