"""Events of the API and prompts, in the documents that senders make of them, through their pipelines and into data streams."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from integration.engines.base import Engine
from integration.install.shared_objects import shared_objects
from integration.install.streams import Streams, streams_of
from integration.names import API, DATASETS, PROMPTS, Dataset, Namespace
from tests.cluster.test_ingest_on_nodes import FOREIGN
from tests.support.builders import RULE
from tests.support.cli import detect
from tests.support.installing import install_objects, install_shared

TIME = "2024-01-01T10:00:00.000Z"
TAGS = {"action": "tags", "host": "localhost", "models": ["llama3.1", "codellama"], "timestamp": "2024-01-01T10:00:00Z"}
PROMPT = {
    "model": "llama3.1",
    "prompt": "What is AI?",
    "response": "It is...",
    "duration_ms": 1500,
    "timestamp": "2024-01-01T10:00:00Z",
}
SECRETS = {"prompt": "mail ann@example.com, api_key=sk-1", "response": "Authorization: Bearer abc.def", "note": "bearer xyz"}
_names = count()


@pytest.fixture(scope="module", autouse=True)
def installed(engine: Engine) -> None:
    install_shared(engine, [RULE], force=True)


def through(engine: Engine, dataset: Dataset, *documents: dict[str, Any], keep: bool = False) -> list[dict[str, Any]]:
    """What the pipeline of a dataset makes of documents."""
    (pipeline,) = [
        each for each in shared_objects([RULE], engine.name, Streams(keep_prompts=keep)) if each.name == dataset.pipeline
    ]
    answers = engine.simulate({key: pipeline.body[key] for key in ("processors", "on_failure")}, documents)
    return [answer["doc"]["_source"] for answer in answers]


def enveloped(event: Any, **fields: Any) -> dict[str, Any]:
    return {"time": 1704103200.123, "host": "gpu-1", "source": "proxy", "sourcetype": "ollama:api", "event": event, **fields}


def test_the_events_of_the_add_on_become_ecs(engine: Engine) -> None:
    assert through(engine, API, TAGS) == [
        {
            "@timestamp": TIME,
            "event": {"action": "tags", "dataset": "ollama.api"},
            "host": {"name": "localhost"},
            "ollama": {"models": ["llama3.1", "codellama"]},
        }
    ]
    bare = {
        "@timestamp": TIME,
        "event": {"duration": 1_500_000_000, "dataset": "ollama.prompts"},
        "gen_ai": {"request": {"model": "llama3.1"}},
        "host": {"name": "gpu-1"},
    }
    prompt = PROMPT | {"host": "gpu-1"}
    assert through(engine, PROMPTS, prompt) == [bare]
    assert through(engine, PROMPTS, prompt, keep=True) == [bare | {"ollama": {"prompt": "What is AI?", "response": "It is..."}}]


def test_whatever_is_around_an_event_it_is_the_same(engine: Engine) -> None:
    text = json.dumps(TAGS)
    around = [
        enveloped(TAGS),
        enveloped(text),
        {"message": text, "host": {"name": "gpu-1"}, "@timestamp": "2026-01-01T00:00:00Z", "event": {"original": text}},
        {"log": text, "kubernetes": {"node_name": "gpu-1"}},
        {"message": json.dumps(enveloped(TAGS))},
        TAGS | {"host": {"name": "gpu-1"}, "event": {"dataset": "ollama.api", "ingested": TIME}, "data_stream": {"type": "logs"}},
    ]
    found = through(engine, API, *around)
    assert [(each["host"]["name"], each["event"]["action"], each["ollama"]) for each in found] == [
        ("gpu-1", "tags", {"models": TAGS["models"]})
    ] * len(around)
    assert {each["@timestamp"] for each in found} == {TIME}


def test_the_web_fields_and_those_of_the_model(engine: Engine) -> None:
    event = {
        "action": "chat",
        "method": "POST",
        "path": "/api/chat?token=1&api_key=sk-1",
        "status": "200",
        "client_ip": "192.0.2.7",
        "user": "ann",
        "http_user_agent": "curl/8",
        "bytes_in": 10,
        "bytes_out": 20,
        "total_duration": 5_043_500_667,
        "prompt_eval_count": 26,
        "eval_count": 259,
        "done_reason": "stop",
        "model": "m",
    }
    (found,) = through(engine, API, enveloped(event))
    assert found["http"] == {"request": {"method": "POST", "bytes": 10}, "response": {"status_code": 200, "bytes": 20}}
    assert found["url"] == {"path": "/api/chat", "query": "token=1&api_key=[REDACTED]"}
    assert (found["source"], found["user"], found["user_agent"]) == ({"ip": "192.0.2.7"}, {"name": "ann"}, {"original": "curl/8"})
    assert found["event"] == {"action": "chat", "dataset": "ollama.api", "duration": 5_043_500_667}
    assert found["gen_ai"] == {
        "operation": {"name": "chat"},
        "request": {"model": "m"},
        "response": {"finish_reasons": ["stop"]},
        "usage": {"input_tokens": 26, "output_tokens": 259},
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"timestamp": 1704103200}, TIME),
        ({"timestamp": "1704103200000"}, TIME),
        ({"timestamp": "2024-01-01 10:00:00"}, TIME),
        ({"timestamp": "2024-01-01T12:00:00.5+02:00"}, "2024-01-01T10:00:00.500Z"),
        ({"created_at": "2024-01-01T10:00:00.123456789Z"}, "2024-01-01T10:00:00.123Z"),
        ({}, "2024-01-01T10:00:00.123Z"),
    ],
)
def test_the_events_own_time_counts_then_its_envelopes(engine: Engine, given: dict[str, Any], expected: str) -> None:
    assert through(engine, API, enveloped({"action": "tags"} | given))[0]["@timestamp"] == expected


def test_a_time_that_cannot_be_read_is_told(engine: Engine) -> None:
    (found,) = through(engine, API, {"action": "tags", "host": "gpu-1", "timestamp": "2024-99-99T10:00:00Z"})
    assert (found["tags"], found["@timestamp"] > "2026") == (["ollama_time_failure"], True)


def test_nothing_of_a_prompt_is_stored_unless_asked_for(engine: Engine) -> None:
    for dataset in (API, PROMPTS):
        documents = [
            SECRETS,
            enveloped(SECRETS),
            {"message": json.dumps(SECRETS), "event": {"original": json.dumps(SECRETS)}, "_raw": json.dumps(SECRETS)},
            {
                "model": "m",
                "messages": [{"role": "user", "content": SECRETS["prompt"]}],
                "options": {"system": SECRETS["response"]},
            },
            {"message": f"not JSON: {SECRETS['prompt']}"},
            {"message": json.dumps(SECRETS)[:-1]},
            {"model": {"prompt": SECRETS["prompt"]}, "_ollama": {"keep": True}, "ollama": {"prompt": {"a": SECRETS["prompt"]}}},
        ]
        for found in through(engine, dataset, *documents):
            assert all(word not in json.dumps(found) for word in ("mail", "ann", "sk-1", "abc", "xyz", "not JSON")), found
    assert found["event"]["dataset"] == "ollama.prompts"
    assert through(engine, PROMPTS, SECRETS)[0]["ollama"] == {"dropped": ["note"]}


def test_what_is_kept_is_redacted(engine: Engine) -> None:
    (found,) = through(engine, PROMPTS, SECRETS | {"api_key": "sk-2", "headers": {"Authorization": "Basic Zm9v"}}, keep=True)
    assert found["ollama"] == {
        "prompt": "mail [REDACTED_EMAIL], api_key=[REDACTED]",
        "response": "Authorization=[REDACTED]",
        "shipped": ["api_key=[REDACTED]", "headers={Authorization=[REDACTED]", "note=bearer=[REDACTED]"],
    }


def test_what_comes_by_again_is_the_same(engine: Engine) -> None:
    documents = [
        TAGS,
        enveloped(SECRETS),
        PROMPT,
        {"message": "not JSON"},
        {"prompt": "x"},
        {"action": "chat", "eval_count": 7, "path": "/a?b"},
    ]
    for dataset in (API, PROMPTS):
        for keep in (False, True):
            once = through(engine, dataset, *documents, keep=keep)
            assert through(engine, dataset, *once, keep=keep) == once
            assert [each.get("tags", []).count("ollama_parse_failure") for each in once] == [0, 0, 0, 1, 0, 0]


def test_no_document_is_refused(engine: Engine) -> None:
    odd: list[dict[str, Any]] = [{"action": each} for each in (1, True, {"a": 1}, [[1], {"b": 2}], "", "x" * 40_000)]
    odd += [{"model": "m", "duration_ms": each, "status": each} for each in ("fast", -1, 1e300, [1], {"a": 1}, "NaN")]
    odd += [{"model": "m", "client_ip": "none", "timestamp": each} for each in ("never", [1], {"a": 1}, -5, True, "")]
    odd += [PROMPT | foreign for foreign in FOREIGN]
    for dataset in (API, PROMPTS):
        stream = f"{dataset.template}-json{next(_names)}"
        results = engine.bulk_create(stream, [(str(n), json.dumps(document)) for n, document in enumerate(odd)])
        assert [result.reason for result in results if not result.ok] == []
        engine.refresh(stream)
        assert engine.count(stream, {"term": {"event.dataset": dataset.name}}) == len(odd)
        assert engine.count(stream, {"term": {"ollama.parse_error": "event"}}) == 0


def test_prompts_are_kept_from_the_installation_that_asks_for_it_to_the_one_that_ends_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECT_URL", engine.url)
    try:
        for options, kept in ((("--keep-prompts",), True), ((), True), (("--no-keep-prompts",), False), ((), False)):
            assert detect("install", *options).code == 0
            told = detect("status", "--format", "json").json["keep_prompts"]
            assert (streams_of(engine).keep_prompts, told, detect("diff").code) == (kept, kept, 0)
    finally:
        install_objects(engine, shared_objects([RULE], engine.name), force=True)


def test_every_dataset_has_its_objects(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECT_URL", engine.url)
    namespace = Namespace(f"json{next(_names)}")
    for dataset in DATASETS:
        engine.request("PUT", f"/{namespace.stream(dataset)}/_create/0", {"@timestamp": TIME, "message": "x"})
    listed = {each["name"] for each in detect("status", "--format", "json").json["objects"]}
    assert {name for dataset in DATASETS for name in (dataset.pipeline, dataset.template, dataset.pattern)} <= listed


def test_what_went_past_the_pipeline_is_told_with_what_mends_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace = Namespace(f"json{next(_names)}")
    monkeypatch.setenv("DETECT_URL", engine.url)
    monkeypatch.setenv("DETECT_NAMESPACE", namespace.name)
    index = namespace.stream(PROMPTS)
    for number, pipeline in enumerate(("_none", PROMPTS.pipeline)):
        path = f"/{index}/_create/{number}"
        engine.request("PUT", path, PROMPT | {"@timestamp": TIME}, {"pipeline": pipeline, "refresh": True})
    answer = detect("status", "--format", "json")
    assert (answer.code, answer.json["json_events"]) == (1, [{"index": index, "count": 2, "past_pipeline": 1, "parse_failures": 0}])
    documents = [row["detail"] for row in detect("doctor", "--format", "json").json["checks"] if row["check"] == "documents"]
    assert any("1 document never went through the pipeline" in detail for detail in documents), documents
    request, body = answer.err.split(f"POST /{index}/", 1)[1].splitlines()[:2]
    engine.request(
        "POST", f"/{index}/{request.partition('?')[0]}", json.loads(body), {"pipeline": PROMPTS.pipeline, "refresh": True}
    )
    answer = detect("status", "--format", "json")
    assert (answer.code, answer.json["json_events"]) == (0, [{"index": index, "count": 2, "past_pipeline": 0, "parse_failures": 0}])
    stored = engine.search(index, {"query": {"match_all": {}}})["hits"]["hits"]
    assert "What is AI" not in json.dumps(stored)
    engine.request("PUT", f"/{index}/_create/2", {"message": "no JSON"}, {"pipeline": PROMPTS.pipeline, "refresh": True})
    answer = detect("status", "--format", "json")
    assert (answer.code, answer.json["json_events"][0]["parse_failures"]) == (1, 1)
    assert "has no field of such an event" in answer.err
