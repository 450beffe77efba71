"""Windows are searched together as far as a cluster can answer, and none is left out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from integration.engines.answers import Json
from integration.engines.base import Body, Engine, Params
from integration.errors import ThrottledError, UnavailableError
from integration.evaluation import buckets
from integration.evaluation.backtest import Backtest
from integration.evaluation.reference import Reference
from integration.findings.finding import Statistics
from integration.times import parse_time
from tests.support.builders import RULE, error, event

START = parse_time("2026-11-24T00:50:00Z")
HOUR = 3_600_000
WINDOWS = list(RULE.windows.within(START, START + 24 * HOUR))
REFERENCE = Reference(RULE)
for at, host in ((0, "gpu-1"), (0, "gpu-2"), (1, "gpu-1"), (1, "gpu-1"), (5, "gpu-3"), (23, "gpu-1")):
    REFERENCE.add(
        event(error('source=server.go:1 msg="model"', at=f"2026-11-{24 + (at + 1) // 24}T{(at + 1) % 24:02}:00:00.000Z"), host)
    )
GROUPS = [(window.start, host, statistics) for window, host, statistics in REFERENCE.statistics()]
REFERENCE.close()


class Past(Engine):
    """Answers by host, or by window and host, what the reference says; `fault` is called before and may raise.

    No search is of few events, unless `few` says so.
    """

    name = "opensearch"

    def __init__(self, fault: Callable[[Json], None] = lambda _: None, *, few: bool = False) -> None:
        super().__init__("http://past", "3.4.0", "past")
        self.spans: list[tuple[int, int]] = []
        self._fault = fault
        self._few = few

    def close(self) -> None:
        """Nothing is open."""

    def _faults(self, method: str, path: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def _send(self, method: str, path: str, body: Body, params: Params) -> object:
        raise NotImplementedError

    def search(self, index: str, body: Any, *, missing_ok: bool = True) -> Any:  # noqa: ARG002
        if "terminate_after" in body and not self._few:
            return {"terminated_early": True}
        span, by_host = body["query"]["bool"]["filter"][0]["range"]["@timestamp"], body["aggs"]["by_host"]
        counted = list(by_host["aggs"]) == ["long_lines"]
        if not counted:
            self._fault(body)
            self.spans.append(((span["gte"] - START) // HOUR, (span["lt"] - START) // HOUR))
        source = by_host["composite"]["sources"][0]
        if "window" in source:
            assert source["window"]["date_histogram"]["fixed_interval"] == "3600000ms"
            assert source["window"]["date_histogram"]["offset"] == "3000000ms"
        bucket = _bucket_of_few if "terminate_after" in body else _bucket
        found = [
            bucket({"window": start, "host": host} if "window" in source else {"host": host}, statistics)
            for start, host, statistics in GROUPS
            if span["gte"] <= start < span["lt"]
        ]
        after = by_host["composite"].get("after", {})
        page = [each for each in found if tuple(each["key"].values()) > tuple(after.values())][: by_host["composite"]["size"]]
        return {"aggregations": {"by_host": {"buckets": page} | ({"after_key": page[-1]["key"]} if page else {})}}


def _bucket(key: Json, statistics: Statistics) -> Json:
    labels = [{"key": label, "doc_count": count} for label, count in statistics.labels.items()]
    lists = {
        name: {"buckets": [{"key": value} for value in values.shown], "sum_other_doc_count": 0}
        for name, values in statistics.lists.items()
    }
    seen = {"first_seen": {"value": statistics.first_seen}, "last_seen": {"value": statistics.last_seen}}
    counts = {"doc_count": statistics.events, "long_lines": {"doc_count": 0}}
    return {"key": key, "error_types": {"buckets": labels, "sum_other_doc_count": 0}, **lists, **seen, **counts}


def _bucket_of_few(key: Json, statistics: Statistics) -> Json:
    """A bucket of `few_events_search`: events of this test have one label alone."""
    whole = _bucket(key, statistics)
    (label,) = whole["error_types"]["buckets"]
    return {"key": key, "error_types": {"buckets": [{**whole, **label}]}}


def searched(engine: Past, told: list[int] | None = None) -> list[tuple[int, str, Statistics]]:
    backtest = Backtest(engine, RULE, "events", WINDOWS, (told if told is not None else []).append)
    return [(window.start, host, statistics) for window, host, statistics in backtest.statistics()]


def test_few_events_take_one_search() -> None:
    told: list[int] = []
    with Past(few=True) as engine:
        assert searched(engine, told) == GROUPS
        assert engine.spans == [(0, 24)]
    assert told == [24]


def test_one_search_after_the_counts_finds_what_the_reference_does() -> None:
    told: list[int] = []
    with Past() as engine:
        assert searched(engine, told) == GROUPS
        assert engine.spans == [(0, 24)]
    assert sum(told) == len(WINDOWS) == 24


@pytest.mark.parametrize(
    ("bound", "most", "spans"),
    [
        ("_MAX_EVENTS", 3, [(0, 1), (1, 6), (23, 24)]),
        ("PAGE_SIZE", 3, [(0, 2), (5, 24)]),
        ("_MAX_BYTES", 16 << 10, [(0, 1), (1, 2), (5, 24)]),
    ],
)
def test_a_search_has_as_many_windows_as_are_not_too_much(
    monkeypatch: pytest.MonkeyPatch, bound: str, most: int, spans: list[tuple[int, int]]
) -> None:
    told: list[int] = []
    monkeypatch.setattr(buckets, bound, most)
    with Past() as engine:
        assert searched(engine, told) == GROUPS
        assert engine.spans == spans
    assert sum(told) == 24


def test_windows_that_are_too_much_together_are_searched_one_by_one() -> None:
    def fault(body: Json) -> None:
        if "window" in body["aggs"]["by_host"]["composite"]["sources"][0]:
            raise ThrottledError("no memory")

    with Past(fault) as engine:
        assert searched(engine) == GROUPS
        assert engine.spans == [(0, 1), (1, 2), (5, 6), (23, 24)]


def test_a_page_at_a_time_leaves_nothing_out() -> None:
    def fault(body: Json) -> None:
        if body["aggs"]["by_host"]["composite"]["size"] > 1:
            raise ThrottledError("no memory")

    with Past(fault) as engine:
        assert searched(engine) == GROUPS


def test_a_fault_of_the_cluster_ends_it() -> None:
    def fault(_: Json) -> None:
        raise UnavailableError("a shard is missing")

    with Past(fault) as engine, pytest.raises(UnavailableError):
        searched(engine)
