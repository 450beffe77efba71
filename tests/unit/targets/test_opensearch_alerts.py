"""Listing alerts of OpenSearch Alerting past what one search reaches, where its list gives nothing to tell pages apart by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.evaluation.history import AlertState, Skipped
from integration.targets.opensearch import alerts as opensearch_alerts
from tests.support.fake_cluster import Answer, FakeCluster, Request

REACH = 6
ALERTS: list[dict[str, Any]] = [
    {"id": f"{start}-{n}", "start_time": start} for start, count in ((1, 1), (2, 9), (3, 3), (4, 1)) for n in range(count)
]


@contextmanager
def listing(alerts: list[dict[str, Any]], reach: int) -> Iterator[Engine]:
    """Alerting's list, by a search of the index of alerts: a page beyond its reach is an error."""

    def listed(request: Request) -> Answer:
        since = re.fullmatch(r"start_time:\[(\d+) TO \*\]", request.query.get("searchString", "start_time:[0 TO *]"))
        first, size = int(request.query["startIndex"]), int(request.query["size"])
        assert since is not None
        if first + size > reach:
            return Answer({"error": {"reason": f"Result window is too large: {first + size}"}, "status": 400}, 400)
        in_state = alerts if request.query["alertState"] == "ACTIVE" else []
        found = [alert for alert in in_state if alert["start_time"] >= int(since[1])]
        page = found[first : first + size]
        return Answer({"alerts": page, "totalAlerts": min(len(found), reach)})

    with FakeCluster() as cluster:
        cluster.on("GET", "/_plugins/_alerting/monitors/alerts", listed)
        with connect(Connection(cluster.url)) as connected:
            yield connected


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(opensearch_alerts, "_PAGE", 2)
    monkeypatch.setattr(opensearch_alerts, "_REACH", REACH)
    with listing(ALERTS, REACH) as connected:
        yield connected


def test_of_more_alerts_in_one_millisecond_than_a_search_reaches_the_rest_is_left_out_and_told(engine: Engine) -> None:
    left_out = Skipped()
    ids = [alert["id"] for alert in opensearch_alerts.alerts(engine, "m", AlertState.OPEN, left_out)]
    assert ids == [alert["id"] for alert in ALERTS if alert["start_time"] != 2 or int(alert["id"][2:]) < REACH]
    (note,) = left_out.notes()
    assert note == "Left out: 1 sets of more than 6 alerts that began in one millisecond (the first: beyond those, at 2)."


def test_open_alerts_are_counted_as_far_as_they_can_be_listed(engine: Engine) -> None:
    assert opensearch_alerts.count_open(engine, "m") == len(ALERTS) - (9 - REACH)
