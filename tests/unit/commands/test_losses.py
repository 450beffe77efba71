from __future__ import annotations

from typing import Any

import pytest

from integration.commands.losses import losses, unseen
from integration.engines.answers import Json
from integration.engines.base import Body, Params
from integration.engines.faults import Call, refused
from tests.support.memory_engine import MemoryEngine


class Engine(MemoryEngine):
    """A cluster with so many documents of each kind; `hits` are the sources of those that are looked at."""

    name = "elasticsearch"

    def __init__(self, *counts: int, hits: tuple[Json, ...] = (), failures: object = 0) -> None:
        super().__init__()
        self.asked: list[Json] = []
        self._counts = list(counts) + [0] * (7 - len(counts))
        self._hits = [{"_source": source} for source in hits]
        self._failures = failures

    def count(self, index: str, query: Json) -> int:
        assert index == "logs-x"
        self.asked.append(query)
        return self._counts[len(self.asked) - 1]

    def search(self, index: str, body: Json, *, missing_ok: bool = True) -> Json:
        assert (index, body["query"], missing_ok) == ("logs-x", self.asked[-1], True)
        return {"hits": {"hits": self._hits}}

    def _send(self, method: str, path: str, body: Body, params: Params) -> object:
        assert (method, path, body, params) == ("GET", "/logs-x::failures/_count", None, {})
        if isinstance(self._failures, int):
            return {"count": self._failures}
        raise refused(Call(self.url, method, path), *self._failures)  # type: ignore[misc]


def counts(engine: Engine) -> dict[str, int]:
    return {loss.kind: loss.count for loss in losses(engine, "logs-x")}


def test_each_kind_is_counted() -> None:
    kinds = [
        "past_pipeline",
        "parse_failures",
        "without_host",
        "line_unlisted",
        "record_apart",
        "without_time",
        "cut_lines",
        "refused",
    ]
    assert counts(Engine(1, 2, 3, 4, 5, 6, 7, failures=8)) == dict(zip(kinds, range(1, 9), strict=True))


def test_what_no_rule_sees_is_told_to_who_evaluates() -> None:
    engine = Engine(1)
    assert unseen(engine, "logs-x", 10, None) == (
        "1 document in logs-x never went through the pipeline: it is not redacted, and no rule sees it. "
        "`detect status` says how to mend that."
    )
    assert engine.asked[0]["bool"]["filter"][0] == {"range": {"@timestamp": {"gte": 10, "format": "epoch_millis"}}}
    assert unseen(Engine(), "logs-x", None, None) is None


def test_those_of_a_span() -> None:
    engine = Engine()
    losses(engine, "logs-x", 10, 20)
    within: Any = {"range": {"@timestamp": {"gte": 10, "lt": 20, "format": "epoch_millis"}}}
    assert [query["bool"]["filter"][0] for query in engine.asked] == [within] * 7


@pytest.mark.parametrize(
    "answer",
    [
        (404, {"error": {"type": "index_not_found_exception", "reason": "no such index"}}),
        (400, {"error": {"type": "invalid_index_name_exception", "reason": "must not contain ':'"}}),
        (403, {"error": {"type": "security_exception", "reason": "no"}}),
    ],
)
def test_a_cluster_without_a_failure_store(answer: object) -> None:
    assert "refused" not in counts(Engine(failures=answer))


def test_opensearch_has_no_failure_store() -> None:
    class OpenSearch(Engine):
        name = "opensearch"

    assert "refused" not in counts(OpenSearch(failures=7))


def test_what_sends_them_is_told_the_most_frequent_first() -> None:
    agent = {"agent": {"type": "filebeat", "name": "edge", "version": "9.1.0"}}
    hits: tuple[Json, ...] = (
        {"log.file.path": "/a.log"},
        agent,
        {"agent.type": "vector"},
        agent,
        {"log": {"file": {"path": "/b.log"}}, **agent},
        {},
    )
    past, *_ = losses(Engine(6, hits=hits), "logs-x")
    assert past.senders[0] == "filebeat edge 9.1.0"
    assert set(past.senders[1:]) <= {"/a.log", "vector", "filebeat edge 9.1.0 /b.log", "a sender that the documents do not name"}
    assert len(past.senders) == 5
    assert "POST /logs-x/_update_by_query?pipeline=ollama.server\n" in past.mend


def test_the_host_is_given_to_the_lines_of_one_file() -> None:
    _, _, nameless, *_ = losses(Engine(0, 0, 1, hits=({"log": {"file": {"path": "/a.log"}}},)), "logs-x")
    assert '"filter": [{"term": {"log.file.path": "/a.log"}}]' in nameless.mend
    assert '"host": "NAME"' in nameless.mend


def test_of_kinds_that_lose_no_line_nothing_is_to_be_mended() -> None:
    kinds = ["line_unlisted", "record_apart", "without_time", "cut_lines"]
    assert [loss.kind for loss in losses(Engine(1, 1, 1, 1, 1, 1, 1), "logs-x") if loss.count and not loss.fault] == kinds
    assert all(not loss.mend for loss in losses(Engine(0, 0, 0, 1, 1, 1, 1), "logs-x"))


def test_what_is_said_agrees_with_the_number() -> None:
    one = {loss.kind: loss.text.split(":")[0] for loss in losses(Engine(1, 1, 1, 1, 1, 1, 1, failures=1), "logs-x")}
    two = {loss.kind: loss.text for loss in losses(Engine(2, 2, 2, 2, 2, 2, 2, failures=2), "logs-x")}
    assert (one["without_host"], one["without_time"]) == ("names no machine", "has a time of its own that cannot be read")
    assert one["refused"] == "was refused and is in the failure store"
    assert two["without_host"].startswith("name no machine: findings for the host 'unknown'")
    assert two["past_pipeline"] == "never went through the pipeline: they are not redacted, and no rule sees them"
