"""`detect explain` beside a cluster: every step of the pipeline there, and a document that is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.names import PIPELINE, Namespace
from integration.sandbox.local import Node
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
    body = installed.get_pipeline(PIPELINE)
    assert body is not None
    processors = [each for each in body["processors"] if next(iter(each.values())).get("tag") not in ("redact-emails", "prefixes")]
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
    assert (answer.json["rules"][0]["label"], answer.json["event"]["host"]["name"]) == ("service_crash", "gpu-1")
    assert detect("explain", "--doc", "1", *options).json["rules"][0]["selected"] is False
    missing = detect("explain", "--doc", "2", *options)
    assert (missing.code, f"{NAMESPACE.events} holds no document 2" in missing.err) == (3, True)
