"""Rules of several folders as one desired set: what they share serves all, and what a smaller set leaves is said and pruned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.folders import asset_folder
from integration.names import EVENTS_TEMPLATE, PIPELINE, RISK_TEMPLATE
from integration.render.aggregation import DYNAMIC_FIELDS
from integration.render.templates import computed_fields
from integration.sandbox.local import Node
from tests.support.alerting_node import wipe
from tests.support.builders import RULE
from tests.support.cli import Result, detect
from tests.support.fake_alerting import AlertingCluster
from tests.support.servers import on_opensearch


@pytest.fixture
def own(tmp_path: Path) -> str:
    text = (asset_folder("rules") / f"{RULE.id}.yml").read_text(encoding="utf-8")
    text = text.replace(f"id: {RULE.id}\nversion: {RULE.version}", "id: own_rule\nversion: 7").replace(
        "field: error_type", "field: own_type"
    )
    (tmp_path / "rule.yml").write_text(text.replace('contains: "exit status"', 'contains: "signal"'), encoding="utf-8")
    return str(tmp_path)


def run(url: str, verb: str, *options: str) -> Result:
    return detect(verb, "--url", url, "--namespace", "ruleset", *options)


def served(engine: Engine) -> list[Any]:
    """The computed fields that the events template has, and the rules that each shared object names."""
    templates = [engine.get_template(name) or {} for name in (EVENTS_TEMPLATE, RISK_TEMPLATE)]
    computed = templates[0]["template"]["mappings"][DYNAMIC_FIELDS[engine.name]]
    pipeline = engine.get_pipeline(PIPELINE) or {}
    return [computed, *(template["_meta"]["rules"] for template in templates), pipeline["description"].rpartition(": ")[2]]


def wanted(engine: Engine, *rules: Rule) -> list[Any]:
    versions = {rule.id: rule.version for rule in rules}
    text = ", ".join(f"{rule_id} {version}" for rule_id, version in versions.items())
    return [computed_fields(rules, engine.name)[DYNAMIC_FIELDS[engine.name]], versions, versions, f"{text}]"]


def test_one_set_is_installed_and_a_smaller_one_takes_its_place(engine: Engine, own: str) -> None:
    both = load_rules([Path(own)])
    assert run(engine.url, "install", "--force", "--rules", own).code == 0
    assert served(engine) == wanted(engine, *both)
    assert run(engine.url, "diff", "--rules", own).code == 0
    dropping = run(engine.url, "diff")
    assert (dropping.code, "not in this set: own_rule. Was --rules" in dropping.err) == (1, True)
    assert "not in this set: own_rule. Was --rules" in run(engine.url, "install", "--dry-run").err
    assert "drops own_rule, which is not in this set" in run(engine.url, "doctor").out.replace("\n", " ")
    assert run(engine.url, "install").code == 0
    assert served(engine) == wanted(engine, *load_rules())
    assert run(engine.url, "diff").code == 0
    assert run(engine.url, "uninstall").code == 0
    assert engine.get_pipeline(PIPELINE) is None


@on_opensearch
def test_the_monitor_of_a_rule_that_is_no_more_is_left_until_it_is_pruned(node: Node, own: str) -> None:
    cluster = AlertingCluster(node.url)
    try:
        with connect(Connection(cluster.url)) as engine:
            wipe(engine)
            assert run(cluster.url, "install", "--rules", own).code == 0
            shipped = len(load_rules())
            assert len(cluster.monitors) == shipped + 1
            names = [monitor.body["name"] for monitor in cluster.monitors.values()]
            left = {"kind": "monitor", "name": next(name for name in names if names.count(name) > 1), "rule_id": "own_rule"}
            for verb, options, code in (("diff", (), 1), ("status", (), 0), ("install", ("--dry-run",), 0)):
                answer = run(cluster.url, verb, *options, "--format", "json")
                assert (answer.code, answer.json["leftovers"]) == (code, [left])
            answer = run(cluster.url, "install")
            assert "--prune deletes them" in answer.err
            assert len(cluster.monitors) == shipped + 1
            assert "remove" in run(cluster.url, "install", "--prune", "--dry-run").out
            pruned = run(cluster.url, "install", "--prune", "--format", "json").json["steps"]
            assert [step["action"] for step in pruned if step["kind"] == "monitor"] == ["unchanged"] * shipped + ["deleted"]
            assert len(cluster.monitors) == shipped
            assert run(cluster.url, "diff").code == 0
            assert run(cluster.url, "install", "--rules", own).code == 0
            assert run(cluster.url, "uninstall").code == 0
            assert cluster.monitors == {}
            wipe(engine)
    finally:
        cluster.close()
