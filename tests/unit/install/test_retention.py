"""How long events are kept: what is asked of Index State Management and of data stream lifecycles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ConflictError, InputError
from integration.install.objects import Connections
from integration.install.plan import State
from integration.install.retention import POLICY, Lifecycles, Policy, ended, policy_retention, retention_of
from integration.install.shared_objects import shared_objects
from integration.install.streams import Streams
from integration.names import EVENTS_TEMPLATE, PIPELINE, SERVER
from tests.support.builders import RULE
from tests.support.fake_cluster import ELASTICSEARCH, Answer, FakeCluster, Request
from tests.support.fake_ism import FakeIsm
from tests.support.installing import install_objects, state_of

OLD, NEW = ".ds-logs-ollama.server-default-000001", ".ds-logs-ollama.server-default-000002"


@pytest.fixture
def ism() -> Iterator[FakeIsm]:
    with FakeIsm(OLD, NEW) as started:
        yield started


@pytest.fixture
def opensearch(ism: FakeIsm) -> Iterator[Engine]:
    with connect(Connection(ism.url)) as engine:
        yield engine


@pytest.mark.parametrize("text", ["30", "0d", "30 d", "-1d", "30m", "", "never", "123456d", "30d\n"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"--retention .*: give days or hours such as 30d or 12h, or none"):
        retention_of(text)


def test_times() -> None:
    assert [retention_of(text) for text in ("30d", "12h", "none")] == ["30d", "12h", "none"]


def test_the_policy_rolls_over_and_deletes_and_manages_what_is_there(ism: FakeIsm, opensearch: Engine) -> None:
    ism.indices[OLD] = "their-own"
    assert policy_retention(opensearch) is None
    assert [step.action for step in install_objects(opensearch, [Policy("30d")])] == ["created"]
    assert ism.indices == {OLD: "their-own", NEW: POLICY}
    policy = ism.policies[POLICY]["policy"]
    assert policy["ism_template"][0]["index_patterns"][0] == SERVER.pattern
    keep, delete = policy["states"]
    assert keep["transitions"] == [{"state_name": "delete", "conditions": {"min_rollover_age": "30d"}}]
    assert (next(iter(keep["actions"][0])), next(iter(delete["actions"][0]))) == ("rollover", "delete")
    assert (policy_retention(opensearch), state_of(opensearch, Policy("30d"))) == ("30d", State.SAME)


def test_another_time_changes_the_policy_and_what_it_manages(ism: FakeIsm, opensearch: Engine) -> None:
    install_objects(opensearch, [Policy("30d")])
    assert [step.action for step in install_objects(opensearch, [Policy("7d")])] == ["updated"]
    assert policy_retention(opensearch) == "7d"
    assert [str(request).rpartition("/")[2] for request in ism.asked("POST", ".*/change_policy/.*")] == [f"{OLD},{NEW}"]


def test_an_index_that_nothing_manages_is_drift(ism: FakeIsm, opensearch: Engine) -> None:
    install_objects(opensearch, [Policy("30d")])
    ism.indices[OLD] = None
    assert state_of(opensearch, Policy("30d")) is State.DRIFTED
    install_objects(opensearch, [Policy("30d")])
    assert ism.indices[OLD] == POLICY


def test_a_policy_that_changes_meanwhile_is_not_overwritten(ism: FakeIsm, opensearch: Engine) -> None:
    install_objects(opensearch, [Policy("30d")])
    policy = Policy("7d")
    found = policy.fetch(Connections(opensearch))
    ism.policies[POLICY]["_seq_no"] += 1
    with pytest.raises(ConflictError):
        policy.put(Connections(opensearch), found)


def test_a_policy_of_somebody_else_is_left_alone(ism: FakeIsm, opensearch: Engine) -> None:
    install_objects(opensearch, [Policy("30d")])
    ism.policies[POLICY]["policy"]["description"] = "mine"
    with pytest.raises(InputError, match=f"ISM policy '{POLICY}' on the cluster bears no ownership tag of detect"):
        install_objects(opensearch, [Policy("7d")])


def test_the_end_of_a_retention_detaches_and_deletes(ism: FakeIsm, opensearch: Engine) -> None:
    assert list(ended(Connections(opensearch))) == []
    install_objects(opensearch, [Policy("30d")])
    ism.indices[OLD] = "their-own"
    for leftover in ended(Connections(opensearch)):
        leftover.delete()
    assert (ism.policies, ism.indices) == ({}, {OLD: "their-own", NEW: None})


def test_an_opensearch_without_the_plugin_says_how() -> None:
    with FakeCluster() as cluster, connect(Connection(cluster.url)) as engine:
        cluster.on("GET", "/_plugins/.*", Answer({"error": "no handler found for uri [/_plugins/_ism] and method [GET]"}, 400))
        assert policy_retention(engine) is None
        with pytest.raises(InputError, match=r"has no Index State Management.*nothing was changed\. Install the plugin"):
            install_objects(engine, [Policy("30d")])
        assert {request.method for request in cluster.requests} == {"GET"}


def test_an_elasticsearch_without_lifecycles_says_so() -> None:
    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        cluster.on("GET", "/logs-[^/]*/_mapping", Answer({".ds-logs-ollama.server-a-2026.11.24-000001": {"mappings": {}}}))
        cluster.on("GET", "/_data_stream/.*", Answer({"error": "no handler found for uri [/_data_stream] and method [GET]"}, 400))
        with pytest.raises(InputError, match=r"has no data stream lifecycles.*nothing was changed"):
            install_objects(engine, [Lifecycles("30d")])


def test_elasticsearch_keeps_each_data_stream_as_long_as_asked() -> None:
    kept: dict[str, str | None] = {"logs-ollama.server-a": None, "logs-ollama.server-b": "90d"}

    def read(_: Request) -> Answer:
        streams = [
            {"name": name} | ({"lifecycle": {"enabled": True, "data_retention": time}} if time else {})
            for name, time in kept.items()
        ]
        return Answer({"data_streams": streams})

    def put(request: Request) -> Answer:
        kept.update(dict.fromkeys(kept, request.json["data_retention"]))
        return Answer({"acknowledged": True})

    def delete(_: Request) -> Answer:
        kept.update(dict.fromkeys(kept))
        return Answer({"acknowledged": True})

    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        cluster.on("GET", "/logs-[^/]*/_mapping", Answer({".ds-logs-ollama.server-a-2026.11.24-000001": {"mappings": {}}}))
        for method, answer in (("GET", read), ("PUT", put), ("DELETE", delete)):
            cluster.on(method, f"/_data_stream/{SERVER.pattern.replace('*', '[*]')}[^/]*/_lifecycle", answer)
        wanted = Lifecycles("30d")
        assert [path for path, _, _ in wanted.compare(wanted.fetch(Connections(engine)))] == [
            f"{name}.data_retention" for name in kept
        ]
        assert [step.action for step in install_objects(engine, [wanted])] == ["updated"]
        assert (list(kept.values()), state_of(engine, wanted)) == (["30d", "30d"], State.SAME)
        for leftover in ended(Connections(engine)):
            leftover.delete()
        assert list(kept.values()) == [None, None]


def test_the_template_of_elasticsearch_keeps_the_data_streams_to_come() -> None:
    by_name = {each.name: each.body for each in shared_objects([RULE], "elasticsearch", Streams(retention="30d"))}
    assert by_name[EVENTS_TEMPLATE]["template"]["lifecycle"] == {"enabled": True, "data_retention": "30d"}
    for engine in ("elasticsearch", "opensearch"):
        assert "lifecycle" not in str([each.body for each in shared_objects([RULE], engine)[1:] if each.name != PIPELINE])
    assert [each.kind for each in shared_objects([RULE], "opensearch", Streams(retention="30d"))][-1] == "ISM policy"
