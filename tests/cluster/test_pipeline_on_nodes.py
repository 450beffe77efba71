"""The ingest pipeline on a real node, held to its Python twin field for field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.engines.base import Engine
from integration.folders import asset_folder
from integration.install.shared_objects import shared_objects
from integration.log.event import parse, parse_document
from integration.log.shipper_times import ZONES
from integration.names import SERVER
from integration.render.templates import events_mapping
from integration.sandbox.local import Node
from tests.support.builders import RULE
from tests.support.corpus import SHIPPED_AT, cases, shipped
from tests.support.lines import LONG, WORST, cut, lines, long_lines
from tests.support.repetitions import few
from tests.support.shipments import (
    BESIDE_A_LEVEL,
    HOST,
    SHAPES,
    TAKEN_APART,
    WITHIN,
    documents,
    mixed_documents,
    shipper_documents,
    wrapped_lines,
)
from tests.support.shipments import shipped as shipment

PIPELINE = "tested-ollama.server"
INDEX = "tested-pipeline"
FILE = asset_folder("ingest_pipelines") / "ollama.server.yml"
CASES = cases()


@pytest.fixture(scope="module")
def pipeline(engine: Engine) -> Iterator[str]:
    (installed,) = [each for each in shared_objects([RULE], engine.name) if each.name == SERVER.pipeline]
    engine.put_pipeline(PIPELINE, installed.body)
    yield PIPELINE
    engine.request("DELETE", f"/_ingest/pipeline/{PIPELINE}")


@pytest.fixture
def index(engine: Engine) -> Iterator[str]:
    engine.request("PUT", f"/{INDEX}", {"mappings": {"enabled": False}})
    yield INDEX
    engine.request("DELETE", f"/{INDEX}")


def run(engine: Engine, documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    results = engine.simulate(PIPELINE, documents)
    return [result["doc"]["_source"] for result in results]


def twin(line: str, host: str | None = None) -> dict[str, object]:
    return parse(line, host=host, shipped_at=SHIPPED_AT).document()


def check(engine: Engine, batch: list[str]) -> None:
    """See that lines give the twin's documents, and that these stay as they are when they come by again."""
    got = run(engine, [shipped(line, "h") for line in batch])
    assert got == [twin(line, "h") for line in batch]
    again = run(engine, got)
    assert again == got


def test_corpus_simulated(engine: Engine, pipeline: str) -> None:
    got = run(engine, [case.shipped for case in CASES])
    assert {c.name: document for c, document in zip(CASES, got, strict=True)} == {c.name: c.document for c in CASES}


def test_corpus_indexed(engine: Engine, pipeline: str, index: str) -> None:
    for number, case in enumerate(CASES):
        engine.request("PUT", f"/{index}/_doc/{number}", case.shipped, {"pipeline": pipeline})
    got = {case.name: engine.request("GET", f"/{index}/_doc/{n}")["_source"] for n, case in enumerate(CASES)}
    assert got == {case.name: case.document for case in CASES}


def test_a_message_of_one_word(engine: Engine, pipeline: str) -> None:
    """It is taken at once, unless SPL 3 finds a message in quotes further down."""
    head = "time=2025-10-02T14:46:19.789Z level=INFO source=server.go:1 msg="
    rests = ("", " x", "offload", "of=fload", "load\tx", 'load x="a"', 'load xmsg="y"', 'load msg="y" err=z', 'x\nmsg="y"')
    check(engine, [*(head + rest for rest in rests), f'{head}load error="x \\"y\\""', f"{head}load level=ERROR"])


def test_a_second_pass_changes_nothing(engine: Engine, pipeline: str) -> None:
    documents = [case.document for case in CASES]
    assert run(engine, documents) == documents


SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@settings(SHARED, max_examples=20)
@given(st.lists(lines, min_size=30, max_size=60))
def test_any_line_gives_the_twins_document(engine: Engine, pipeline: str, batch: list[str]) -> None:
    check(engine, batch)


@pytest.mark.long
@settings(SHARED, max_examples=100)
@given(st.lists(lines, min_size=30, max_size=60))
def test_any_of_very_many_lines_gives_the_twins_document(engine: Engine, pipeline: str, batch: list[str]) -> None:
    check(engine, batch)


