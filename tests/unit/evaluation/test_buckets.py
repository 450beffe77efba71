"""A window of many hosts is evaluated in spans that no cluster has too much of, and that leave no host out."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from integration.errors import ThrottledError, UnavailableError
from integration.evaluation import buckets
from integration.evaluation.buckets import hosts_of
from integration.render import aggregation
from tests.support import crowd
from tests.support.crowd import AT, RULE, Crowd

WINDOW = RULE.windows.window_of(AT)


def spans(monkeypatch: pytest.MonkeyPatch, hosts: int) -> tuple[list[int], list[dict[str, str]]]:
    """The hosts that come, and the bounds of each search for their statistics."""
    asked: list[dict[str, str]] = []
    honest = Crowd.search

    def search(self: Crowd, index: str, body: Any, *, missing_ok: bool = True) -> Any:
        if "terminate_after" not in body and "first_seen" in body["aggs"]["by_host"]["aggs"]:
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


def _label(key: str, count: int, seen: int, messages: Sequence[str], *, more: int = 0) -> dict[str, Any]:
    """What `few_events_search` says of the events of a host with a label, the last one two milliseconds after the first."""
    listed = {"buckets": [{"key": message} for message in messages], "sum_other_doc_count": more}
    empty: dict[str, Any] = {"buckets": [], "sum_other_doc_count": 0}
    return {
        "key": key,
        "doc_count": count,
        "first_seen": {"value": seen},
        "last_seen": {"value": seen + 2},
        "error_messages": listed,
        "error_details": empty,
        "code_sources": empty,
        "long_lines": {"doc_count": count - 1},
    }


def _few(answers: dict[str, Any], asked: list[Any]) -> Any:
    """Return a `search` that answers the search for few events by what comes after which host."""

    def search(_: Crowd, index: str, body: Any, *, missing_ok: bool = True) -> Any:
        asked.append(copy.deepcopy(body))
        after = body["aggs"]["by_host"]["composite"].get("after", {}).get("host", "")
        return answers[after]

    return search


def test_few_events_take_one_search_whose_labels_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [_label("model_error", 3, 7, ["b", "c"]), _label("runner_error", 2, 5, ["a", "b"], more=4)]
    hosts = [
        {"key": {"host": "gpu-1"}, "error_types": {"buckets": two}},
        {"key": {"host": "gpu-2"}, "error_types": {"buckets": []}},
    ]
    asked: list[Any] = []
    monkeypatch.setattr(Crowd, "search", _few({"": {"aggregations": {"by_host": {"buckets": hosts}}}}, asked))
    with Crowd(2, 1) as cluster:
        ((host, bucket),) = hosts_of(cluster, RULE, "events", WINDOW)
    assert [body["terminate_after"] for body in asked] == [2_000]
    assert host == "gpu-1"
    assert bucket == {
        "key": {"host": "gpu-1"},
        "doc_count": 5,
        "first_seen": {"value": 5},
        "last_seen": {"value": 9},
        "long_lines": {"doc_count": 3},
        "error_types": {"buckets": two},
        "error_messages": {"buckets": [{"key": "a"}, {"key": "b"}, {"key": "c"}], "sum_other_doc_count": 4},
        "error_details": {"buckets": [], "sum_other_doc_count": 0},
        "code_sources": {"buckets": [], "sum_other_doc_count": 0},
    }


def test_few_events_of_many_hosts_come_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregation, "PAGE_SIZE", 1)

    def page(host: str) -> Any:
        buckets = [{"key": {"host": host}, "error_types": {"buckets": [_label("model_error", 1, 1, ["a"])]}}]
        return {"aggregations": {"by_host": {"buckets": buckets, "after_key": {"host": host}}}, "terminated_early": False}

    pages = {"": page("gpu-1"), "gpu-1": page("gpu-2"), "gpu-2": {"aggregations": {"by_host": {"buckets": []}}}}
    monkeypatch.setattr(Crowd, "search", _few(pages, []))
    with Crowd(2, 1) as cluster:
        assert [host for host, _ in hosts_of(cluster, RULE, "events", WINDOW)] == ["gpu-1", "gpu-2"]


def test_events_that_turn_out_to_be_many_are_searched_in_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the search ended early, or the cluster refused it."""
    assert spans(monkeypatch, 2) == ([0, 1], [{"lte": "host-0000001"}])
    honest = Crowd.search

    def search(self: Crowd, index: str, body: Any, *, missing_ok: bool = True) -> Any:
        if "terminate_after" in body:
            raise ThrottledError("no memory")
        return honest(self, index, body, missing_ok=missing_ok)

    monkeypatch.setattr(Crowd, "search", search)
    with Crowd(2, 1) as cluster:
        assert [host for host, _ in hosts_of(cluster, RULE, "events", WINDOW)] == ["host-0000000", "host-0000001"]
