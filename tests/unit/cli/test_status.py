from __future__ import annotations

import pytest

from tests.support.cli import detect
from tests.support.fake_cluster import ELASTICSEARCH, Answer, FakeCluster

COUNT = Answer({"count": 0, "_shards": {"total": 1, "successful": 1}})


@pytest.mark.parametrize("installed", [True, False])
def test_what_runs_the_rules_is_said_once(installed: bool) -> None:
    with FakeCluster(ELASTICSEARCH) as cluster:
        cluster.on("GET|POST", "/.*/_count", COUNT)
        cluster.on("POST", "/.*/_search", Answer({"hits": {"hits": []}}))
        cluster.on("GET", "/_nodes/stats/ingest", Answer({"nodes": {}}))
        if installed:
            cluster.on("GET", "/_ingest/pipeline/ollama.server", Answer({"ollama.server": {"description": "[ollama-detect 1]"}}))
        answer = detect("status", "--url", cluster.url)
    assert (answer.code, "refused, and kept in the failure store" in answer.out) == (0, True)
    assert answer.err.count("`detect watch` runs the rules") == installed
    assert ("Nothing of detect's is installed" in answer.err) is not installed
