"""`detect explain` beside a cluster: every step of the pipeline there, and a document that is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.findings.finding import finding_id
from integration.names import PIPELINE, Namespace
from integration.sandbox.local import Node
from integration.times import parse_time
from tests.support.builders import RULE
from tests.support.cli import Result, detect
from tests.support.installing import install_shared
from tests.support.shipped import Shipped, drop, stored

NAMESPACE = Namespace("explain")
RECORD = 'time=2026-03-01T10:00:01.000Z level=ERROR source=server.go:316 msg="model exited" err="Bearer abc now, a@b.com"'
LINES = [
    RECORD,
    f"Mar 01 10:00:01 gpu-7 ollama[14]: {RECORD}",
    json.dumps({"log": f"stern gpu-7 {RECORD}\n", "stream": "stderr", "time": "2026-03-01T10:00:02Z"}),
    '[GIN] 2026/03/01 - 10:00:02 | 500 |  1.000000001s |  127.0.0.1 | POST     "/api/generate?key=1"',
    "panic: runtime error",
    '{"time":"2026-03-01T10:00:01Z","level":"ERROR","msg":"error loading model"}',
    f"{RECORD} {'x' * 250_000}",
]


@pytest.fixture(scope="module")
def installed(engine: Engine) -> Iterator[Engine]:
    install_shared(engine, load_rules())
    yield engine
    drop(engine, NAMESPACE.events)


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "server.log"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return str(path)


def differing(answer: Result) -> dict[str, str]:
    return {step["step"]: step["cluster"] for step in answer.json["steps"] if "cluster" in step}


@pytest.mark.parametrize("number", range(1, len(LINES) + 1))
def test_the_pipeline_agrees_in_every_step(installed: Engine, node: Node, log: str, number: int) -> None:
    answer = detect("explain", f"{log}:{number}", "--url", node.url, "--format", "json")
    assert (answer.code, answer.json["compared"], differing(answer)) == (0, True, {}), answer.err
    assert installed.name in {"opensearch", "elasticsearch"}


def test_a_step_of_a_changed_pipeline_is_marked(installed: Engine, node: Node, log: str) -> None:
    found = installed.get_pipeline(PIPELINE)
    assert found is not None
    body = {key: value for key, value in found.items() if "_date" not in key}  # which only the cluster writes
    processors = [each for each in body["processors"] if next(iter(each.values())).get("tag") != "carried"]
    try:
        installed.put_pipeline(PIPELINE, body | {"processors": processors})
        answer = detect("explain", f"{log}:2", "--url", node.url, "--format", "json")
        table = detect("explain", f"{log}:2", "--url", node.url)
    finally:
        installed.put_pipeline(PIPELINE, body)
    assert answer.code == 1
    assert {"redaction", "event.original", "ollama.err", "error.message"} <= differing(answer).keys()
    assert "The cluster DIFFERS where it is marked.\n" in table.out
    assert " DIFFERS  on the cluster: " in table.out


def test_a_document_that_is_stored(installed: Engine, node: Node) -> None:
    stored(installed, NAMESPACE, [Shipped(LINES[1], "gpu-1", 1_700_000_000_000), Shipped("panic: x", "gpu-1", 1_700_000_000_000)])
    options = ("--url", node.url, "--namespace", NAMESPACE.name, "--format", "json")
    answer = detect("explain", "--doc", "0", *options)
    assert (answer.code, answer.json["place"], differing(answer)) == (0, f"{NAMESPACE.events}, document 0", {}), answer.err
    assert (answer.json["rules"][-1]["label"], answer.json["event"]["host"]["name"]) == ("service_crash", "gpu-1")
    assert detect("explain", "--doc", "1", *options).json["rules"][-1]["selected"] is False
    missing = detect("explain", "--doc", "2", *options)
    assert (missing.code, f"{NAMESPACE.events} holds no document 2" in missing.err) == (3, True)


def test_the_lines_behind_a_finding_that_is_stored_or_not(installed: Engine, node: Node) -> None:
    namespace = Namespace("evidence")
    later = RECORD.replace("10:00:01", "10:30:00")
    lines = [Shipped(text, host, 1_700_000_000_000) for text in (later, "panic: x", RECORD) for host in ("gpu-1", "gpu-2")]
    stored(installed, namespace, lines)
    options = ("--url", node.url, "--namespace", namespace.name, "--format", "json")
    wanted = finding_id(RULE.id, "gpu-2", parse_time("2026-03-01T09:50:00Z"))
    try:
        searched = detect("explain", "--finding", wanted[:12], *options)
        assert detect("run", "--at", "2026-03-01T11:00:00Z", "--write", *options).code == 0
        read = detect("explain", "--finding", wanted[:12], *options)
        missing = detect("explain", "--finding", "f" * 32, *options)
    finally:
        drop(installed, namespace.events)
        installed.delete_index(namespace.risk)
    assert searched.json == read.json, searched.err
    assert (searched.json["finding"]["id"], searched.json["finding"]["host"], searched.json["finding"]["error_count"]) == (
        wanted,
        "gpu-2",
        2,
    )
    assert [(line["time"], line["place"], line["label"]) for line in searched.json["lines"]] == [
        ("2026-03-01T10:00:01.000Z", "document 5", "service_crash"),
        ("2026-03-01T10:30:00.000Z", "document 1", "service_crash"),
    ]
    assert (missing.code, "no finding has an id that begins with 'ffff" in missing.err) == (2, True)


def test_lines_of_one_time_are_shown_as_they_stand_in_their_file(installed: Engine, node: Node) -> None:
    namespace = Namespace("in_order")
    lines = [
        {"message": RECORD, "host": {"name": "gpu-1"}, "log": {"file": {"path": "/var/log/ollama.log"}, "offset": offset}}
        for offset in (900, 20, 100)
    ]
    sources = [(str(number), json.dumps(line)) for number, line in enumerate(lines)]
    assert all(item.ok for item in installed.bulk_create(namespace.events, sources))
    installed.refresh(namespace.events)
    wanted = finding_id(RULE.id, "gpu-1", parse_time("2026-03-01T09:50:00Z"))
    try:
        answer = detect("explain", "--finding", wanted, "--url", node.url, "--namespace", namespace.name, "--format", "json")
    finally:
        drop(installed, namespace.events)
    assert [line["place"].partition(", ")[2] for line in answer.json["lines"]] == ["byte 20", "byte 100", "byte 900"], answer.err
