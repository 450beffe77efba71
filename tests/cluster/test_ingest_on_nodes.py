"""Lines into a real data stream, over and over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from integration.commands.ingest import IngestReport, ingest
from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.log.files import RawLine
from integration.log.line import read
from integration.names import SERVER, Namespace
from tests.support.installing import install_shared

_names = count()


@pytest.fixture(scope="module", autouse=True)
def installed(engine: Engine) -> None:
    rules = load_rules()
    install_shared(engine, rules)


@pytest.fixture
def stream() -> str:
    return Namespace(f"ingest{next(_names)}").events


def lines(count: int) -> list[tuple[str, RawLine]]:
    text = 'time=2026-11-24T09:00:00.{:03d}Z level=ERROR source=server.go:{} msg="model {}"'
    texts = [text.format(n % 1000, n, n) for n in range(count)]
    return [("gpu-1", RawLine(text, "/log/a.log", n + 1, n * 100, 0, read(text))) for n, text in enumerate(texts)]


def stored(engine: Engine, stream: str) -> int:
    engine.refresh(stream)
    return engine.count(stream, {"match_all": {}})


def test_lines_become_events(engine: Engine, stream: str) -> None:
    assert ingest(engine, lines(2500), stream) == IngestReport(read=2500, created=2500)
    engine.refresh(stream)
    (hit,) = engine.search(stream, {"query": {"term": {"log.offset": 700}}})["hits"]["hits"]
    event = hit["_source"]
    assert event["event"]["original"] == lines(8)[7][1].text
    assert event["@timestamp"] == "2026-11-24T09:00:00.007Z"
    assert (event["message"], event["log"]["level"], event["host"]["name"]) == ("model 7", "ERROR", "gpu-1")
    assert event["log"]["file"]["path"] == "/log/a.log"


def test_no_field_of_a_shipper_costs_a_line(engine: Engine, stream: str) -> None:
    labels = {"app": "ollama", "app.kubernetes.io/name": "ollama"}
    foreign: list[dict[str, Any]] = [
        {"kubernetes": {"labels": labels, "annotations": {"a": "text", "a.b": {"c": 1}}}},
        {"kubernetes.labels.app": "x", "kubernetes.labels.app.kubernetes.io/name": "y"},
        {"severity": {"number": 9}},
        {"severity": "info"},
        {"severity": [1, {"x": "y"}]},
        {f"field{number}": {"text": "x", "inner.number": number} for number in range(1500)},
        {"http": "text", "error": 5, "url": [], "log": {"level": {"x": 1}, "offset": "abc"}, "source": {"ip": "none"}, "tags": 5},
        {"@timestamp": "2026-11-24t09:00:00.000Z", "host": {"name": "gpu-1"}},
        {"@timestamp": "2026-11-24t09:00:00.000Z", "host": {"name": "gpu-1"}, "agent": {"type": "x"}},
        {"http": {"response": {"status_code": "abc"}}, "event": {"duration": "1.5s"}, "log": {"origin": {"file": {"line": "x"}}}},
    ]
    for number, fields in enumerate(foreign):
        engine.request("PUT", f"/{stream}/_create/{number}", {"@timestamp": "2026-11-24T09:00:00Z", "message": "x"} | fields)
    assert stored(engine, stream) == len(foreign)


def test_a_time_that_is_none_costs_no_line(engine: Engine, stream: str) -> None:
    """In a document as `ingest` sends it, and in one of another shape: the line's own time counts, else that of now."""
    days = ("2026-02-30T10:00:00.000Z", "2026-02-30T10:00:00Z", "2026-13-01T10:00:00.000Z", "0026-01-01T10:00:00.000Z")
    clocks = ("2026-11-28T24:00:00.000Z", "2026-11-28T23:59:60.000Z", "yesterday,Tat ten or soZ", "yesterday")
    texts = ("panic: x", "time=2026-02-30T11:00:00Z level=INFO", "time=2026-02-28T10:00:00Z level=INFO msg=x")
    documents: list[dict[str, Any]] = [
        {"@timestamp": time, "message": text, "host": {"name": "gpu-1"}} | beside
        for time in (*days, *clocks)
        for text in texts
        for beside in ({}, {"agent": {"type": "x"}}, {"odd": 1})
    ]
    sent = [(str(number), json.dumps(each)) for number, each in enumerate(documents)]
    assert [item.reason for item in engine.bulk_create(stream, sent) if not item.ok] == []
    engine.refresh(stream)
    hits = engine.search(stream, {"size": len(sent)})["hits"]["hits"]
    now = datetime.now(UTC)
    for hit in hits:
        document, event = documents[int(hit["_id"])], hit["_source"]
        assert event["ollama"].get("shipped") == [f"@timestamp={document['@timestamp']}"], document
        if "02-28" in document["message"]:
            assert event["@timestamp"] == "2026-02-28T10:00:00.000Z"
        else:
            assert abs(now - datetime.fromisoformat(event["@timestamp"])) < timedelta(hours=1)
    assert len(hits) == len(sent)


def test_the_same_lines_again_change_nothing(engine: Engine, stream: str) -> None:
    ingest(engine, lines(500), stream, batch_lines=100)
    assert ingest(engine, lines(500), stream, batch_lines=70) == IngestReport(read=500, already_there=500)
    assert stored(engine, stream) == 500


