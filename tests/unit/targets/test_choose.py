"""Where rules run, on a cluster that answers as one with OpenSearch Alerting does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ConflictError, InputError
from integration.install.deployment import Deployment
from integration.install.objects import Connections
from integration.install.plan import set_enabled
from integration.names import Namespace
from integration.targets.choose import Alerting, target_of
from integration.targets.opensearch.monitors import Monitor
from tests.support.builders import RULE
from tests.support.fake_cluster import Answer, FakeCluster

CHANNELS = "/_plugins/_notifications/channels"
MONITORS = "/_plugins/_alerting/monitors"
DEPLOYMENT = Deployment(Namespace("x"))


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster() as started:
        started.on("GET", f"{MONITORS}/alerts", Answer({"alerts": [], "totalAlerts": 0}))
        yield started


@pytest.fixture
def engine(cluster: FakeCluster) -> Iterator[Engine]:
    with connect(Connection(cluster.url)) as connected:
        yield connected


def channels(*ids: str, of: int | None = None) -> Answer:
    shown = [{"config_id": each, "name": each.title(), "config_type": "slack", "is_enabled": True} for each in ids]
    return Answer({"start_index": 0, "total_hits": of or len(ids), "total_hit_relation": "eq", "channel_list": shown})


NO_PLUGIN = Answer({"error": f"no handler found for uri [{CHANNELS}] and method [GET]"}, 400)
NOT_ALLOWED = Answer({"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403}, 403)


@pytest.mark.parametrize("answer", [channels("ops", "pager"), channels("pager", of=2_000), NOT_ALLOWED])
def test_a_channel_is_taken_that_is_there_or_that_cannot_be_looked_for(
    cluster: FakeCluster, engine: Engine, answer: Answer
) -> None:
    cluster.on("GET", CHANNELS, answer)
    target = target_of(Connections(engine), Alerting.AUTO, DEPLOYMENT, "ops")
    assert target is not None
    (action,) = target.rule_object(RULE).body["triggers"][0]["bucket_level_trigger"]["actions"]
    assert action["destination_id"] == "ops"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NO_PLUGIN, "--notify: the cluster has no Notifications plugin"),
        (channels("pager", "mail"), r"has no notification channel 'ops'; it has: pager \(Pager\), mail \(Mail\)"),
        (channels(), "it has: none"),
    ],
)
def test_a_channel_that_nothing_would_be_sent_to_is_refused(
    cluster: FakeCluster, engine: Engine, answer: Answer, words: str
) -> None:
    cluster.on("GET", CHANNELS, answer)
    with pytest.raises(InputError, match=words):
        target_of(Connections(engine), Alerting.AUTO, DEPLOYMENT, "ops")
    assert cluster.asked("PUT|POST|DELETE", ".*") == []


def test_a_monitor_that_somebody_changes_meanwhile_is_left_to_them(cluster: FakeCluster, engine: Engine) -> None:
    monitor = Monitor(RULE, DEPLOYMENT)
    stored = {"_id": "m1", "_seq_no": 7, "_primary_term": 1, "_source": monitor.body}
    cluster.on("POST", f"{MONITORS}/_search", Answer({"hits": {"hits": [stored]}}))
    reason = "[m1]: version conflict, required seqNo [7], primary term [1]. current document has seqNo [8] and primary term [1]"
    cluster.on("PUT", f"{MONITORS}/m1", Answer({"error": {"type": "alerting_exception", "reason": reason}, "status": 409}, 409))
    with pytest.raises(ConflictError, match=r"was changed by somebody else meanwhile .* running the command again"):
        set_enabled(Connections(engine), [monitor], enabled=True, on_step=lambda _: None)
    (sent,) = cluster.asked("PUT", ".*")
    assert (sent.query["if_seq_no"], sent.query["if_primary_term"]) == ("7", "1")
