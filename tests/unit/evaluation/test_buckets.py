"""A window of many hosts is evaluated in spans that no cluster has too much of, and that leave no host out."""

from __future__ import annotations

from typing import Any

import pytest

from integration.errors import ThrottledError, UnavailableError
from integration.evaluation import buckets
from integration.evaluation.buckets import hosts_of
from tests.support import crowd
from tests.support.crowd import AT, RULE, Crowd

WINDOW = RULE.windows.window_of(AT)


def spans(monkeypatch: pytest.MonkeyPatch, hosts: int) -> tuple[list[int], list[dict[str, str]]]:
    """The hosts that come, and the bounds of each search for their statistics."""
    asked: list[dict[str, str]] = []
    honest = Crowd.search

    def search(self: Crowd, index: str, body: Any, *, missing_ok: bool = True) -> Any:
        if "first_seen" in body["aggs"]["by_host"]["aggs"]:
            ranges = [each["range"] for each in body["query"]["bool"]["filter"] if "range" in each]
            asked.append(next((each["host.name"] for each in ranges if "host.name" in each), {}))
        return honest(self, index, body, missing_ok=missing_ok)

    monkeypatch.setattr(Crowd, "search", search)
    with Crowd(hosts, 1) as cluster:
        found = [int(host[-7:]) for host, _ in hosts_of(cluster, RULE, "events", WINDOW)]
    return found, asked


@pytest.mark.parametrize("bound", ["_MAX_EVENTS", "PAGE_SIZE"])
def test_spans_meet_and_none_has_too_much(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(buckets, bound, 3)
    found, asked = spans(monkeypatch, 7)
    assert found == list(range(7))
    assert asked == [
        {"lte": "host-0000002"},
        {"gt": "host-0000002", "lte": "host-0000005"},
        {"gt": "host-0000005", "lte": "host-0000006"},
    ]


def test_few_hosts_take_one_search_and_none_take_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spans(monkeypatch, 7) == (list(range(7)), [{"lte": "host-0000006"}])
    assert spans(monkeypatch, 0) == ([], [])


def test_one_host_may_have_more_than_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_MAX_EVENTS", 0)
    found, asked = spans(monkeypatch, 3)
    assert (found, len(asked)) == ([0, 1, 2], 3)


@pytest.mark.parametrize(
    ("loud", "bounds"),
    [
        (1, [{"lte": "host-0000000"}, {"gt": "host-0000001", "lte": "host-0000002"}]),
        (2, [{"lte": "host-0000001"}]),
    ],
)
def test_a_host_of_too_many_long_lines_is_in_no_search(
    monkeypatch: pytest.MonkeyPatch, loud: int, bounds: list[dict[str, str]]
) -> None:
    honest = crowd._counted
    monkeypatch.setattr(crowd, "_counted", lambda n: honest(n) | {"long_lines": {"doc_count": 168 * (n == loud)}})
    assert spans(monkeypatch, 3) == ([0, 1, 2], bounds)


def test_hosts_that_are_too_much_for_the_cluster_come_without_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page is of one host, the second one is too much at any size."""
    honest = Crowd.search

    def search(self: Crowd, index: str, body: Any, *, missing_ok: bool = True) -> Any:
        composite = body["aggs"]["by_host"]["composite"]
        if "first_seen" in body["aggs"]["by_host"]["aggs"] and (composite["size"] > 1 or "after" in composite):
            raise ThrottledError("no memory")
        return honest(self, index, body, missing_ok=missing_ok)

    monkeypatch.setattr(Crowd, "search", search)
    with Crowd(3, 1) as cluster:
        found = list(hosts_of(cluster, RULE, "events", WINDOW))
    assert [(host, bucket is None) for host, bucket in found] == [
        ("host-0000000", False),
        ("host-0000001", True),
        ("host-0000002", True),
    ]


def test_a_fault_of_the_cluster_is_not_taken_for_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(*_: object, **__: object) -> Any:
        raise UnavailableError("a shard is missing")

    monkeypatch.setattr(Crowd, "search", search)
    with Crowd(3, 1) as cluster, pytest.raises(UnavailableError):
        list(hosts_of(cluster, RULE, "events", WINDOW))
