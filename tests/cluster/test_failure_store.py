"""Documents that Elasticsearch refused and put into the failure store are told, on an Elasticsearch that has one."""

from __future__ import annotations

import json

import pytest

from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.names import SERVER, Namespace
from tests.support.cli import detect
from tests.support.failure_store import node_with_failure_store
from tests.support.servers import Server, on_elasticsearch_9

INDEX = Namespace("default").events


@pytest.mark.long
@on_elasticsearch_9
def test_refused_documents_are_counted_and_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with node_with_failure_store(server.version) as node, connect(Connection(node.url)) as engine:
        monkeypatch.setenv("DETECT_URL", node.url)
        # A mapping of the user's own that refuses what their shipper sends.
        mapping = {"properties": {"rack": {"type": "long"}}}
        engine.request("PUT", f"/_component_template/{SERVER.custom}", {"template": {"mappings": mapping}})
        engine.request("PUT", "/_cluster/settings", {"persistent": {"data_streams.failure_store.enabled": ["logs-*"]}})
        assert detect("install").code == 0
        documents = [{"message": f"panic: {rack}", "host": {"name": "gpu-1"}, "rack": rack} for rack in (7, "r7", "r8")]
        results = list(engine.bulk_create(INDEX, [(str(n), json.dumps(each)) for n, each in enumerate(documents)]))
        assert [result.status for result in results] == [201] * 3  # the shipper hears of nothing
        engine.refresh(INDEX)
        engine.request("POST", f"/{INDEX}::failures/_refresh")
        answer = detect("status", "--format", "json")
        assert (answer.code, answer.json["events"]["count"], answer.json["events"]["refused"]) == (1, 1, 2)
        assert f"GET /{INDEX}::failures/_search" in answer.err
        checks = {check["detail"]: check["verdict"] for check in detect("doctor", "--format", "json").json["checks"]}
        assert [verdict for detail, verdict in checks.items() if detail.startswith("2 documents were refused")] == ["fail"]
