"""`detect test` through a cluster: its pipeline and the rule there, in an index that is gone afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.commands.test import REFERENCE
from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.sandbox.local import Node
from tests.support.builders import RULE
from tests.support.cli import detect
from tests.support.installing import install_shared


@pytest.fixture(scope="module")
def installed(engine: Engine) -> Engine:
    install_shared(engine, load_rules())
    return engine


def test_the_shipped_cases_hold_on_the_cluster(installed: Engine, node: Node) -> None:
    answer = detect("test", "--url", node.url, "--format", "json")
    by = [case["by"] for case in answer.json["cases"]]
    assert ([case for case in answer.json["cases"] if case["faults"]], answer.code) == ([], 0), answer.err
    assert by == [REFERENCE, f"{installed.name} {installed.version_text}"] * (len(by) // 2)
    assert not installed.exists("detect-test-*")


def test_a_rule_is_tried_on_the_cluster_before_it_is_installed(installed: Engine, node: Node, tmp_path: Path) -> None:
    assert RULE.file is not None
    text = RULE.file.read_text(encoding="utf-8").replace(f"id: {RULE.id}", "id: mine", 1)
    changed = text.replace("field: error_type", "field: my_type", 1).replace("name: service_crash", "name: crash", 1)
    (tmp_path / "mine.yml").write_text(changed, encoding="utf-8")
    file = tmp_path / "tests" / "mine" / "cases.yml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "- name: labels\n  labels:\n  - {line: 'level=ERROR msg=exited', label: crash}\n  - {line: x, label: none}\n"
        "- name: finding\n  lines: ['level=ERROR msg=exited']\n  findings: [{host: gpu-1, severity: high}]\n",
        encoding="utf-8",
    )
    answer = detect("test", "--url", node.url, "--rules", str(tmp_path), "--rule", "mine")
    told = f"{file}:5: finding (mine, {{}})\n    finding of gpu-1: severity is medium, not high\n"
    assert answer.out == told.format(REFERENCE) + told.format(f"{installed.name} {installed.version_text}")
    assert (answer.code, answer.err) == (1, "2 passed, 2 failed: 6 lines.\n")
