"""What `doctor` asks about a user's privileges, and what it makes of answers that a real node seldom gives."""

from __future__ import annotations

import pytest

from integration.commands.doctor import Installation, Verdict, examine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.install.privileges import Work, lacking_privileges
from integration.names import Namespace
from tests.support.fake_cluster import ELASTICSEARCH, OPENSEARCH, Answer, FakeCluster

NAMESPACE = Namespace("default")
AUTHINFO = "/_plugins/_security/authinfo"
NO_HANDLER = Answer({"error": "no handler found for uri [/x] and method [GET]", "status": 400}, 400)
SWITCHED_OFF = Answer(
    {"error": {"type": "exception", "reason": "Security must be explicitly enabled when using a [basic] license"}}, 500
)


def lacking(cluster: FakeCluster) -> dict[Work, list[str]] | None:
    with connect(Connection(cluster.url)) as engine:
        return lacking_privileges(engine, NAMESPACE, NAMESPACE.events)


@pytest.mark.parametrize(
    ("roles", "known"),
    [([], set()), (["own"], set()), (["detect-runner", "own"], {Work.RUN}), (["all_access"], set(Work))],
    ids=["none", "own", "runner", "all"],
)
def test_opensearch_is_asked_for_the_user_s_roles_and_nothing_else(roles: list[str], known: set[Work]) -> None:
    with FakeCluster(OPENSEARCH) as cluster:
        cluster.on("GET", AUTHINFO, Answer({"user_name": "u", "roles": roles}))
        assert lacking(cluster) == {work: [] for work in known}
        assert {str(request) for request in cluster.requests} == {"GET /", f"GET {AUTHINFO}"}


def test_doctor_says_what_is_not_known() -> None:
    with FakeCluster(OPENSEARCH) as cluster:
        cluster.on("GET", AUTHINFO, Answer({"user_name": "u", "roles": ["detect-reader"]}))
        with connect(Connection(cluster.url)) as engine:
            checks = examine(Installation(engine, [], NAMESPACE, NAMESPACE.events, {Work.RUN}))
        assert cluster.asked("PUT|DELETE", ".*") == []
    told = {check.detail.partition(":")[0]: check.verdict for check in checks if check.name == "permissions"}
    assert (told["run"], told["install"], told["read"]) == (Verdict.WARN, Verdict.INFO, Verdict.OK)


@pytest.mark.parametrize(
    ("root", "method", "path", "answer"),
    [(OPENSEARCH, "GET", AUTHINFO, NO_HANDLER), (ELASTICSEARCH, "POST", "/_security/user/_has_privileges", SWITCHED_OFF)],
    ids=["opensearch", "elasticsearch"],
)
def test_where_security_is_off_nothing_is_asked(root: dict[str, object], method: str, path: str, answer: Answer) -> None:
    with FakeCluster(root) as cluster:
        cluster.on(method, path, answer)
        assert lacking(cluster) is None
        assert {str(request) for request in cluster.requests} == {"GET /", f"{method} {path}"}


def test_what_this_user_may_not_see_is_no_fault_of_the_installation() -> None:
    with FakeCluster() as cluster:
        cluster.on("GET", "/_cluster/health", Answer({"error": {"type": "security_exception", "reason": "no permissions"}}, 403))
        with connect(Connection(cluster.url)) as engine:
            checks = examine(Installation(engine, [], NAMESPACE, NAMESPACE.events))
    (health,) = (check for check in checks if check.name == "health")
    assert health.verdict is Verdict.WARN
    assert health.detail.startswith("cannot be looked at: ")
