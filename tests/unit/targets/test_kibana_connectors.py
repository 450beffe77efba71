"""A connector of Kibana hears of findings, and what the user's own actions say stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.engines.kibana import Kibana
from integration.errors import InputError
from integration.install.deployment import Deployment
from integration.install.objects import Connections
from integration.install.plan import State, compared
from integration.names import Namespace
from integration.targets.choose import Alerting, target_of
from tests.support.builders import RULE
from tests.support.fake_cluster import ELASTICSEARCH, FakeCluster
from tests.support.fake_kibana import FakeKibana
from tests.support.installing import put

DEPLOYMENT = Deployment(Namespace("default"))
PLACES = [Alerting.KIBANA, Alerting.KIBANA_STACK]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as connected:
        yield connected


def made(connections: Connections, place: Alerting, connector: str | None = None) -> Any:
    target = target_of(connections, place, DEPLOYMENT, connector=connector)
    assert target is not None
    return target.rule_object(RULE)


def kept(fake_kibana: FakeKibana) -> dict[str, Any]:
    """The one rule that Kibana has."""
    (rule,) = [*fake_kibana.detections.values(), *fake_kibana.stack.values()]
    return rule


def actions(fake_kibana: FakeKibana) -> list[dict[str, Any]]:
    """The actions of the one rule."""
    found: list[dict[str, Any]] = kept(fake_kibana)["actions"]
    return found


@pytest.mark.parametrize("place", PLACES)
def test_a_rule_is_created_with_the_connector(fake_kibana: FakeKibana, kibana: Kibana, engine: Engine, place: Alerting) -> None:
    on = Connections(engine, kibana)
    put(on, made(on, place, "chat"))
    (action,) = actions(fake_kibana)
    assert (action["id"], "{{" in action["params"]["message"]) == ("chat", True)
    assert compared(on, made(on, place, "chat")).state is State.SAME
    assert compared(on, made(on, place)).state is State.SAME


@pytest.mark.parametrize("place", PLACES)
def test_a_connector_comes_beside_the_user_s_own_actions(
    fake_kibana: FakeKibana, kibana: Kibana, engine: Engine, place: Alerting
) -> None:
    on = Connections(engine, kibana)
    put(on, made(on, place))
    own = {"id": "post", "group": "default", "params": {"to": ["a"]}, "uuid": "u"}
    kept(fake_kibana)["actions"] = [own | ({"action_type_id": ".email"} if place is Alerting.KIBANA else {})]
    planned = compared(on, made(on, place, "hook"))
    assert (planned.state, planned.differences[0][0]) == (State.DRIFTED, "actions.hook")
    put(on, made(on, place, "hook"))
    assert [(action["id"], action.get("uuid")) for action in actions(fake_kibana)] == [("post", "u"), ("hook", None)]
    edited = actions(fake_kibana)[1]
    edited["params"] = {"body": "mine"}
    put(on, made(on, place, "hook"))
    put(on, made(on, place))
    assert [action["params"] for action in actions(fake_kibana)] == [{"to": ["a"]}, {"body": "mine"}]


@pytest.mark.parametrize(
    ("connector", "words"),
    [("nosuch", "has no connector with the id 'nosuch'"), ("post", r"of the type \.email, which needs more than a text")],
)
def test_a_connector_that_cannot_be_used_is_refused(kibana: Kibana, engine: Engine, connector: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        target_of(Connections(engine, kibana), Alerting.KIBANA, DEPLOYMENT, connector=connector)


def test_a_connector_without_kibana_is_refused(engine: Engine) -> None:
    with pytest.raises(InputError, match="--connector is for rules in Kibana"):
        target_of(Connections(engine), Alerting.AUTO, DEPLOYMENT, connector="chat")
