"""The roles' bodies, and how they are found on a cluster again."""

from __future__ import annotations

from itertools import chain

import pytest

from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ClusterError, InputError
from integration.install.plan import State
from integration.install.role_bodies import INGESTER, INSTALLER, READER, RUNNER, roles
from integration.install.roles import role_objects
from integration.names import API, EVENTS_PATTERN, PROMPTS, RISK_PATTERN, STATE_PATTERN
from tests.support.builders import RULE
from tests.support.fake_cluster import ELASTICSEARCH, OPENSEARCH, Answer, FakeCluster
from tests.support.installing import install_objects, state_of

JSON_EVENTS = {API.pattern, PROMPTS.pattern}
ENGINES = pytest.mark.parametrize("engine", ["opensearch", "elasticsearch"])


def indices(engine: str, body: dict[str, list[dict[str, list[str]]]]) -> dict[str, list[str]]:
    part, names, allowed = (
        ("index_permissions", "index_patterns", "allowed_actions") if engine == "opensearch" else ("indices", "names", "privileges")
    )
    return {pattern: entry[allowed] for entry in body[part] for pattern in entry[names]}


@ENGINES
def test_each_role_reaches_its_own_indices_and_no_other(engine: str) -> None:
    reached = {name: set(indices(engine, body)) for name, body in roles(engine).items()}
    assert reached == {
        INSTALLER: {EVENTS_PATTERN, *JSON_EVENTS, RISK_PATTERN},
        INGESTER: {EVENTS_PATTERN, *JSON_EVENTS},
        RUNNER: {EVENTS_PATTERN, RISK_PATTERN, STATE_PATTERN},
        READER: {EVENTS_PATTERN, *JSON_EVENTS, RISK_PATTERN, STATE_PATTERN},
    }


@ENGINES
def test_who_ships_or_looks_does_not_read_prompts(engine: str) -> None:
    for role in (INGESTER, READER):
        reached = indices(engine, roles(engine)[role])
        assert not any("data/read" in grant or grant == "read" for pattern in JSON_EVENTS for grant in reached[pattern])


@ENGINES
def test_nobody_may_do_everything_or_write_roles(engine: str) -> None:
    for body in roles(engine).values():
        on_cluster = body["cluster_permissions" if engine == "opensearch" else "cluster"]
        granted = [*on_cluster, *chain.from_iterable(indices(engine, body).values())]
        assert not {"all", "*", "unlimited", "manage_security", "cluster_all", "indices_all"} & set(granted)
        assert not any("security" in grant for grant in granted)


@ENGINES
def test_own_events_are_read_as_the_others_and_not_written(engine: str) -> None:
    with_own = {name: indices(engine, body) for name, body in roles(engine, "own-*").items()}
    assert [name for name, reached in with_own.items() if "own-*" in reached] == [RUNNER, READER]
    assert with_own[RUNNER]["own-*"] == with_own[RUNNER][EVENTS_PATTERN]
    assert not any("write" in grant or grant in ("index", "create_doc") for grant in with_own[READER]["own-*"])


def test_what_opensearch_adds_is_no_drift() -> None:
    (asset, *_) = role_objects("opensearch", [RULE])
    stored = asset.body | {"reserved": False, "hidden": False, "static": False, "tenant_permissions": []}
    stored["index_permissions"] = [
        entry | {"dls": None, "fls": [], "masked_fields": [], "allowed_actions": entry["allowed_actions"][::-1]}
        for entry in asset.body["index_permissions"]
    ]
    with FakeCluster(OPENSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        cluster.on("GET", f"/_plugins/_security/api/roles/{asset.name}", Answer({asset.name: stored}))
        assert state_of(engine, asset) is State.SAME
        stored["index_permissions"][0]["dls"] = '{"match_all": {}}'
        assert state_of(engine, asset) is State.DRIFTED


def test_what_elasticsearch_adds_is_no_drift() -> None:
    (asset, *_) = role_objects("elasticsearch", [RULE])
    stored = asset.body | {"applications": [], "run_as": [], "transient_metadata": {"enabled": True}}
    stored["indices"] = [entry | {"allow_restricted_indices": False} for entry in asset.body["indices"]]
    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        cluster.on("GET", f"/_security/role/{asset.name}", Answer({asset.name: stored}))
        assert state_of(engine, asset) is State.SAME
        stored["run_as"] = ["somebody"]
        assert state_of(engine, asset) is State.DRIFTED


def test_security_that_is_off_and_rights_that_are_missing_are_told_apart() -> None:
    (asset, *_) = role_objects("elasticsearch", [RULE])
    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        path = f"/_security/role/{asset.name}"
        cluster.on("GET", path, Answer({"error": f"no handler found for uri [{path}] and method [GET]"}, 400))
        with pytest.raises(InputError, match="its security is off or not there; nothing was changed"):
            install_objects(engine, [asset])
        cluster.on("GET", path, Answer({"error": {"type": "security_exception", "reason": "unauthorized"}}, 403))
        with pytest.raises(ClusterError, match="lacks the privilege"):
            install_objects(engine, [asset])
