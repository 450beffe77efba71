"""What each role may do with Alerting: the stand-in refuses what a role does not grant, by the plugin's names of its actions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

import pytest

from integration.detection.loading import load_rules
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.install.deployment import Deployment
from integration.install.objects import Connections
from integration.install.role_bodies import INSTALLER, READER, RUNNER, grants, roles
from integration.install.roles import role_objects
from integration.names import Namespace
from integration.sandbox.local import Node
from integration.targets.opensearch.monitors import AlertingTarget
from tests.cluster.test_roles_on_nodes import make_user
from tests.support.alerting_node import wipe
from tests.support.cli import Result, detect
from tests.support.fake_alerting import AlertingCluster
from tests.support.fake_cluster import Answer, Request
from tests.support.installing import install_objects, install_shared
from tests.support.secured import SecureNode
from tests.support.servers import on_opensearch

pytestmark = on_opensearch

NAMESPACE = Namespace("alertroles")
MONITORS = "/_plugins/_alerting/monitors"
ACTIONS = {
    f"GET {MONITORS}/alerts": "cluster:admin/opendistro/alerting/alerts/get",
    f"(GET|POST) {MONITORS}/_search": "cluster:admin/opendistro/alerting/monitor/search",
    f"POST {MONITORS}/(.+/)?_execute": "cluster:admin/opendistro/alerting/monitor/execute",
    f"POST {MONITORS}": "cluster:admin/opendistro/alerting/monitor/write",
    f"GET {MONITORS}/[^/]+": "cluster:admin/opendistro/alerting/monitor/get",
    f"PUT {MONITORS}/[^/]+": "cluster:admin/opendistro/alerting/monitor/write",
    f"DELETE {MONITORS}/[^/]+": "cluster:admin/opendistro/alerting/monitor/delete",
    "GET /_plugins/_alerting/stats/jobs_info": "cluster:admin/opendistro/_scheduled_jobs/stats",
}


def as_role(role: str) -> Callable[[Request, Callable[[Request], Answer]], Answer]:
    """Answer requests to Alerting as the Security plugin does for a user of this role."""
    granted = grants("opensearch")[role].cluster

    def answer(request: Request, handled: Callable[[Request], Answer]) -> Answer:
        if not request.path.startswith("/_plugins/_alerting"):
            return handled(request)
        action = next(action for pattern, action in ACTIONS.items() if re.fullmatch(pattern, str(request)))
        if any(fnmatchcase(action, grant) for grant in granted):
            return handled(request)
        return Answer({"error": {"type": "security_exception", "reason": f"no permissions for [{action}]"}, "status": 403}, 403)

    return answer


@pytest.fixture
def cluster(node: Node) -> Iterator[AlertingCluster]:
    made = AlertingCluster(node.url)
    with connect(Connection(made.url)) as engine:
        wipe(engine)
        yield made
        made.fault = None
        wipe(engine)
    made.close()


def test_each_role_has_what_its_verbs_ask_of_alerting(cluster: AlertingCluster) -> None:
    def run(role: str, *arguments: str) -> Result:
        cluster.fault = as_role(role)
        return detect(*arguments, "--url", cluster.url, "--namespace", NAMESPACE.name)

    def refused(role: str, *arguments: str) -> bool:
        answer = run(role, *arguments)
        return answer.code in (3, 4) and "no permissions for [cluster:admin/opendistro/alerting/monitor/" in answer.err

    for verb in ("install --enable", "status", "diff", "disable", "enable"):
        answer = run(INSTALLER, *verb.split())
        assert answer.code == 0, (verb, answer)
    for role, verbs in {READER: ("status", "diff", "findings", "install --dry-run"), RUNNER: ("findings",)}.items():
        for verb in verbs:
            answer = run(role, *verb.split())
            assert answer.code == 0, (role, verb, answer)
    assert "this user may not try the monitor" in run(READER, "status").out
    for role in (READER, RUNNER):
        assert refused(role, "disable")
        assert refused(role, "uninstall")
    assert run(INSTALLER, "uninstall", "--delete-data", "--yes").code == 0
    assert cluster.monitors == {}


def test_the_installer_may_make_the_data_stream_that_a_monitor_needs(secured: SecureNode) -> None:
    connection = Connection(secured.node.url, username=secured.username, password=secured.password, ca_certs=secured.ca_certs)
    with connect(connection) as admin:
        for role in role_objects("opensearch", load_rules()):
            role.put(Connections(admin), None)
        known = Connection(secured.node.url, username=INSTALLER, password=make_user(admin, INSTALLER), ca_certs=secured.ca_certs)
        with connect(known) as engine:
            install_shared(engine, load_rules())
            needed = AlertingTarget(Deployment(NAMESPACE)).needs(load_rules())
            assert [(step.kind, step.changed) for step in install_objects(engine, needed)] == [("data stream", True)]
            assert [(step.kind, step.changed) for step in install_objects(engine, needed)] == [("data stream", False)]
        assert admin.delete_data_stream(NAMESPACE.events)


def test_the_reader_reads_what_the_security_plugin_s_own_reader_reads(secured: SecureNode) -> None:
    """Its shipped role for readers of Alerting names the actions; only the one that tells of last runs is in none of its roles."""
    connection = Connection(secured.node.url, username=secured.username, password=secured.password, ca_certs=secured.ca_certs)
    with connect(connection) as admin:
        shipped = admin.request("GET", "/_plugins/_security/api/roles/alerting_read_access")["alerting_read_access"]
    ours = {grant for grant in roles("opensearch")[READER]["cluster_permissions"] if "opendistro" in grant and "/ism/" not in grant}
    assert ours - set(shipped["cluster_permissions"]) == {ACTIONS["GET /_plugins/_alerting/stats/jobs_info"]}
