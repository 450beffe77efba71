"""What each engine asks of a cluster, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integration.engines import retry
from integration.engines.answers import ItemResult
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import (
    AnswerTimeoutError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    NoClusterManagerError,
    NotFoundError,
    ThrottledError,
    TooLargeError,
    TooManyBucketsError,
    UnavailableError,
    UnreachableError,
)
from tests.support.fake_cluster import Answer, FakeCluster, Request

READS: dict[str, Callable[[Engine], object]] = {
    "pipeline": lambda engine: engine.get_pipeline("x"),
    "template": lambda engine: engine.get_template("x"),
    "settings": lambda engine: engine.backing_indices("x"),
    "mapping": lambda engine: engine.get_mapping("x"),
    "document": lambda engine: engine.get_document("x", "1"),
}


def shards(failed: int = 0) -> dict[str, Any]:
    reason = {"type": "script_exception", "reason": "runtime error"}
    failures = [{"shard": 0, "index": "x", "reason": reason}] * failed
    return {"total": 2, "successful": 2 - failed, "skipped": 0, "failed": failed} | ({"failures": failures} if failed else {})


def page(*ids: str, failed: int = 0) -> Answer:
    hits = [{"_id": document_id} for document_id in ids]
    return Answer({"_scroll_id": "s1", "_shards": shards(failed), "hits": {"hits": hits}})


class TestRetries:
    @pytest.mark.parametrize("fault", [Answer("busy", 503), Answer("busy", 429), Answer("gone", 502), Answer(cut=True)])
    @pytest.mark.parametrize("read", READS.values(), ids=READS)
    def test_a_read_outlasts_three_faults(
        self, cluster: FakeCluster, engine: Engine, fault: Answer, read: Callable[[Engine], object]
    ) -> None:
        cluster.on("GET", "/.+", fault, fault, fault, Answer({"error": "none"}, 404))
        assert not read(engine)
        assert len(cluster.requests) == 1 + 4

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [(Answer("busy", 503), ThrottledError), (Answer("gone", 504), UnreachableError), (Answer(cut=True), UnreachableError)],
    )
    def test_and_no_more(self, cluster: FakeCluster, engine: Engine, fault: Answer, kind: type[ClusterError]) -> None:
        cluster.on("PUT", "/_ingest/pipeline/x", fault)
        with pytest.raises(kind):
            engine.put_pipeline("x", {})
        assert len(cluster.requests) == 1 + 4

    @pytest.mark.parametrize("fault", [Answer("busy", 503), Answer(cut=True)])
    @pytest.mark.parametrize(
        "write",
        [
            lambda engine: engine.request("POST", "/_plugins/_alerting/monitors", {}),
            lambda engine: list(engine.bulk_create("x", [("1", {})])),
            lambda engine: list(engine.bulk_upsert("x", [("1", {})])),
            lambda engine: engine.delete_index("x"),
        ],
        ids=["request", "bulk_create", "bulk_upsert", "delete"],
    )
    def test_a_write_that_may_not_be_done_twice_is_sent_once(
        self, cluster: FakeCluster, engine: Engine, fault: Answer, write: Callable[[Engine], object]
    ) -> None:
        cluster.on("POST|PUT|DELETE", "/.+", fault)
        with pytest.raises((ThrottledError, UnreachableError)):
            write(engine)
        assert len(cluster.requests) == 1 + 1

    @pytest.mark.parametrize(("status", "least"), [(429, 5), (503, 0)])
    def test_a_node_without_memory_gets_the_time_to_clean_up(
        self, monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster, engine: Engine, status: int, least: float
    ) -> None:
        pauses: list[float] = []
        monkeypatch.setattr(retry.RETRY, "sleep", pauses.append)
        cluster.on("POST", "/x/_search", Answer("busy", status))
        with pytest.raises(ThrottledError):
            engine.search("x", {})
        assert len(pauses) == 3
        assert least < sum(pauses) < 10

    def test_what_took_too_long_is_not_asked_again(self, cluster: FakeCluster) -> None:
        cluster.on("POST", "/x/_search", Answer(delay=0.3))
        with connect(Connection(cluster.url, timeout=0.1)) as engine, pytest.raises(AnswerTimeoutError):
            engine.search("x", {})
        assert len(cluster.asked("POST", "/x/_search")) == 1

    @pytest.mark.parametrize("kind", ["cluster_manager_not_discovered_exception", "master_not_discovered_exception"])
    def test_nor_is_a_cluster_without_a_manager_that_has_waited_for_one(
        self, cluster: FakeCluster, engine: Engine, kind: str
    ) -> None:
        error = {"root_cause": [{"type": kind, "reason": None}], "type": kind, "reason": None}
        cluster.on("GET", "/_ingest/pipeline/x", Answer({"error": error, "status": 503}, 503))
        with pytest.raises(
            NoClusterManagerError, match=r"no elected cluster manager: .* Bring them back, and run the same command"
        ):
            engine.get_pipeline("x")
        assert len(cluster.asked("GET", "/_ingest/pipeline/x")) == 1

    def test_writes_that_are_blocked_meanwhile_say_why(self, cluster: FakeCluster, engine: Engine) -> None:
        error = {"type": "cluster_block_exception", "reason": "blocked by: [SERVICE_UNAVAILABLE/2/no master];"}
        cluster.on("POST", "/x/_search", Answer({"error": error, "status": 503}, 503))
        with pytest.raises(
            UnavailableError, match=r"2/no master\];; the cluster has no elected cluster manager: .* Bring them back"
        ):
            engine.search("x", {})


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, ClusterError),
            (401, ClusterError),
            (403, ForbiddenError),
            (404, NotFoundError),
            (409, ConflictError),
            (413, TooLargeError),
            (429, ThrottledError),
            (500, ClusterError),
            (502, UnreachableError),
            (503, UnavailableError),
            (504, UnreachableError),
        ],
    )
    @pytest.mark.parametrize("body", [{"error": {"type": "x_exception", "reason": "because"}}, "<p>because</p>", ""])
    def test_the_kind_is_told_by_the_status(
        self, cluster: FakeCluster, engine: Engine, status: int, kind: type[ClusterError], body: Any
    ) -> None:
        cluster.on("POST", "/x", Answer(body, status))
        with pytest.raises(ClusterError) as caught:
            engine.request("POST", "/x", {})
        assert type(caught.value) is kind
        assert f"{cluster.url} refused POST /x with status {status}" in str(caught.value)
        assert ("because" in str(caught.value)) == bool(body)

    @pytest.mark.parametrize("status", [400, 503])
    def test_too_many_buckets(self, cluster: FakeCluster, engine: Engine, status: int) -> None:
        cause = {"type": "too_many_buckets_exception", "reason": "Trying to create too many buckets", "max_buckets": 9}
        error = {"type": "search_phase_execution_exception", "reason": "", "caused_by": cause}
        cluster.on("POST", "/x/_search", Answer({"error": error, "status": status}, status))
        with pytest.raises(TooManyBucketsError, match="Trying to create too many buckets"):
            engine.search("x", {})

    @pytest.mark.parametrize("answer", [Answer("<p>Log in</p>"), Answer([1])], ids=["page", "list"])
    def test_an_answer_that_is_no_object(self, cluster: FakeCluster, engine: Engine, answer: Answer) -> None:
        cluster.on("GET", "/x", answer)
        with pytest.raises(ClusterError, match="answered GET /x with something that is no JSON object"):
            engine.request("GET", "/x")

    def test_a_json_answer_that_is_cut_off(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("GET", "/x", Answer('{"a": ', headers={"Content-Type": "application/json"}))
        with pytest.raises(ClusterError, match="no JSON object"):
            engine.request("GET", "/x")


class TestPipelinesAndTemplates:
    def test_a_pipeline(self, cluster: FakeCluster, engine: Engine) -> None:
        body = {"processors": [{"lowercase": {"field": "a"}}]}
        cluster.on("GET", "/_ingest/pipeline/my.pipe", Answer({"my.pipe": body}))
        cluster.on("PUT", "/_ingest/pipeline/my.pipe", Answer({"acknowledged": True}))
        engine.put_pipeline("my.pipe", body)
        assert cluster.requests[-1].json == body
        assert engine.get_pipeline("my.pipe") == body
        assert engine.get_pipeline("other") is None

    def test_a_template(self, cluster: FakeCluster, engine: Engine) -> None:
        body = {"index_patterns": ["x-*"]}
        found = {"index_templates": [{"name": "t", "index_template": body}]}
        cluster.on("GET", "/_index_template/t", Answer(found))
        cluster.on("PUT", "/_index_template/t", Answer({"acknowledged": True}))
        engine.put_template("t", body)
        assert cluster.requests[-1].json == body
        assert engine.get_template("t") == body
        assert engine.get_template("other") is None

    def test_simulate(self, cluster: FakeCluster, engine: Engine) -> None:
        docs = [{"doc": {"_source": {"a": 1}}}, {"error": {"type": "x"}}]
        cluster.on("POST", "/_ingest/pipeline/(p/)?_simulate", Answer({"docs": docs}))
        assert engine.simulate("p", [{"a": 1}]) == docs
        assert engine.simulate({"processors": []}, [{"a": 1}]) == docs
        by_name, by_body = cluster.requests[1:]
        assert (by_name.path, by_name.json) == ("/_ingest/pipeline/p/_simulate", {"docs": [{"_source": {"a": 1}}]})
        assert by_body.json == {"pipeline": {"processors": []}, "docs": [{"_source": {"a": 1}}]}

    def test_failures_are_summed_over_the_nodes(self, cluster: FakeCluster, engine: Engine) -> None:
        first = {"p": {"count": 3, "failed": 1, "current": 0}, "q": {"count": 1, "failed": 0, "current": 0}}
        second = {"p": {"count": 4, "failed": 2, "current": 0}}
        nodes = {name: {"ingest": {"pipelines": stats}} for name, stats in (("n1", first), ("n2", second))}
        cluster.on("GET", "/_nodes/stats/ingest", Answer({"nodes": nodes}))
        assert [engine.pipeline_failures(name) for name in ("p", "q", "none")] == [3, 0, 0]


class TestIndices:
    def test_backing_indices_come_oldest_first(self, cluster: FakeCluster, engine: Engine) -> None:
        made = {".ds-x-000010": "30", ".ds-x-000009": "20", "restored-x": "9", ".ds-x-000011": "30"}
        settings = {index: {"settings": {"index.creation_date": at}} for index, at in made.items()}
        cluster.on("GET", "/x/_settings/index.creation_date", Answer(settings))
        assert engine.backing_indices("x") == ["restored-x", ".ds-x-000009", ".ds-x-000010", ".ds-x-000011"]
        assert cluster.requests[-1].query == {"flat_settings": "true"}
        assert engine.exists("x")
        assert not engine.exists("y")

    def test_mappings(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("GET", "/x/_mapping", Answer({"x1": {"mappings": {"a": 1}}, "x2": {"mappings": {}}}))
        cluster.on("PUT", "/x/_mapping")
        assert engine.get_mapping("x") == {"x1": {"a": 1}, "x2": {}}
        assert engine.get_mapping("y") == {}
        engine.put_mapping("x", {"properties": {}})
        assert cluster.requests[-1].json == {"properties": {}}

    def test_deleting(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("DELETE", "/x|/_data_stream/d")
        cluster.on("GET", "/d/_settings/index.creation_date", Answer({".ds-d-1": {"settings": {"index.creation_date": "1"}}}))
        assert [engine.delete_index(name) for name in ("x", "y")] == [True, False]
        assert [engine.delete_data_stream(name) for name in ("d", "e")] == [True, False]

    def test_a_cluster_without_data_streams_says_so(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("GET", "/d/_settings/index.creation_date", Answer({".ds-d-1": {"settings": {"index.creation_date": "1"}}}))
        words = "no handler found for uri [/_data_stream/d] and method [DELETE]"
        cluster.on("DELETE", "/_data_stream/d", Answer({"error": words, "status": 400}, 400))
        with pytest.raises(ClusterError, match="no handler found"):
            engine.delete_data_stream("d")

    def test_names_are_escaped(self, cluster: FakeCluster, engine: Engine) -> None:
        engine.delete_index("a/b?c#d%")
        assert cluster.requests[-1].path == "/a/b?c#d%"
        assert cluster.requests[-1].query == {}


class TestSearches:
    def test_a_search_is_whole_or_an_error(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_search", Answer({"hits": {"hits": []}}))
        engine.search("x", {"size": 0})
        engine.search("x", {"size": 0}, missing_ok=False)
        tolerant, strict = cluster.requests[1:]
        whole = {"allow_partial_search_results": "false"}
        assert tolerant.query == whole | {"allow_no_indices": "true"}
        assert strict.query == whole | {"allow_no_indices": "false"}
        assert tolerant.json == {"size": 0}

    def test_a_missing_index_is_empty_unless_others_went_unsearched(self, cluster: FakeCluster, engine: Engine) -> None:
        missing = Answer({"error": {"type": "index_not_found_exception", "reason": "no such index [x]"}}, 404)
        cluster.on("POST", "/x/_search", missing)
        cluster.on("POST", "/x/_count", missing)
        cluster.on("POST", "/x,y/_search", missing)
        assert engine.search("x", {}) == {"hits": {"hits": []}}
        assert list(engine.scan("x", {})) == []
        assert engine.count("x", {}) == 0
        with pytest.raises(NotFoundError):
            engine.search("x,y", {})
        with pytest.raises(NotFoundError):
            engine.search("x", {}, missing_ok=False)

    def test_a_404_of_something_else_is_no_missing_index(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_search", Answer("<html>Not found</html>", 404))
        with pytest.raises(ClusterError):
            engine.search("x", {})

    @pytest.mark.parametrize("path", ["/x/_search", "/x/_count"])
    def test_an_index_that_may_not_be_read_is_an_error(self, cluster: FakeCluster, engine: Engine, path: str) -> None:
        cluster.on("POST", path, Answer({"error": {"type": "security_exception", "reason": "unauthorized"}}, 403))
        with pytest.raises(ClusterError, match="lacks the privilege"):
            engine.search("x", {}) if path.endswith("_search") else engine.count("x", {})

    def test_a_count(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_count", Answer({"count": 7, "_shards": shards()}))
        assert engine.count("x", {"match_all": {}}) == 7
        assert cluster.requests[-1].json == {"query": {"match_all": {}}}

    def test_a_count_with_a_failing_shard_is_an_error(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_count", Answer({"count": 7, "_shards": shards(failed=1)}))
        with pytest.raises(ClusterError, match="could not count in x: script_exception: runtime error"):
            engine.count("x", {})

    def test_a_scan_reads_every_page_and_closes_the_scroll(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_search", page("1", "2"))
        cluster.on("POST", "/_search/scroll", page("3"), page())
        cluster.on("DELETE", "/_search/scroll")
        assert [hit["_id"] for hit in engine.scan("x", {"query": {}}, size=2)] == ["1", "2", "3"]
        search, *pages, close = cluster.requests[1:]
        assert search.query["size"] == "2"
        assert search.json == {"sort": ["_doc"], "query": {}}
        assert [asked.json["scroll_id"] for asked in pages] == ["s1", "s1"]
        assert close.json == {"scroll_id": ["s1"]}

    def test_a_scan_keeps_the_order_it_is_given(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_search", page())
        assert list(engine.scan("x", {"sort": ["@timestamp"]})) == []
        assert cluster.asked("POST", "/x/_search")[0].json == {"sort": ["@timestamp"]}

    def test_a_scan_of_nothing(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_search", Answer({"_shards": shards(), "hits": {"hits": []}}))
        assert list(engine.scan("x", {})) == []
        assert len(cluster.requests) == 2

    @pytest.mark.parametrize("ids", [(), ("3",)], ids=["no hits", "hits"])
    def test_a_page_with_a_failing_shard_is_not_the_end(self, cluster: FakeCluster, engine: Engine, ids: tuple[str, ...]) -> None:
        cluster.on("POST", "/x/_search", page("1"))
        cluster.on("POST", "/_search/scroll", page(*ids, failed=1))
        with pytest.raises(ClusterError, match="could not read all of x: script_exception"):
            list(engine.scan("x", {}))
        assert len(cluster.asked("DELETE", "/_search/scroll")) == 1

    def test_a_scan_that_is_left_early_closes_the_scroll(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_search", page("1", "2"))
        hits = engine.scan("x", {})
        assert next(iter(hits))["_id"] == "1"
        del hits
        assert len(cluster.asked("DELETE", "/_search/scroll")) == 1

    def test_refresh(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST", "/x/_refresh", Answer({"_shards": {"total": 2, "successful": 1, "failed": 0}}))
        engine.refresh("x")
        assert cluster.requests[-1].query == {"ignore_unavailable": "true"}

    def test_a_shard_that_cannot_be_refreshed_is_told(self, cluster: FakeCluster, engine: Engine) -> None:
        failures = [{"reason": {"type": "circuit_breaking_exception", "reason": "no memory"}}]
        cluster.on("POST", "/x/_refresh", Answer({"_shards": {"total": 1, "successful": 0, "failed": 1, "failures": failures}}))
        with pytest.raises(ClusterError, match="visible to searches: circuit_breaking_exception"):
            engine.refresh("x")


class TestDocuments:
    def test_reading_one(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("GET", "/x/_doc/a b", Answer({"_source": {"n": 1}, "_seq_no": 5, "_primary_term": 2}))
        assert engine.get_document("x", "a b") == {"n": 1}

    def test_writing_one(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("PUT", "/x/_doc/1", Answer({"_seq_no": 6, "_primary_term": 2}))
        engine.put_document("x", "1", {"n": 1})
        engine.put_document("x", "1", {}, version=7)
        assert [asked.query for asked in cluster.requests[1:]] == [
            {"refresh": "true"},
            {"refresh": "true", "version": "7", "version_type": "external_gte"},
        ]

    def test_bulk_create(self, cluster: FakeCluster, engine: Engine) -> None:
        error = {"type": "mapper_parsing_exception", "reason": "no date", "caused_by": {"type": "x", "reason": "zz"}}
        items = [
            {"create": {"_index": "x-1", "_id": "ä", "status": 201, "result": "created"}},
            {"create": {"_index": "x-1", "_id": "2", "status": 400, "error": error}},
        ]
        cluster.on("POST|PUT", "/x/_bulk", Answer({"errors": True, "items": items}))
        results = list(engine.bulk_create("x", [("ä", '{"text":"ü"}'), ("2", {"n": 1})], pipeline="p"))
        assert results == [
            ItemResult("ä", "x-1", 201, "created", ""),
            ItemResult("2", "x-1", 400, "", "mapper_parsing_exception: no date; x: zz"),
        ]
        assert [result.ok for result in results] == [True, False]
        asked = cluster.requests[-1]
        assert asked.query["pipeline"] == "p"
        assert asked.lines == [{"create": {"_id": "ä"}}, {"text": "ü"}, {"create": {"_id": "2"}}, {"n": 1}]
        assert "vnd.elasticsearch+x-ndjson" in asked.headers["content-type"] or engine.name == "opensearch"

    def test_bulk_create_sends_a_chunk_at_a_time(self, cluster: FakeCluster, engine: Engine) -> None:
        def created(asked: Request) -> Answer:
            ids = [line["create"]["_id"] for line in asked.lines[::2]]
            return Answer({"items": [{"create": {"_id": each, "status": 201}} for each in ids]})

        cluster.on("POST|PUT", "/x/_bulk", created)
        results = engine.bulk_create("x", ((str(n), {}) for n in range(5)), chunk=2)
        assert next(results).id == "0"
        assert len(cluster.asked("POST|PUT", "/x/_bulk")) == 1
        assert [result.id for result in results] == ["1", "2", "3", "4"]
        assert [len(asked.lines) for asked in cluster.asked("POST|PUT", "/x/_bulk")] == [4, 4, 2]

    def test_nothing_to_create(self, cluster: FakeCluster, engine: Engine) -> None:
        assert list(engine.bulk_create("x", [])) == []
        assert len(cluster.requests) == 1

    def test_bulk_upsert(self, cluster: FakeCluster, engine: Engine) -> None:
        outcomes = ["created", "updated", "noop"]
        items = [{"update": {"_id": "1", "status": 200, "result": result}} for result in outcomes]
        cluster.on("POST|PUT", "/x/_bulk", Answer({"items": items}))
        results = engine.bulk_upsert("x", [(str(n), {"n": n}) for n in range(3)])
        assert [result.result for result in results] == outcomes
        asked = cluster.requests[-1]
        assert asked.lines[:2] == [
            {"update": {"_id": "0", "retry_on_conflict": 3}},
            {"doc": {"n": 0}, "doc_as_upsert": True},
        ]
        assert asked.query["refresh"] == "true"

    def test_a_bulk_that_is_refused_whole(self, cluster: FakeCluster, engine: Engine) -> None:
        cluster.on("POST|PUT", "/x/_bulk", Answer("<p>Too large</p>", 413))
        with pytest.raises(TooLargeError):
            list(engine.bulk_create("x", [("1", {})]))
