from __future__ import annotations

import pytest

from integration.commands.doctor import Check, Installation, Verdict, examine
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
    assert failed.startswith("7 of 7 missing, and put there by `detect install`: ingest pipeline 'ollama.server', index template")
    assert failed.count("ingest pipeline") == 3


def installed(cluster: FakeCluster, *answered: str) -> list[Check]:
    """The checks of what is named, of an installation whose pipeline is another hand's and whose other objects are missing."""
    cluster.on("GET", "/_ingest/pipeline/ollama.server", Answer({"ollama.server": {"description": "mine", "processors": []}}))
    cluster.on("GET", "/_index_template", Answer({"index_templates": []}))
    with connect(Connection(cluster.url)) as engine:
        checks = examine(Installation(engine, [RULE], NAMESPACE, NAMESPACE.events))
    return [check for check in checks if check.name in answered]


def test_what_is_foreign_needs_force_and_nothing_is_called_well() -> None:
    with FakeCluster() as cluster:
        missing, foreign = installed(cluster, "objects")
    assert missing.detail.startswith("6 of 7 missing, and put there by `detect install --force`: ")
    assert (missing.verdict, foreign.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert "'ollama.server' bears no ownership tag of detect: somebody else made it, or its tag was edited away" in foreign.detail


@pytest.mark.parametrize(("count", "verdict"), [(0, Verdict.INFO), (3, Verdict.FAIL)])
def test_documents_that_are_not_there_are_not_called_well(count: int, verdict: Verdict) -> None:
    counted = Answer({"count": count, "_shards": {"total": 1, "successful": 1}})
    with FakeCluster() as cluster:
        cluster.on("POST", "/logs-ollama.server-default/_count", counted)
        cluster.on(
            "POST", "/logs-ollama.(api|prompts)-default/_count", Answer({"count": 0, "_shards": {"total": 1, "successful": 1}})
        )
        cluster.on("POST", "/logs-ollama.server-default/_search", Answer({"hits": {"hits": []}}))
        told = installed(cluster, "documents")
    assert told[0].verdict is verdict
    if not count:
        assert [check.detail for check in told] == ["there are no documents in logs-ollama.server-default yet"]
        return
    assert told[0].detail == "3 documents never went through the pipeline: they are not redacted, and no rule sees them"
    assert "\nPOST /logs-ollama.server-default/_update_by_query?pipeline=ollama.server\n{" in told[0].mend