FOREIGN: list[dict[str, Any]] = [
    {"": 1},
    {" ": 1},
    {".": 1, ".a": 1, "a..b": 1, "b.": 1, "c. .d": 1},
    {"x": {"": 1, "a..b": {"c": 1}}},
    {"host": {"name": "gpu-1", "": 1, ".x": 2, "name.x": 3}},
    {"host.name.x": 1, "log.file": "x", "event": {"original.x": 1, "duration": {"a": 1}}},
    {"tags": {"a": 1}},
    {"tags": [{"a": 1}, ["b"]]},
    {"log": {"file": "x", "offset": {"a": 1}, "level": ["x"]}},
    {"log": {"file": {"path": {"a": 1}}, "origin": 5}},
    {"http": "GET", "url": ["/"], "source": {"ip": {"a": 1}}, "error": [{"message": 1}]},
    {"http": {"request": 5, "response": {"status_code": [{"a": 1}]}}, "source": {"ip": "nowhere"}},
    {"event": "x", "ollama": [1], "url": {"path": {"a": 1}, "query": 5}},
    {"kubernetes": {"labels": {"app": "ollama", "app.kubernetes.io/name": "ollama"}}},
    {"foo.message": [{"a": 1}], "labels.x.tags": [[{"a": 1}]], "event": {"x.dataset": [{"a": 1}]}},
    {"error": {"error.message": [{}, False]}, "foo.tags": ["ollama_parse_failure"], "_data_stream_timestamp": 0},
    {"host": {"name": 5}, "event": {"original": None}},
    {"n": 1.5e300, "big": 2**63 - 1, "text": "v" * 40_000, "deep": {"er": [[[{"a": 1}]]]}},
    {"_doc_count": "x", "_ignored": 1, "_seq_no": 2, "_tier": 3, "_field_names": 4},
    {"@timestamp": "yesterday"},
    {"@timestamp": {"a": 1}},
    {f"field{n}": n for n in range(2_000)},
    {f"field{n}": {"text": str(n)} for n in range(2_000)},
]


@pytest.mark.parametrize("line", ["panic: x", 'time=2026-11-24T09:00:00Z level=ERROR source=server.go:1 msg="model x" error=y'])
def test_no_field_of_a_shipper_costs_its_line(engine: Engine, stream: str, line: str) -> None:
    documents = [{"message": line} | foreign for foreign in FOREIGN]
    results = engine.bulk_create(stream, [(str(n), json.dumps(document)) for n, document in enumerate(documents)])
    assert [result.reason for result in results if not result.ok] == []
    engine.refresh(stream)
    hits = engine.search(stream, {"query": {"match_all": {}}, "size": 100})["hits"]["hits"]
    assert {hit["_source"]["event"]["original"] for hit in hits} == {line}
    assert len(hits) == len(FOREIGN)
    assert engine.count(stream, {"term": {"tags": "ollama_parse_failure"}}) == 0


def test_the_users_own_mapping_and_pipeline_count(engine: Engine, stream: str) -> None:
    if engine.name == "opensearch":
        return  # which refuses a pipeline or a component template that may not be there
    engine.request(
        "PUT", f"/_component_template/{SERVER.custom}", {"template": {"mappings": {"properties": {"rack": {"type": "keyword"}}}}}
    )
    engine.put_pipeline(SERVER.custom, {"processors": [{"set": {"field": "rack", "value": "r7"}}]})
    try:
        list(engine.bulk_create(stream, [("2", json.dumps({"message": "panic: x"}))]))
        engine.refresh(stream)
        assert engine.count(stream, {"term": {"rack": "r7"}}) == 1
    finally:
        engine.request("DELETE", f"/_ingest/pipeline/{SERVER.custom}")
        engine.request("DELETE", f"/_component_template/{SERVER.custom}")


def test_nor_do_they_after_rollovers(engine: Engine, stream: str) -> None:
    ingest(engine, lines(300), stream)
    engine.request("POST", f"/{stream}/_rollover")
    assert ingest(engine, lines(500), stream, batch_lines=100) == IngestReport(read=500, created=200, already_there=300)
    engine.request("POST", f"/{stream}/_rollover")
    assert ingest(engine, lines(500), stream, batch_lines=100) == IngestReport(read=500, already_there=500)
    assert stored(engine, stream) == 500


def test_equal_lines_at_two_places_stay_two(engine: Engine, stream: str) -> None:
    line = lines(1)[0][1]
    twice = [("gpu-1", line), ("gpu-1", line._replace(number=2, offset=100)), ("gpu-2", line)]
    assert ingest(engine, twice, stream).created == 3


def test_odd_lines_are_kept(engine: Engine, stream: str) -> None:
    texts = ["panic: x", '{"log":', "\x00\u2028\ufffd", "x" * 200_000, "[GIN] no", "time=9999-99-99T99:99:99Z level="]
    odd = [("gpu-1", RawLine(text, "-", n, n, 1_795_518_869_739, read(text))) for n, text in enumerate(texts, start=1)]
    report = ingest(engine, odd, stream)
    assert (report.created, report.failures) == (len(texts), [])
    assert stored(engine, stream) == len(texts)