@settings(SHARED, max_examples=8)
@given(st.lists(long_lines, min_size=5, max_size=10))
def test_any_long_line_gives_the_twins_document(engine: Engine, pipeline: str, batch: list[str]) -> None:
    check(engine, batch)


@pytest.mark.long
@settings(SHARED, max_examples=30)
@given(st.lists(long_lines, min_size=5, max_size=10))
def test_any_of_many_long_lines_gives_the_twins_document(engine: Engine, pipeline: str, batch: list[str]) -> None:
    check(engine, batch)


# Of each way through the pipeline one.
KEPT = {
    "addresses back to back",
    "spaces behind a head",
    "escapes in a value",
    "bare values",
    "bearer and spaces",
    "Docker record of escapes",
    "Docker record of members",
    "Compose name",
    "GIN path",
    "emoji",
}


@pytest.mark.parametrize("shape", few(WORST, KEPT))
def test_the_longest_of_the_worst(engine: Engine, pipeline: str, shape: str) -> None:
    line = WORST[shape]
    check(engine, [cut(line), line])


def flat(document: dict[str, Any], above: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in document.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
    return found


def check_documents(engine: Engine, batch: list[dict[str, Any]]) -> None:
    """See that documents of shippers have all fields of the twin, beside those that the shippers sent."""
    for document, got in zip(batch, run(engine, batch), strict=True):
        expected = flat(parse_document(document, received_at=SHIPPED_AT).document())
        found = flat(got)
        if "tags" in document:
            expected["tags"] = found.get("tags")
        assert {field: found.get(field) for field in expected} == expected, document


def test_the_cases_of_shippers(engine: Engine, pipeline: str, index: str) -> None:
    for case in shipper_documents():
        engine.request("PUT", f"/{index}/_doc/{case['id']}", case["document"], {"pipeline": pipeline})
        got = flat(engine.request("GET", f"/{index}/_doc/{case['id']}")["_source"])
        for field in ("host.name", "@timestamp", "event.original"):
            assert case["expect"][field] in (None, got[field]), case["id"]
        assert (got.get("log.level") == "ERROR") is case["expect"]["selected"]
        assert not {"s3cret", "abc", "bob@"} & {str(value) for value in got.values()}
    check_documents(engine, [case["document"] for case in shipper_documents()])


def test_the_cases_of_wrapped_lines(engine: Engine, pipeline: str) -> None:
    check(engine, [line for case in wrapped_lines() for line in case["lines"]])
    check_documents(engine, [shipped(line) for case in wrapped_lines() for line in case["lines"]])


def test_what_stands_beside_a_line_is_redacted(engine: Engine, pipeline: str) -> None:
    secrets = {
        "attributes": {"log.record.original": "mail of bob@example.com"},
        "request": {"headers": {"Authorization": "Basic c2VjcmV0"}, "list": [{"api_key": "k123"}]},
        "user": "bob@example.com",
        "error": {"message": "Bearer c2VjcmV0"},
        "quota": {"bob@example.com": 5, "api_key": 12345, "bob@example.org": {"used": 1}, "apikeys": ["s3cret", "s3cret 2"]},
    }
    own = {"message": "panic: x", "host": "gpu-1", "fine": {"text": "at 5", "number": 5}}
    (got,) = run(engine, [own | secrets])
    assert not [secret for secret in ("bob@", "c2VjcmV0", "k123", "12345", "s3cret") if secret in json.dumps(got)]
    assert {text.partition("=")[0] for text in got["ollama"]["shipped"]} == {
        "attributes.log.record.original",
        "request.headers.Authorization",
        "request.list",
        "user",
        "error.message",
        "quota.api_key",
        "quota.apikeys",
        "[REDACTED_EMAIL]",
    }
    assert (got["event"]["original"], got["host"]["name"], got["fine"]) == ("panic: x", "gpu-1", own["fine"])


def test_a_record_of_which_the_line_is_a_part_is_kept(engine: Engine, pipeline: str) -> None:
    record = 'time=2026-11-28T10:15:04.500Z level=ERROR source=a.go:1 msg="llama runner terminated" err="exit status 2"'
    for message in ("llama runner terminated", "e", "-"):
        (got,) = run(engine, [{"message": message, "event": {"original": record}, "host": "gpu-1"}])
        assert (got["event"]["original"], got["ollama"]["shipped"]) == (message, [f"event.original={record}"])
    (got,) = run(engine, [{"message": "panic: x", "event": {"original": "Nov 28 10:15:04 gpu-1 ollama[1]: panic: x"}}])
    assert "shipped" not in got["ollama"]
    check_documents(engine, [{"message": blank, "log": record, "host": "gpu-1"} for blank in (" ", "\t\r\n", "")])


def test_a_message_is_put_together_with_the_rest_of_its_record(engine: Engine, pipeline: str) -> None:
    documents = [document for document, _ in TAKEN_APART.values()]
    check_documents(engine, documents)
    got = run(engine, documents)
    assert {name: each["event"]["original"] for name, each in zip(TAKEN_APART, got, strict=True)} == {
        name: line for name, (_, line) in TAKEN_APART.items()
    }
    assert not [each["ollama"] for each in got if "shipped" in each["ollama"] or each.get("tags")]
    assert run(engine, got) == got


def test_a_level_that_stands_apart_is_told(engine: Engine, pipeline: str) -> None:
    """Where nothing tells that it is the record's, the message stays as it is, and what is beside it too."""
    apart: list[dict[str, Any]] = [
        {"message": "llama runner terminated", "level": "ERROR", "error": "exit status 2"},
        {"message": "llama runner terminated", "log": {"level": "error", "origin": {"file": {"name": "x"}}}},
        {"body": {"text": "llama runner terminated"}, "attributes": {"level": "ERROR", "source": "gpu"}},
        {"message": "llama runner terminated", "event": {"original": "level=ERROR source=a.go:1 msg=x"}},
    ]
    batch = [{"@timestamp": "2026-11-28T10:15:05.000Z", "host": "gpu-1"} | document for document in apart]
    check_documents(engine, batch)
    got = run(engine, batch)
    assert [(each["event"]["original"], each["tags"]) for each in got] == [("llama runner terminated", ["ollama_record_apart"])] * 4
    assert all(each["ollama"]["parse_error"].startswith("the level ERROR stands in a field of its own") for each in got)
    assert "error=exit status 2" in got[0]["ollama"]["shipped"]
    assert got[1]["ollama"]["shipped"] == ["log.level=error", "log.origin.file={name=x}"]
    assert run(engine, got) == got
    whole = {"message": "level=ERROR source=a.go:1 msg=x", "level": "ERROR", "host": "gpu-1"}
    other = {"message": "panic: x", "level": "info", "severity": "ERROR", "host": "gpu-1"}
    assert not [each for each in run(engine, [whole, other]) if "tags" in each]


def test_a_field_of_a_classifiers_name_costs_no_line(engine: Engine, pipeline: str) -> None:
    """OpenSearch refuses a value for a derived field."""
    engine.request("PUT", f"/{INDEX}", {"mappings": events_mapping([RULE], engine.name)})
    try:
        fields: list[dict[str, object]] = [{"error_type": "x"}, {"error_type": {"a": [None, 1]}}, {"error_type.a": 5}]
        for number, theirs in enumerate(fields):
            document = {"message": "panic: x", "host": "gpu-1"} | theirs
            engine.request("PUT", f"/{INDEX}/_doc/{number}", document, {"pipeline": pipeline})
            got = engine.request("GET", f"/{INDEX}/_doc/{number}")["_source"]
            assert got["event"]["original"] == "panic: x"
            assert ("shipped" in got["ollama"]) == (engine.name == "opensearch")
    finally:
        engine.request("DELETE", f"/{INDEX}")


def test_the_name_of_a_field_that_holds_the_line_is_redacted(engine: Engine, pipeline: str) -> None:
    (got,) = run(engine, [{"bob@example.com": "panic: a line in no field that is known"}])
    assert got["event"]["original"] == "panic: a line in no field that is known"
    assert "[REDACTED], a field that is not known" in got["ollama"]["parse_error"]
    assert "bob@" not in json.dumps(got)


def test_a_host_and_a_path_are_redacted(engine: Engine, pipeline: str) -> None:
    host, path = "bob@example.com", "/home/bob@example.com/api_key=s3cret/server.log"
    line = {"@timestamp": "2026-11-28T10:15:05.000Z", "message": "panic: x"}
    usual = line | {"host": {"name": host}, "log": {"file": {"path": path}, "offset": 1}}
    other = line | {"host": {"name": [host], "user": host}, "log.file.path": path, "log.offset": 1}
    for document in (usual, other, line | {"host": host, "log": {"file": {"path": [path, 5]}}}):
        (got,) = run(engine, [document])
        assert got["host"]["name"] == "[REDACTED_EMAIL]"
        assert not [secret for secret in ("bob@", "s3cret") if secret in json.dumps(got)]
    assert run(engine, [usual])[0]["log"] == {
        "file": {"path": "/home/[REDACTED_EMAIL]/api_key=[REDACTED]"},
        "offset": 1,
    }


def test_an_original_of_a_shipper_is_no_pass_of_ours(engine: Engine, pipeline: str) -> None:
    """Elastic Agent keeps the original event and names our data set."""
    line = "Nov 28 10:15:04 gpu-1 ollama[820]: level=ERROR source=a.go:1 msg=model"
    agent = {"event": {"original": line, "dataset": "ollama.server"}, "error": {"message": "of bob@example.com"}}
    (got,) = run(engine, [{"message": line, "data_stream": {"dataset": "ollama.server"}} | agent])
    assert (got["event"]["original"], got["host"]["name"]) == ("level=ERROR source=a.go:1 msg=model", "gpu-1")
    assert got["ollama"]["shipped"] == ["error.message=of [REDACTED_EMAIL]"]
    (long,) = run(
        engine, [{"message": "x" * (LONG + 1)} | agent | {"event": {"original": "x" * (LONG + 1), "dataset": "ollama.server"}}]
    )
    assert "ollama_line_cut" in long["tags"]


def test_a_shippers_own_fields_are_not_those_of_the_line(engine: Engine, pipeline: str) -> None:
    """Logstash's http input says how it got the line, Filebeat that it could not parse it."""
    own = {
        "http": {"method": "POST", "request": {"method": "POST"}, "response.status_code": 500},
        "url": {"path": "/api/create", "query": "a=b"},
        "source.ip": "203.0.113.9",
        "event": {"duration": 5},
        "error": {"message": "Error decoding JSON", "type": "json"},
    }
    (got,) = run(engine, [{"message": "level=ERROR source=a.go:1 msg=model", "host": "gpu-1"} | own])
    assert not set(flat(got)) & {"http.request.method", "http.response.status_code", "url.path", "url.query", "source.ip"}
    assert not set(flat(got)) & {"event.duration", "error.message"}
    assert (got["http"]["method"], got["error"]) == ("POST", {"type": "json"})
    assert "url.path=/api/create" in got["ollama"]["shipped"]
    gin = '[GIN] 2025/11/06 - 06:23:22 | 200 | 1s | ::1 | GET "/"'
    (got,) = run(engine, [{"message": gin, "host": "gpu-1"} | own])
    assert (got["http"]["request"]["method"], got["url"]["path"], got["source"]["ip"]) == ("GET", "/", "::1")
    assert got["event"]["duration"] == 10**9


def test_a_text_in_an_unlisted_field_is_kept(engine: Engine, pipeline: str) -> None:
    batch: list[dict[str, Any]] = [
        {"text": "level=ERROR msg=model", "host": "gpu-1"},
        {"message": "", "payload": {"raw": "level=ERROR msg=model", "note": "a b"}, "tags": "edge"},
        {"text": "mail bob@example.com", "@timestamp": "2026-11-28T10:15:05.000Z"},
    ]
    check_documents(engine, [{"@timestamp": "2026-11-28T10:15:05.000Z"} | document for document in batch])
    got = run(engine, batch)
    assert [document["tags"][-1 if "edge" not in document["tags"] else 1] for document in got[:2]] == ["ollama_line_unlisted"] * 2
    assert "payload.raw" in got[1]["ollama"]["parse_error"]
    batch = [{"@timestamp": "2026-11-28T10:15:05.000Z"} | document for document in WITHIN]
    check_documents(engine, batch)
    within = run(engine, batch)
    assert "message.text" in within[0]["ollama"]["parse_error"]
    assert within[0]["message"] == "llama runner terminated"
    assert run(engine, within) == within
    assert "bob@" not in json.dumps(got)
    assert run(engine, got) == got


def test_a_gin_line_takes_the_zone_of_its_document(engine: Engine, pipeline: str) -> None:
    line = '[GIN] 2026/11/28 - 10:15:04 | 500 | 1s | ::1 | POST "/api/chat"'
    offsets = ("+02:00", "-0530", "+2", "-02", "+18", "-18:00", "+18:01", "+19", "+2:30", "+230", "+", "+aa", "+02:60")
    zones = (*offsets, *ZONES, "Z", "UTC", "America/New_York", "CST", "Nowhere/At_all", "", 5, ["+01:00"], [None, "CET"], [])
    documents = [{"message": line, "event": {"timezone": zone}} for zone in zones]
    below = "\ntime=2026-02-30T10:00:00.000Z level=ERROR source=a.go:1 msg=x"  # no time, and none is needed
    documents += [{"message": line + below, "event": {"timezone": zone}, "host": "gpu-1"} for zone in ("+02:00", "none")]
    check_documents(engine, [{"@timestamp": "2026-11-28T12:00:00.000Z"} | document for document in documents])


def test_every_shape_of_a_document(engine: Engine, pipeline: str) -> None:
    batch = [shipment(shape, "panic: x") for shape in SHAPES.values()]
    check_documents(engine, batch)
    assert {document["host"]["name"] for document in run(engine, batch)} == {HOST}


def test_a_whole_line_beside_a_shippers_level(engine: Engine, pipeline: str) -> None:
    batch = [document for document, _ in BESIDE_A_LEVEL]
    check_documents(engine, batch)
    assert [document["event"]["original"] for document in run(engine, batch)] == [line for _, line in BESIDE_A_LEVEL]


def test_lists_in_place_of_a_line(engine: Engine, pipeline: str) -> None:
    lists: list[Any] = [
        ["", "panic: x"],
        [None, "", "panic: x", "", "goroutine 1"],
        ["panic: x", 5, {"a": None}],
        ["panic: x", ""],
        [5, 6],
    ]
    check_documents(engine, [{"message": each, "host": HOST, "@timestamp": "2026-11-28T12:00:00.000Z"} for each in lists])


def test_bytes_with_a_fraction_and_a_return_alone(engine: Engine, pipeline: str) -> None:
    """OpenTelemetry writes journald's bytes as `116.0`; a progress bar ends with a carriage return."""
    record = "time=2026-11-28T10:15:04.123Z level=INFO source=server.go:1 msg=x"
    batch: list[dict[str, Any]] = [
        {"body": {"MESSAGE": [*map(float, "panic: é".encode())], "_HOSTNAME": HOST}},
        {"message": [112.5, 97.0], "host": HOST},
        {"message": [112.0, 256.0, -1.0], "host": HOST},
        {"log": f"pulling 50%\r{record}\r\n", "host": HOST},
        {"log": f"panic: x\r{record}", "host": HOST},
    ]
    check_documents(engine, [{"@timestamp": "2026-11-28T12:00:00.000Z"} | document for document in batch])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(documents | mixed_documents, min_size=20, max_size=40))
