"""The documents that the pages of docs/shipping show, through the pipeline and through its Python twin."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from integration.engines.base import Engine
from integration.folders import asset_folder
from integration.log.event import parse_document
from integration.times import parse_time
from tests.support.shipper_pages import EXAMPLES, LINE, Example

PIPELINE = "tested-shipper-pages"
NOW = parse_time("2026-11-28T10:15:06Z")


@pytest.fixture(scope="module")
def piped(engine: Engine) -> dict[str, dict[str, Any]]:
    """What each example becomes in the pipeline, by its name."""
    body = (asset_folder("ingest_pipelines") / "ollama.server.yml").read_text(encoding="utf-8")
    engine.put_pipeline(PIPELINE, yaml.safe_load(body))
    results = engine.simulate(PIPELINE, [example.document for example in EXAMPLES])
    engine.request("DELETE", f"/_ingest/pipeline/{PIPELINE}")
    return {example.name: result["doc"]["_source"] for example, result in zip(EXAMPLES, results, strict=True)}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_line_host_and_time_come_out(example: Example, piped: dict[str, dict[str, Any]]) -> None:
    twin: dict[str, Any] = parse_document(example.document, received_at=NOW).document()
    for event in (piped[example.name], twin):
        found = (event["event"]["original"], event["host"]["name"], event["@timestamp"])
        assert found == (LINE, example.host or "unknown", "2026-11-28T10:15:04.123Z")
        assert ("ollama_host_missing" in event.get("tags", [])) == (example.host is None)
