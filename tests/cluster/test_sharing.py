"""Rules of two folders on one cluster: what they share serves both, and goes with the last of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.folders import asset_folder
from integration.names import EVENTS_TEMPLATE, PIPELINE, RISK_TEMPLATE
from integration.render.aggregation import DYNAMIC_FIELDS
from integration.render.templates import computed_fields
from tests.support.builders import RULE
from tests.support.cli import Result, detect


def folder_with(folder: Path, rule_id: str, field: str) -> str:
    folder.mkdir()
    text = (asset_folder("rules") / f"{RULE.id}.yml").read_text(encoding="utf-8")
    text = text.replace(f"id: {RULE.id}\nversion: 1", f"id: {rule_id}\nversion: 7").replace("field: error_type", f"field: {field}")
    text = text.replace('contains: "exit status"', 'contains: "signal"')
    (folder / "rule.yml").write_text(text, encoding="utf-8")
    return str(folder)


@pytest.fixture
def own(tmp_path: Path) -> str:
    return folder_with(tmp_path / "own", "own_rule", "own_type")


def fields(engine: Engine) -> dict[str, Any]:
    template = engine.get_template(EVENTS_TEMPLATE) or {}
    computed: dict[str, Any] = template["template"]["mappings"][DYNAMIC_FIELDS[engine.name]]
    return computed


def needed(engine: Engine, *rules: Rule) -> dict[str, Any]:
    return computed_fields(rules, engine.name)[DYNAMIC_FIELDS[engine.name]]  # type: ignore[no-any-return]


def served(engine: Engine) -> list[dict[str, int]]:
    templates = [engine.get_template(name) or {} for name in (EVENTS_TEMPLATE, RISK_TEMPLATE)]
    return [template["_meta"]["rules"] for template in templates]


def changed(answer: Result) -> list[dict[str, Any]]:
    """What `diff` says of all that differs but indices, which other tests may have left."""
    return [each for each in answer.json["objects"] if each["kind"] != "index" and each["state"] != "same"]


def test_rules_of_two_folders_share_and_part(engine: Engine, own: str, tmp_path: Path) -> None:
    def run(verb: str, *options: str) -> Result:
        return detect(verb, "--url", engine.url, "--namespace", "sharing", *options)

    (mine,) = load_rules(Path(own))
    run("uninstall")
    assert run("install", "--force").code == 0
    assert run("install", "--rules", own).code == 0
    both = {RULE.id: 1, "own_rule": 7}
    assert (fields(engine), served(engine)) == (needed(engine, RULE, mine), [both, both])
    pipeline: dict[str, Any] = engine.get_pipeline(PIPELINE) or {}
    assert pipeline["description"].endswith(f": {RULE.id} 1, own_rule 7]")
    for options in ((), ("--rules", own)):
        assert changed(run("diff", "--format", "json", *options)) == []
        assert {step["changed"] for step in run("install", "--format", "json", *options).json["steps"]} <= {False}

    refused = run("install", "--rules", folder_with(tmp_path / "third", "third_rule", "own_type"))
    assert (refused.code, "'own_type' is already the field of rule own_rule" in refused.err) == (2, True)
    refused = run("uninstall", "--rules", own, "--delete-data", "--yes")
    assert (refused.code, "nothing was changed" in refused.err) == (2, True)
    assert served(engine) == [both, both]

    parted = run("uninstall", "--format", "json")
    assert (parted.code, "own_rule" in parted.err) == (0, True)
    assert [step["action"] for step in parted.json["steps"]] == ["updated"] * 3
    assert (fields(engine), served(engine)) == (needed(engine, mine), [{"own_rule": 7}] * 2)
    assert changed(run("diff", "--format", "json", "--rules", own)) == []
    assert run("uninstall", "--rules", own).code == 0
    assert engine.get_pipeline(PIPELINE) is None
    assert (engine.get_template(EVENTS_TEMPLATE) or {}).get("_meta", {}).get("rules", {}) == {}