def test_any_document_gives_the_twins(engine: Engine, pipeline: str, batch: list[dict[str, Any]]) -> None:
    check_documents(engine, batch)


def test_the_file_can_be_put_as_it_is(node: Node, engine: Engine) -> None:
    name = "tested-as-curl"
    request = Request(f"{node.url}/_ingest/pipeline/{name}", FILE.read_bytes(), {"Content-Type": "application/yaml"}, method="PUT")
    with urlopen(request) as answer:
        assert answer.status == 200
    stored = engine.get_pipeline(name)
    assert stored is not None
    expected = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert {key: stored[key] for key in expected} == expected
    engine.request("DELETE", f"/_ingest/pipeline/{name}")


def test_what_another_carrier_may_have_brings_no_prefix_back(engine: Engine, pipeline: str) -> None:
    """A line that is looked at for `time=` loses no prefix that one without it would keep."""
    check(
        engine,
        [
            "SIGABRT: abortFeb 26 10:05:31 gpu-1 ollama[7]: x time=y",
            ":Feb 26 10:05:31 gpu-1 ollama[7]: x",
            "SIGABRT: abortFeb 26 10:05:31 gpu-1 ollama[7]: x",
            *(f"{file}level={rest}" for file in ("server.log:", "server.log:7:", "server log:", "7:") for rest in ("", " x")),
        ],
    )


