"""What stops a user who may do everything: blocks and disks are named, and what is advised works as told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.commands.obstacles import blocks, full_disks
from integration.engines.base import Engine
from integration.errors import BlockedError
from integration.sandbox.local import Node
from tests.support.builders import error
from tests.support.cli import Result, detect
from tests.support.shipped import drop

STREAM = "logs-ollama.server-blocked"
_ADVICE = re.compile(r"PUT (/\S+) (\{.*\})")


@pytest.fixture
def log(node: Node, engine: Engine, tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "server.log"
    path.write_text(error("model") + "\n")
    run(node, "install")
    assert run(node, "ingest", str(path), "--host", "a").code == 0
    path.write_text(error("model", at="2026-11-24T09:00:01.000Z") + "\n")
    yield str(path)
    drop(engine, STREAM)


def run(node: Node, *arguments: str) -> Result:
    return detect(*arguments, "--url", node.url, "--namespace", "blocked")


def follow(engine: Engine, text: str) -> None:
    """Do what a message advises."""
    path, body = _ADVICE.findall(text)[0]
    engine.request("PUT", path, json.loads(body))


@pytest.mark.parametrize("setting", ["index.blocks.write", "index.blocks.read_only"])
def test_a_block_on_an_index_is_no_lacking_privilege(node: Node, engine: Engine, log: str, setting: str) -> None:
    engine.request("PUT", f"/{STREAM}/_settings", {setting: True})
    answer = run(node, "ingest", log, "--host", "a")
    assert (answer.code, "lacks the privilege" in answer.err, "this is a block, not a privilege" in answer.err) == (3, False, True)
    assert [block for block in blocks(engine, [STREAM]) if setting in block.text]
    doctor = run(node, "doctor", "--format", "json")
    (found,) = [check for check in doctor.json["checks"] if check["check"] == "blocks"]
    assert (doctor.code, found["verdict"]) == (1, "fail")
    follow(engine, found["mend"])
    assert list(blocks(engine, [STREAM])) == []
    assert run(node, "ingest", log, "--host", "a").code == 0


def test_a_block_on_the_cluster_is_lifted_as_told(node: Node, engine: Engine, log: str) -> None:
    engine.request("PUT", "/_cluster/settings", {"persistent": {"cluster.blocks.read_only": True}})
    try:
        answer = run(node, "ingest", log, "--host", "a")
        assert "this is a block, not a privilege" in answer.err
        with pytest.raises(BlockedError):
            engine.put_mapping(STREAM, {"properties": {"x": {"type": "keyword"}}})
        (found,) = blocks(engine, [STREAM])
        follow(engine, found.mend)
        assert list(blocks(engine, [STREAM])) == []
    finally:
        engine.request("PUT", "/_cluster/settings", {"persistent": {"cluster.blocks.read_only": None}})


def test_a_disk_beyond_a_watermark_is_named_with_its_stage(engine: Engine) -> None:
    prefix = "cluster.routing.allocation.disk.watermark"
    assert {disk.stage for disk in full_disks(engine)} <= {"low", "high", "flood stage"}
    marks: dict[str, object] = {f"{prefix}.low": "0%", f"{prefix}.high": "0%", f"{prefix}.flood_stage": "100%"}
    marks["cluster.routing.allocation.disk.threshold_enabled"] = True
    engine.request("PUT", "/_cluster/settings", {"persistent": marks})
    try:
        assert [disk.stage for disk in full_disks(engine)] == ["high"]
    finally:
        engine.request("PUT", "/_cluster/settings", {"persistent": dict.fromkeys(marks)})


@pytest.mark.usefixtures("log")
def test_a_host_pattern_of_the_filter_that_no_machine_matches_is_named(node: Node, tmp_path: Path) -> None:
    config = tmp_path / "detect.toml"
    config.write_text("[[filter]]\naction = 'exclude'\nhost = ['A', '?', 'db-*', 'x\\\\*', '[ab]*']\n")
    doctor = run(node, "doctor", "--config", str(config), "--format", "json")
    told = [check["detail"] for check in doctor.json["checks"] if check["check"] == "filter"]
    assert [detail.partition(";")[0] for detail in told] == [
        f"[[filter]] 1: no event in {STREAM} is of a host {glob!r}" for glob in ("db-*", "x\\\\*")
    ]
