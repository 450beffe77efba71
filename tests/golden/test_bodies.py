"""Every body that is rendered is the one that was looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from integration.commands.export import ENGINES, exports
from integration.detection.columns import Rows
from integration.folders import asset_folder
from integration.install.deployment import Deployment
from integration.names import PIPELINE, SERVER, Namespace
from tests.golden.bodies import EVERY_KEY, kept, rendered
from tests.support.builders import RULE


def test_every_body_is_the_one_that_is_kept() -> None:
    before, now = kept(), rendered()
    differences = [
        "\n".join(unified_diff(before.get(path, "").splitlines(), now.get(path, "").splitlines(), path, path, lineterm=""))
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path)
    ]
    if differences:
        told = "\n\n".join(differences)
        pytest.fail(f"{told}\n\nIf this is what is meant: `make golden`, then look at the difference in git.", pytrace=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_pipeline_is_the_file_and_its_tag(engine: str) -> None:
    files, _ = exports([RULE], [engine], Deployment(Namespace("default")))
    body = json.loads(next(file.content for file in files if "/ingest_pipeline." in file.path))
    written = yaml.safe_load((asset_folder("ingest_pipelines") / f"{PIPELINE}.yml").read_text(encoding="utf-8"))
    assert body.pop("description").startswith(written.pop("description"))
    if engine == "elasticsearch":  # which takes a pipeline of the user's own, if there is one
        assert body["processors"].pop()["pipeline"]["name"] == SERVER.custom
    else:  # which asks first whether the script is needed, and takes no value for a classifier's field
        script = body["processors"][0]["script"]
        assert "isOrdinary" in script.pop("if")["source"]
        assert script["params"]["reserved"].pop() == RULE.classification.field
    assert body == {key: value for key, value in written.items() if key != "version" or engine == "opensearch"}


def stated(model: BaseModel) -> Iterator[tuple[type[BaseModel], str]]:
    """Each key that a part of a rule states, with the kind of part."""
    for key in model.model_fields_set:
        yield type(model), key
        value: Any = getattr(model, key)
        for part in value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else [value]:
            if isinstance(part, BaseModel):
                yield from stated(part)


def test_the_rule_of_every_key_states_every_key() -> None:
    found = set(stated(EVERY_KEY))
    assert {(kind, key) for kind, _ in found for key in kind.model_fields} - found == {(Rows, "table")}