def test_an_ordinary_document_and_what_keeps_one_from_being_it(engine: Engine, pipeline: str) -> None:
    """A document of ECS alone goes past the tables of shippers: with one odd field it goes through them, to the same event."""
    ordinary: dict[str, Any] = {
        "@timestamp": "2026-11-24T08:50:12.412Z",
        "message": "llama_model_load: done",
        "host": {"name": "gpu-1", "hostname": "other", "ip": ["10.0.0.7"]},
        "log": {"file": {"path": "/var/log/ollama.log", "inode": "12"}, "offset": 7},
        "agent": {"type": "filebeat", "name": "gpu-2", "version": "9.4.3"},
        "event": {"dataset": "theirs"},
        "tags": ["edge"],
    }
    odd: list[dict[str, Any]] = [
        {"log": ordinary["log"] | {"level": "ERROR"}},
        {"event": {"dataset": "theirs", "original": "time=2020-01-01T00:00:00.000Z level=ERROR"}},
        {"agent": ordinary["agent"] | {"dotted.name": "x"}},
        {"agent": ordinary["agent"] | {"parts": [{"name": "x"}]}},
        {"message": "llama_model_load: done\n"},
        {"stream": "stderr"},
    ]
    documents = [ordinary, *(ordinary | fields for fields in odd)]
    check_documents(engine, documents)
    got = run(engine, documents)
    assert all(each["event"]["original"] == "llama_model_load: done" for each in got)
    assert {each["event"]["dataset"] for each in got} == {"ollama.server"}
    assert got[0]["agent"] == ordinary["agent"]
    assert (got[0]["host"], got[0]["log"], got[0]["tags"]) == (ordinary["host"], ordinary["log"], ordinary["tags"])
    (secret,) = run(engine, [ordinary | {"agent": {"name": "Bearer s3cret"}}])
    assert "s3cret" not in json.dumps(secret)
    twice = {"message": "Bearer s3cret", "tags": "Bearer s3cret"}
    assert "s3cret" not in json.dumps(run(engine, [ordinary | twice]))
    (carried,) = run(engine, [ordinary | {"message": '{"log":"panic: x\\n","stream":"stderr","time":"2025-10-02T18:46:20Z"}'}])
    assert (carried["event"]["original"], carried["@timestamp"]) == ("panic: x", "2025-10-02T18:46:20.000Z")


