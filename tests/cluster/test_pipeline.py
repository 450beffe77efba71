"""The ingest pipeline on a real node, held to its Python twin field for field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.folders import asset_folder
from integration.engines.base import Engine
from integration.events import parse
from tests.pipeline.corpus import SHIPPED_AT, cases, shipped
from tests.pipeline.lines import WORST, lines

PIPELINE = "tested-ollama.server"
INDEX = "tested-pipeline"
CASES = cases()


@pytest.fixture(scope="module")
def pipeline(engine: Engine) -> Iterator[str]:
    body = (asset_folder("ingest_pipelines") / "ollama.server.yml").read_text(encoding="utf-8")
    engine.put_pipeline(PIPELINE, yaml.safe_load(body))
    yield PIPELINE
    engine.delete_pipeline(PIPELINE)


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


def test_corpus_simulated(engine: Engine, pipeline: str) -> None:
    got = run(engine, [case.shipped for case in CASES])
    assert {c.name: document for c, document in zip(CASES, got, strict=True)} == {c.name: c.document for c in CASES}


def test_corpus_indexed(engine: Engine, pipeline: str, index: str) -> None:
    for number, case in enumerate(CASES):
        engine.request("PUT", f"/{index}/_doc/{number}", case.shipped, {"pipeline": pipeline})
    got = {case.name: engine.request("GET", f"/{index}/_doc/{n}")["_source"] for n, case in enumerate(CASES)}
    assert got == {case.name: case.document for case in CASES}


def test_a_second_pass_changes_nothing(engine: Engine, pipeline: str) -> None:
    documents = [case.document for case in CASES]
    assert run(engine, documents) == documents


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(lines, min_size=30, max_size=60))
def test_any_line_gives_the_twins_document(engine: Engine, pipeline: str, batch: list[str]) -> None:
    got = run(engine, [shipped(line, "h") for line in batch])
    assert got == [twin(line, "h") for line in batch]
    again = run(engine, got)
    assert again == got


@pytest.mark.parametrize("shape", WORST)
def test_a_mebibyte_of_the_worst(engine: Engine, pipeline: str, shape: str) -> None:
    line = WORST[shape]
    got = run(engine, [shipped(line, "h")])
    assert got == [twin(line, "h")]
