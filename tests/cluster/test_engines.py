"""Each call of an engine against a real node."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from integration.engines.base import Engine
from integration.errors import ClusterError, ConflictError, NotFoundError

PIPELINE = "engine-test"
TEMPLATE = "logs-enginetest"
BODY = {"processors": [{"set": {"field": "seen", "value": True}}]}
_names = count()


@pytest.fixture(scope="module", autouse=True)
def objects(engine: Engine) -> None:
    engine.put_pipeline(PIPELINE, BODY)
    settings = {"index.default_pipeline": PIPELINE, "number_of_replicas": 0}
    template = {"settings": settings, "mappings": {"properties": {"n": {"type": "integer"}}}}
    engine.put_template(TEMPLATE, {"index_patterns": [f"{TEMPLATE}-*"], "data_stream": {}, "priority": 500, "template": template})


@pytest.fixture
def stream() -> str:
    return f"{TEMPLATE}-{next(_names)}"


@pytest.fixture
def index(engine: Engine) -> Iterator[str]:
    name = f"enginetest-{next(_names)}"
    yield name
    engine.delete_index(name)


@pytest.fixture(scope="module")
def has_data_streams(engine: Engine) -> bool:
    """Whether the node has data streams' REST API; the one build of Elasticsearch that tests can start has not."""
    try:
        engine.request("GET", "/_data_stream/*")
    except ClusterError:
        return False
    return True


def fill(engine: Engine, stream: str, first: int, last: int) -> None:
    documents = [(str(n), {"@timestamp": n, "n": n}) for n in range(first, last)]
    assert all(result.status == 201 for result in engine.bulk_create(stream, documents))


def test_a_pipeline(engine: Engine) -> None:
    found = engine.get_pipeline(PIPELINE)
    assert found is not None
    assert found["processors"] == BODY["processors"]
    assert [each["doc"]["_source"] for each in engine.simulate(PIPELINE, [{"a": 1}, {}])] == [
        {"a": 1, "seen": True},
        {"seen": True},
    ]
    assert engine.simulate({"processors": [{"fail": {"message": "no"}}]}, [{}])[0]["error"]["reason"] == "no"
    engine.put_pipeline("engine-test-2", BODY)
    engine.request("DELETE", "/_ingest/pipeline/engine-test-2")
    assert engine.get_pipeline("engine-test-2") is None


def test_a_template(engine: Engine) -> None:
    found = engine.get_template(TEMPLATE)
    assert found is not None
    assert found["index_patterns"] == [f"{TEMPLATE}-*"]
    assert engine.get_template("engine-test-2") is None


def test_a_script_that_does_not_compile_is_shown_where_it_fails(engine: Engine) -> None:
    with pytest.raises(ClusterError) as caught:
        engine.put_pipeline("engine-test-2", {"processors": [{"script": {"source": "ctx.a = nowhere"}}]})
    assert "cannot resolve symbol [nowhere]\n  ctx.a = nowhere\n" in str(caught.value)
    assert str(caught.value).endswith("^---- HERE")


def test_a_data_stream(engine: Engine, stream: str) -> None:
    assert engine.backing_indices(stream) == []
    assert not engine.exists(stream)
    before = engine.pipeline_failures(PIPELINE)
    fill(engine, stream, 0, 3)
    (first,) = engine.backing_indices(stream)
    second = engine.request("POST", f"/{stream}/_rollover")["new_index"]
    assert engine.backing_indices(stream) == [first, second]
    assert engine.exists(stream)
    engine.put_mapping(stream, {"properties": {"late": {"type": "keyword"}}})
    mappings = engine.get_mapping(stream)
    assert set(mappings) == {first, second}
    assert all(mapping["properties"]["late"] == {"type": "keyword"} for mapping in mappings.values())
    assert engine.pipeline_failures(PIPELINE) == before


def test_bulk_create_tells_of_each_document(engine: Engine, stream: str) -> None:
    documents: list[tuple[str, str | dict[str, object]]] = [
        ("a", '{"@timestamp":1,"n":1}'),
        ("a", {"@timestamp": 1}),
        ("b", {"@timestamp": 1, "n": "zz"}),
    ]
    created, there, refused = engine.bulk_create(stream, documents)
    assert (created.status, created.result, created.reason, created.id) == (201, "created", "", "a")
    assert created.index == engine.backing_indices(stream)[0]
    assert (there.status, there.ok) == (409, False)
    assert refused.status == 400
    assert "failed to parse field [n]" in refused.reason


def test_an_error_of_a_whole_bulk_request_keeps_its_reason(engine: Engine, stream: str) -> None:
    with pytest.raises(ClusterError, match="too long"):
        next(engine.bulk_create(stream, [("x" * 600, {})]))


