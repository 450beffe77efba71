from __future__ import annotations

from integration.commands.doctor import Installation, Verdict, examine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.names import Namespace
from tests.support.builders import RULE
from tests.support.fake_cluster import Answer, FakeCluster

NAMESPACE = Namespace("default")


def test_one_cause_is_told_once_however_many_objects_it_has() -> None:
    with FakeCluster() as cluster:
        cluster.on("GET", "/_index_template", Answer({"index_templates": []}))
        with connect(Connection(cluster.url)) as engine:
            checks = examine(Installation(engine, [RULE], NAMESPACE, NAMESPACE.events))
    (failed,) = (check.detail for check in checks if check.name in ("objects", "pipeline") and check.verdict is Verdict.FAIL)
    assert failed.startswith("missing, and put there by `detect install`: ingest pipeline 'ollama.server', index template")
    assert failed.count("ingest pipeline") == 3
