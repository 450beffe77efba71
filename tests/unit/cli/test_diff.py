from __future__ import annotations

from tests.support.cli import detect
from tests.support.fake_cluster import Answer, FakeCluster

FOREIGN = Answer({"ollama.server": {"description": "mine", "processors": []}})


def advice(pipeline: Answer | None) -> str:
    with FakeCluster() as cluster:
        if pipeline is not None:
            cluster.on("GET", "/_ingest/pipeline/ollama.server", pipeline)
        answer = detect("diff", "--url", cluster.url, "--alerting", "none")
    assert answer.code == 1
    assert "indices" not in answer.out  # there are none
    return answer.err


def test_install_is_advised_where_it_helps() -> None:
    assert advice(None) == "7 of 7 are missing or drifted: `detect install` puts that right.\n"


def test_force_is_advised_where_install_would_refuse() -> None:
    missing, foreign = advice(FOREIGN).splitlines()
    assert missing == "6 of 7 are missing or drifted."
    assert foreign == (
        "1 of 7 bears no ownership tag of detect: somebody else made it, or its tag was edited away (foreign); "
        "`detect install` changes nothing while that is so, "
        "`detect install --force` replaces what is there and puts the rest right."
    )
