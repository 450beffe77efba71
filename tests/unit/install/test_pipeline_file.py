"""What can be told of the pipeline files without a node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from integration.commands.export import ENGINES
from integration.folders import asset_folder
from integration.install.shared_objects import shared_objects
from integration.install.streams import Streams, keeping
from integration.names import API, DATASETS, PROMPTS, SERVER, Dataset
from tests.support.builders import RULE

TEXTS = {each: (asset_folder("ingest_pipelines") / f"{each.pipeline}.yml").read_text(encoding="utf-8") for each in DATASETS}
BODIES: dict[Dataset, dict[str, Any]] = {dataset: yaml.safe_load(text) for dataset, text in TEXTS.items()}
of_each = pytest.mark.parametrize("dataset", DATASETS, ids=[each.name for each in DATASETS])


def processors(listed: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in listed:
        ((kind, options),) = entry.items()
        yield kind, options
        yield from processors(options.get("on_failure", []))


def every(dataset: Dataset) -> list[tuple[str, dict[str, Any]]]:
    body = BODIES[dataset]
    return [*processors(body["processors"]), *processors(body["on_failure"])]


def condition(options: dict[str, Any]) -> str:
    text: str = options["if"]["source"] if isinstance(options["if"], dict) else options["if"]
    return text


@of_each
def test_curl_can_put_it(dataset: Dataset) -> None:
    assert TEXTS[dataset].startswith("---\n")  # by which the engines know YAML


@of_each
def test_every_processor_says_what_it_does(dataset: Dataset) -> None:
    tags = [options["tag"] for _, options in every(dataset)]
    assert len(set(tags)) == len(tags)
    assert [options["tag"] for _, options in every(dataset) if not options.get("description")] == []


@of_each
def test_nothing_that_only_some_clusters_have(dataset: Dataset) -> None:
    assert "{{" not in str(BODIES[dataset])
    assert [options["tag"] for _, options in every(dataset) if "copy_from" in options] == []
    scripts = [options["source"] for kind, options in every(dataset) if kind == "script"]
    scripts += [condition(options) for _, options in every(dataset) if "if" in options]
    for script in scripts:
        assert "grok(" not in script
        assert "=~" not in script
        assert "==~" not in script


def test_redaction_on_failure_is_the_redaction() -> None:
    def redactions(listed: list[dict[str, Any]]) -> list[tuple[str, str]]:
        found = [options for kind, options in processors(listed) if kind == "gsub" and "redact" in options["tag"]]
        return [(options["pattern"], options["replacement"]) for options in found]

    server = BODIES[SERVER]
    assert len(redactions(server["processors"])) == 2
    assert redactions(server["on_failure"]) == redactions(server["processors"])


def test_opensearch_asks_first_what_the_script_asks() -> None:
    """It copies a document for each script. A condition of Elasticsearch sees wrappers, in which a text is dear to find."""
    (file,) = [options for _, options in every(SERVER) if options["tag"] == "shipper"]
    assert "if" not in file
    asked = {}
    for engine in ENGINES:
        (pipeline,) = [each for each in shared_objects([RULE], engine, Streams()) if each.name == SERVER.pipeline]
        script = pipeline.body["processors"][0]["script"]
        asked[engine] = script.pop("if", None)
        reserved = script["params"].pop("reserved")
        assert reserved == file["params"]["reserved"] + (["error_type"] if engine == "opensearch" else [])
        assert script == file | {"params": {name: table for name, table in file["params"].items() if name != "reserved"}}
    assert asked["elasticsearch"] is None
    functions = asked["opensearch"]["source"].rpartition("return ")[0]
    assert file["source"].startswith(functions)
    assert {"isOrdinary", "isBare", "isSecret"} <= set(re.findall(r"boolean (\w+)\(", functions))
    assert asked["opensearch"]["params"]["ordinary"] == file["params"]["ordinary"]


def test_prompts_are_not_kept_unless_asked_for() -> None:
    for dataset in (API, PROMPTS):
        for streams, keep in ((Streams(), False), (Streams(keep_prompts=True), dataset == PROMPTS)):
            (pipeline,) = [each for each in shared_objects([RULE], "opensearch", streams) if each.name == dataset.pipeline]
            assert keeping(pipeline.body)["keep"] is keep