def test_searching(engine: Engine, stream: str) -> None:
    fill(engine, stream, 0, 10)
    engine.refresh(stream)
    assert engine.count(stream, {"range": {"n": {"gte": 5}}}) == 5
    answer = engine.search(stream, {"size": 1, "query": {"match_all": {}}, "sort": [{"n": "desc"}]})
    assert answer["hits"]["hits"][0]["_source"] == {"@timestamp": 9, "n": 9, "seen": True}


def test_what_is_missing_is_empty(engine: Engine) -> None:
    engine.refresh("nothere")
    assert engine.search("nothere", {})["hits"]["hits"] == []
    assert engine.count("nothere", {"match_all": {}}) == 0
    assert list(engine.scan("nothere", {})) == []
    assert engine.get_mapping("nothere") == {}
    assert engine.get_document("nothere", "1") is None
    assert engine.delete_index("nothere") is False
    with pytest.raises(NotFoundError):
        engine.search("nothere", {}, missing_ok=False)


def test_a_scan_gives_every_document_once_and_leaves_no_scroll(engine: Engine, stream: str) -> None:
    fill(engine, stream, 0, 25)
    engine.request("POST", f"/{stream}/_rollover")
    fill(engine, stream, 25, 40)
    engine.refresh(stream)
    hits = list(engine.scan(stream, {"query": {"match_all": {}}, "_source": ["n"]}, size=7))
    assert sorted(hit["_source"]["n"] for hit in hits) == list(range(40))
    ordered = engine.scan(stream, {"sort": [{"n": "desc"}]}, size=7)
    assert [hit["_source"]["n"] for hit in ordered] == list(reversed(range(40)))
    next(iter(engine.scan(stream, {}, size=7)))
    stats = engine.request("GET", "/_nodes/stats/indices/search")["nodes"]
    assert [node["indices"]["search"]["open_contexts"] for node in stats.values()] == [0]


def test_a_script_that_fails_on_one_shard_fails_the_search(engine: Engine, stream: str) -> None:
    """One of the two backing indices is empty, so a part of the shards answers."""
    fill(engine, stream, 0, 1)
    engine.request("POST", f"/{stream}/_rollover")
    engine.refresh(stream)
    query = {"script": {"script": "doc['nowhere'].value > 1"}}
    with pytest.raises(ClusterError, match="nowhere"):
        engine.search(stream, {"query": query})
    with pytest.raises(ClusterError, match="nowhere"):
        engine.count(stream, query)
    with pytest.raises(ClusterError, match="nowhere"):
        list(engine.scan(stream, {"query": query}))


def test_a_count_is_whole_or_a_fault(engine: Engine, index: str) -> None:
    whole, lacking = f"{index}-whole", f"{index}-lacking"
    try:
        engine.request("PUT", f"/{whole}")
        assert engine.count(f"{index}-*", {"match_all": {}}) == 0
        nowhere = {"settings": {"index.routing.allocation.require._name": "no such node"}}
        engine.request("PUT", f"/{lacking}", nowhere, {"wait_for_active_shards": "0"})
        with pytest.raises(ClusterError, match="could not count in"):
            engine.count(f"{index}-*", {"match_all": {}})
    finally:
        for name in (whole, lacking):
            engine.delete_index(name)


def test_an_upsert_of_the_same_document_writes_nothing(engine: Engine, index: str) -> None:
    def outcomes(*documents: tuple[str, dict[str, object]]) -> list[str]:
        return [result.result for result in engine.bulk_upsert(index, documents)]

    assert outcomes(("a", {"n": 1}), ("b", {"n": 1})) == ["created", "created"]
    before = engine.get_document(index, "a")
    assert outcomes(("a", {"n": 1}), ("b", {"n": 2}), ("c", {"n": 3})) == ["noop", "updated", "created"]
    assert engine.get_document(index, "a") == before
    assert engine.count(index, {"match_all": {}}) == 3
    (refused,) = engine.bulk_upsert(index, [("d", {"n": {"m": 1}})])
    assert (refused.status, refused.result) == (400, "")


def test_a_write_with_a_lower_version_is_refused(engine: Engine, index: str) -> None:
    engine.put_document(index, "a", {"n": 1})  # with the cluster's own version, which is low
    engine.put_document(index, "a", {"n": 2}, version=1_700_000_000_000)
    engine.put_document(index, "a", {"n": 3}, version=1_700_000_000_000)
    with pytest.raises(ConflictError):
        engine.put_document(index, "a", {"n": 4}, version=1_699_999_999_999)
    assert engine.get_document(index, "a") == {"n": 3}


def test_a_data_stream_goes_with_its_documents(engine: Engine, stream: str, has_data_streams: bool) -> None:
    assert engine.delete_data_stream(stream) is False
    fill(engine, stream, 0, 1)
    if has_data_streams:
        assert engine.delete_data_stream(stream) is True
        assert not engine.exists(stream)
    else:
        with pytest.raises(ClusterError, match="/_data_stream/"):
            engine.delete_data_stream(stream)
        assert engine.exists(stream)