def test_a_documents_own_fields_stay(engine: Engine, pipeline: str) -> None:
    own = {
        "@timestamp": "2026-11-24T09:00:00.000Z",
        "host": {"name": "own", "ip": ["10.0.0.1"]},
        "log": {"file": {"path": "/var/log/ollama.log"}, "offset": 12, "level": "shipper's"},
        "event": {"module": "x"},
        "error": {"code": "7"},
        "ollama": {"msg": "the shipper's", "err": "forged"},
        "agent": {"version": "1"},
        "tags": "edge",
    }
    line = "level=ERROR source=a.go:1 msg=x error=y"
    (got,) = run(engine, [own | {"message": f"Feb 26 10:05:31 other ollama[1]: {line}"}])
    assert got == own | {
        "message": "x",
        "log": {
            "file": {"path": "/var/log/ollama.log"},
            "offset": 12,
            "level": "ERROR",
            "origin": {"file": {"name": "a.go", "line": 1}},
        },
        "event": {"module": "x", "original": line, "dataset": "ollama.server"},
        "error": {"code": "7", "message": "y"},
        "ollama": {"level": "ERROR", "line": "record", "error_line": line, "source": "a.go:1", "msg": "x"},
    }


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ({"message": 5}, "5"),
        ({"message": "x", "host": "text", "log": "text", "error": 1, "source": "/var/log"}, "x"),
        ({"message": "ollama-1  | x", "event": {"original": ""}}, "x"),
        ({"message": "y", "event": {"original": "ollama-1  | x"}}, "y"),
        ({"event.original": "ollama-1  | x", "host.name": "h"}, "x"),
        ({"event": {"original": 5}}, "5"),
        (
            {"message": "y", "event": {"original": "level=ERROR z", "dataset": "ollama.server"}, "ollama": {"line": "record"}},
            "level=ERROR z",
        ),
        ({"message": "x", "_ollama": {"host": "forged"}, "tags": {"a": 1}}, "x"),
    ],
)
def test_documents_of_other_shapes(engine: Engine, pipeline: str, document: dict[str, Any], line: str) -> None:
    (got,) = run(engine, [document])
    assert (got["event"]["original"], got["message"], got["event"]["dataset"]) == (line, line, "ollama.server")
    assert "ollama_parse_failure" not in got.get("tags", [])
    assert not {"_ollama", "event.original", "host.name"} & set(got)
    assert got["host"]["name"] == {"text": "text"}.get(document.get("host", ""), document.get("host.name", "unknown"))


