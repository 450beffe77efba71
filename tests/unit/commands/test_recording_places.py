"""What places recorded, as far as this user may read it."""

from __future__ import annotations

from contextlib import closing

from integration.commands.recording_places import Places
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.names import Namespace
from tests.support.builders import RULE
from tests.support.fake_cluster import ELASTICSEARCH, Answer, FakeCluster

FORBIDDEN = Answer({"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403}, 403)


def test_a_place_that_may_not_be_read_is_told_and_fails_nothing() -> None:
    window = RULE.windows.window_of(1_795_510_800_000)
    with FakeCluster(ELASTICSEARCH) as cluster:
        cluster.on("POST", "/detect-risk-.*", FORBIDDEN)
        cluster.on("GET", "/detect-state-.*", FORBIDDEN)
        with connect(Connection(cluster.url)) as engine:
            places = Places(engine, None, Namespace("default"), "logs")
            with closing(places.records(RULE, [window])) as records:
                assert (len(records), records.places) == (0, ())
    assert len(places.unread) == 2
    assert all(each.startswith("The risk events were not compared, since this user may not read them: ") for each in places.unread)
