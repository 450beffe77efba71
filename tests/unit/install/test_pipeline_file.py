"""What can be told of the pipeline file without a node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from integration.folders import asset_folder

TEXT = (asset_folder("ingest_pipelines") / "ollama.server.yml").read_text(encoding="utf-8")
BODY: dict[str, Any] = yaml.safe_load(TEXT)


def processors(listed: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in listed:
        ((kind, options),) = entry.items()
        yield kind, options
        yield from processors(options.get("on_failure", []))


ALL = [*processors(BODY["processors"]), *processors(BODY["on_failure"])]


def test_curl_can_put_it() -> None:
    assert TEXT.startswith("---\n")  # by which the engines know YAML


def test_every_processor_says_what_it_does() -> None:
    tags = [options["tag"] for _, options in ALL]
    assert len(set(tags)) == len(tags)
    assert [options["tag"] for _, options in ALL if not options.get("description")] == []


def test_nothing_that_only_some_clusters_have() -> None:
    assert "{{" not in str(BODY)
    assert [options["tag"] for _, options in ALL if "copy_from" in options] == []
    scripts = [options["source"] for kind, options in ALL if kind == "script"] + [
        options["if"] for _, options in ALL if "if" in options
    ]
    for script in scripts:
        assert "grok(" not in script
        assert "=~" not in script
        assert "==~" not in script


def test_redaction_on_failure_is_the_redaction() -> None:
    def redactions(listed: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
        found = [options for kind, options in processors(listed) if kind == "gsub" and "redact" in options["tag"]]
        return [(options["field"], options["pattern"], options["replacement"]) for options in found]

    assert len(redactions(BODY["processors"])) == 2
    assert redactions(BODY["on_failure"]) == redactions(BODY["processors"])