def test_a_line_without_any_time_is_of_now(engine: Engine, pipeline: str) -> None:
    (result,) = engine.simulate(pipeline, [{"message": "panic: x"}])
    assert result["doc"]["_source"]["@timestamp"][:19] == result["doc"]["_ingest"]["timestamp"][:19]


GIN = '[GIN] 2025/11/06 - 06:23:22 | 200 | 1s | ::1 | GET      "/bob@example.com?api_key=s3cret&x=1"'


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"message": None},
        {"host": {"name": "h"}, "tags": ["edge"]},
        {"kubernetes": {"pod": {"name": "ollama-0"}}, "event": {"original": None}, "@timestamp": "2026-11-24T09:00:00.000Z"},
    ],
)
def test_a_document_without_a_line_is_kept_and_says_so(engine: Engine, pipeline: str, document: dict[str, Any]) -> None:
    (got,) = run(engine, [document])
    assert (got["event"]["original"], got["message"], got["event"]["dataset"]) == ("", "", "ollama.server")
    assert got["host"]["name"] == document.get("host", {}).get("name", "unknown")
    assert got["tags"][-1] == "ollama_parse_failure"
    assert got["ollama"]["parse_error"].startswith("there is no line: message, log")
    assert got["@timestamp"]
    assert "_ollama" not in got
    (again,) = run(engine, [got])
    assert again["tags"] == got["tags"]
    assert "line" not in got["ollama"]
    # As `status` says how to send it again: there still is no line.
    (mended,) = run(engine, [got | {"tags": got["tags"][:-1]}])
    assert mended["tags"] == got["tags"]


