"""What `doctor` asks about a user's rights, and what it makes of answers that a real node seldom gives."""

from __future__ import annotations

import pytest

from integration.commands.doctor import Patient, Verdict, examine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.install.privileges import Work, missing_rights
from integration.names import Namespace
from tests.support.fake_cluster import ELASTICSEARCH, OPENSEARCH, Answer, FakeCluster, Request

NAMESPACE = Namespace("default")
OLDER = OPENSEARCH | {"version": {"distribution": "opensearch", "number": "3.1.0"}}
AUTHINFO = "/_plugins/_security/authinfo"
NO_HANDLER = Answer({"error": "no handler found for uri [/x] and method [GET]", "status": 400}, 400)
SWITCHED_OFF = Answer(
    {"error": {"type": "exception", "reason": "Security must be explicitly enabled when using a [basic] license"}}, 500
)


def missing(cluster: FakeCluster) -> dict[Work, list[str]] | None:
    with connect(Connection(cluster.url)) as engine:
        return missing_rights(engine, NAMESPACE, NAMESPACE.events)


def test_an_older_opensearch_is_asked_for_nothing() -> None:
    """It would do what it should only check."""
    with FakeCluster(OLDER) as cluster:
        cluster.on("GET", AUTHINFO, Answer({"user_name": "u", "roles": ["r"]}))
        assert missing(cluster) == {}
        assert {str(request) for request in cluster.requests} == {"GET /", f"GET {AUTHINFO}"}
        with connect(Connection(cluster.url)) as engine:
            checks = examine(Patient(engine, [], NAMESPACE, NAMESPACE.events, {Work.RUN}))
    told = {check.detail.partition(":")[0]: check.verdict for check in checks if check.name == "permissions"}
    assert (told["run"], told["read"]) == (Verdict.WARN, Verdict.INFO)


@pytest.mark.parametrize(
    ("root", "method", "path", "answer"),
    [(OPENSEARCH, "GET", AUTHINFO, NO_HANDLER), (ELASTICSEARCH, "POST", "/_security/user/_has_privileges", SWITCHED_OFF)],
    ids=["opensearch", "elasticsearch"],
)
def test_where_security_is_off_nothing_is_asked(root: dict[str, object], method: str, path: str, answer: Answer) -> None:
    with FakeCluster(root) as cluster:
        cluster.on(method, path, answer)
        assert missing(cluster) is None
        assert {str(request) for request in cluster.requests} == {"GET /", f"{method} {path}"}


def test_every_question_says_that_it_is_one() -> None:
    def refuse(request: Request) -> Answer:
        return Answer({"accessAllowed": False, "missingPrivileges": [request.path]})

    with FakeCluster() as cluster:
        cluster.on("GET|PUT|POST|DELETE", "/.+", refuse)
        cluster.on("GET", AUTHINFO, Answer({"user_name": "u"}))
        told = missing(cluster)
        asked = [request for request in cluster.requests if request.path not in ("/", AUTHINFO)]
    assert told is not None
    assert all(told.values())
    assert {request.query.get("perform_permission_check") for request in asked} == {"true"}
    assert not any(request.method == "DELETE" for request in asked)


def test_what_this_user_may_not_see_is_no_fault_of_the_installation() -> None:
    with FakeCluster() as cluster:
        cluster.on("GET", "/_cluster/health", Answer({"error": {"type": "security_exception", "reason": "no permissions"}}, 403))
        with connect(Connection(cluster.url)) as engine:
            checks = examine(Patient(engine, [], NAMESPACE, NAMESPACE.events))
    (health,) = (check for check in checks if check.name == "health")
    assert health.verdict is Verdict.WARN
    assert health.detail.startswith("cannot be looked at: ")
