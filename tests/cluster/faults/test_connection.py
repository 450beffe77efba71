"""Connections that break and answers that say no, in mid-ingest and mid-run."""

from __future__ import annotations

from collections import deque
from functools import partial
from operator import le

import pytest

from tests.cluster.faults.conftest import Tried
from tests.support.fake_cluster import Answer, Request
from tests.support.faults.proxy import (
    Choice,
    Fault,
    Handle,
    Meeting,
    Proxy,
    bulks,
    cut_before,
    cut_within,
    lose_answer,
    refuse,
    refuse_items,
    refuse_larger_than,
    searches,
)
from tests.support.faults.site import Site
from tests.support.repetitions import few

FAULTS: dict[str, Fault] = {
    "connection cut before the request": cut_before,
    "connection cut before the answer": lose_answer,
    "connection cut within the answer": cut_within,
    "429": refuse(429),
    "503": refuse(503),
    "503, Retry-After: 1": refuse(503, Retry_After="1"),
    "502 of a load balancer": refuse(502),
    "every third document of a bulk 429": refuse_items(429, every=3),
    "every third document of a bulk 503": refuse_items(503, every=3),
}


def in_turn(chosen: Choice, *faults: Fault | None) -> tuple[Fault, deque[Fault | None]]:
    """Let each fault meet one of the chosen requests, in this order, and give those that have met none yet; None lets one pass."""
    left = deque(faults)

    def fault(request: Request, handle: Handle) -> Answer:
        mine = left.popleft() if chosen(request) and left else None
        return handle(request) if mine is None else mine(request, handle)

    return fault, left


def test_ingest_sends_again_what_was_kept_away_or_refused(behind: Site, proxy: Proxy, tried: Tried) -> None:
    proxy.fault, left = in_turn(bulks, *(each for fault in 2 * list(FAULTS.values()) for each in (None, fault)))
    result = behind.detect("ingest", "--batch", "50")
    assert result.code == 0, result
    assert not left
    assert "trying again" in result.err
    assert "1,000 lines read" in result.out
    found = behind.line_count()
    for name in FAULTS:
        tried(behind.engine.name, f"{name}, twice, in one run with the others", "ingest", found, result)


@pytest.mark.enough_on("opensearch")
def test_ingest_halves_what_a_proxy_finds_too_large(behind: Site, proxy: Proxy, tried: Tried) -> None:
    proxy.fault = Meeting(refuse_larger_than(20_000), bulks, lambda _: True)
    result = behind.detect("ingest")
    assert result.code == 0, result
    assert "1,000 stored" in result.out
    assert " 0 failed" in result.out
    assert len([request for request in proxy.requests if bulks(request)]) > 20
    tried(behind.engine.name, "413 for every request over 20 kB", "ingest", behind.line_count(), result)


@pytest.mark.enough_on("opensearch")
def test_ingest_outlasts_a_node_that_does_not_answer(behind: Site, proxy: Proxy, tried: Tried) -> None:
    proxy.fault = Meeting(proxy.hang, bulks, {1, 4}.__contains__)
    result = behind.detect("ingest", "--timeout", "2")
    assert result.code == 0, result
    assert "did not answer POST" in result.err
    tried(behind.engine.name, "no answer within --timeout, twice", "ingest", behind.line_count(), result)


@pytest.mark.enough_on("opensearch")
@pytest.mark.parametrize(
    "name",
    few(["503", "connection cut before the answer", "every third document of a bulk 429"], ["connection cut before the answer"]),
)
def test_ingest_that_gives_up_says_how_to_go_on_and_does(behind: Site, proxy: Proxy, tried: Tried, name: str) -> None:
    proxy.fault = Meeting(FAULTS[name], bulks, lambda number: number >= 2)
    stopped = behind.detect("ingest", "--patience", "0")
    assert stopped.code == 4
    assert "lines stored. Run the same command again to go on" in stopped.err
    assert 0 < behind.stored().total() < len(behind.lines)
    proxy.fault = None
    before = behind.stored().total()
    resumed = behind.detect("ingest")
    assert resumed.code == 0
    assert f"{1000 - before:,} stored" in resumed.out
    assert f"{before:,} already there" in resumed.out
    tried(behind.engine.name, f"{name} for good", "ingest", behind.line_count(), stopped, resumed)


@pytest.mark.enough_on("opensearch")
def test_lines_that_are_stored_but_not_counted_again_are_told(behind: Site, proxy: Proxy, tried: Tried) -> None:
    proxy.fault = Meeting(refuse(503), lambda request: request.path.endswith("/_count"), lambda _: True)
    uncounted = behind.detect("ingest")
    assert uncounted.code == 4
    assert "All lines were sent, and 1,000 of them are stored" in uncounted.err
    proxy.fault = None
    again = behind.detect("ingest")
    assert again.code == 0
    tried(behind.engine.name, "503 for the last request", "ingest", behind.line_count(), uncounted, again)


def test_run_and_validate_ask_again(behind: Site, proxy: Proxy, tried: Tried) -> None:
    assert behind.detect("ingest").code == 0
    names = ("connection cut before the answer", "connection cut within the answer", "503")
    first, second, third = (FAULTS[name] for name in names)
    # It searches for all windows at once, and for the risk events that it wrote.
    proxy.fault, left = in_turn(searches, first, None, second, third, None)
    ran = behind.detect("run")
    assert (ran.code, list(left)) == (0, []), ran
    # After a page of risk events the raw lines are streamed, which cannot be asked for again.
    proxy.fault, left = in_turn(searches, None, None, None, first, None, second, None, third, None)
    proved = behind.detect("validate")
    assert (proved.code, list(left)) == (0, []), proved
    written, stored = behind.risk_count(), behind.line_count()
    for name in names:
        tried(behind.engine.name, f"{name}, in one run with the others", "run --write", written, ran)
        tried(behind.engine.name, f"{name}, in one run with the others", "validate", stored, proved)


@pytest.mark.enough_on("opensearch")
def test_run_and_validate_fail_rather_than_say_less(behind: Site, proxy: Proxy, tried: Tried) -> None:
    assert behind.detect("ingest").code == 0
    for verb, first in (("run", 0), ("validate", 3)):
        proxy.fault = Meeting(cut_before, searches, partial(le, first))
        failed = behind.detect(verb)
        assert failed.code == 3
        assert failed.out == ""
        assert "broke during POST" in failed.err
    proxy.fault = Meeting(proxy.hang, searches, lambda _: True)
    hung = behind.detect("run", "--timeout", "1")
    assert (hung.code, hung.out) == (3, "")
    assert "in time: see the cluster's health, or raise --timeout" in hung.err
    assert behind.risk_count().lost == len(behind.findings)
    proxy.fault = None
    ran = behind.detect("run")
    assert ran.code == 0
    tried(behind.engine.name, "connection cut, or no answer, for good", "run --write", behind.risk_count(), hung, ran)


@pytest.mark.enough_on("opensearch")
def test_risk_events_whose_answer_is_lost_are_told_and_written_once(behind: Site, proxy: Proxy, tried: Tried) -> None:
    assert behind.detect("ingest").code == 0
    proxy.fault = Meeting(lose_answer, bulks, lambda _: True)
    unsure = behind.detect("run")
    assert (unsure.code, unsure.out) == (4, ""), unsure
    assert "Running the same command again writes the rest" in unsure.err
    proxy.fault = None
    ran = behind.detect("run")
    assert ran.code == 0
    assert f"{len(behind.findings)} unchanged" in ran.err
    tried(behind.engine.name, "the answer to the risk events lost", "run --write", behind.risk_count(), unsure, ran)