@pytest.mark.parametrize(
    "document",
    [
        {"message": GIN, "http": {"request": "text"}, "error": "bob@example.com", "source": "bearer s3cret"},
        {"MESSAGE": "x", "Body": "bob@example.com", "_raw": "bearer s3cret", "@message": "Authorization: Basic s3cret"},
        {"level": "ERROR", "msg": "mail bob@example.com", "error": "Authorization: Bearer s3cret"},
        {"log": "x", "level": "ERROR", "msg": "mail bob@example.com", "error": "Authorization: Bearer s3cret"},
        {"message": ["bob@example.com", "bearer s3cret"]},
        {"message": {"a": "bob@example.com bearer s3cret"}},
        {"message": "bob@example.com", "event": {"original": "bearer s3cret"}},
        {"message": "bob@example.com", "event": [{"original": "bearer s3cret"}]},
        {"message": "bob@example.com", "event": "bearer s3cret", "ollama": "bearer s3cret"},
        {"message": '{"log":"bob@example.com bearer s3cret","stream":"x"'},
        {"message": r'{"log":"bob@example.com bearer s3cret"}'},
    ],
)
def test_nothing_is_stored_unredacted(engine: Engine, pipeline: str, document: dict[str, Any]) -> None:
    stored = json.dumps(run(engine, [document]))
    assert "s3cret" not in stored
    assert "bob@" not in stored


def test_the_corpus_reaches_every_processor(engine: Engine, pipeline: str, index: str) -> None:
    odd: list[dict[str, Any]] = [{"message": 5}, {"message": "no time"}, {"message": "x" * (LONG + 1)}]
    for document in [case.shipped for case in CASES] + odd:
        engine.request("POST", f"/{index}/_doc", document, {"pipeline": pipeline})
    reached = {
        # One that has a list of what follows its failure is told by the tags of them all.
        name.rpartition(":")[2].removeprefix("CompoundProcessor-")
        for node in engine.request("GET", "/_nodes/stats/ingest")["nodes"].values()
        for processor in node["ingest"]["pipelines"][pipeline]["processors"]
        for name, stats in processor.items()
        if stats["stats"]["count"]
    }
    tags = [next(iter(entry.values()))["tag"] for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))["processors"]]
    assert [tag for tag in tags if not any(name == tag or name.startswith(f"{tag}-") for name in reached)] == []
