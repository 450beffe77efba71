from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from integration.cli.cluster import cluster
from integration.errors import InputError
from integration.sandbox.local import down, status
from integration.sandbox.local.ports import free_port
from tests.unit.sandbox.conftest import FakeServer


@pytest.fixture
def runner(fake: dict[str, FakeServer]) -> Iterator[CliRunner]:
    yield CliRunner()
    for record in status(None):
        down(record.name, delete_data=True, report=lambda _: None)


def detect(runner: CliRunner, *arguments: str) -> Result:
    return runner.invoke(cluster, arguments, catch_exceptions=False)


def test_a_node_is_started_shown_and_stopped(runner: CliRunner) -> None:
    started = detect(runner, "up", "--format", "json")
    shown = json.loads(started.stdout)
    assert (shown["name"], shown["engine"], shown["version"], shown["state"]) == (
        "detect-opensearch",
        "opensearch",
        "3.4.0",
        "running",
    )
    assert f"export DETECT_URL={shown['url']}" in started.stderr
    again = detect(runner, "up", "--format", "json")
    assert json.loads(again.stdout) == shown
    assert "detect-opensearch is running already." in again.stderr
    assert json.loads(detect(runner, "status", "--format", "json").stdout) == {"nodes": [shown]}

    stopped = detect(runner, "down", "--format", "json")
    assert json.loads(stopped.stdout) == shown | {"state": "stopped", "url": None, "pid": None}
    again = detect(runner, "down")
    assert "detect-opensearch was stopped already." in again.stderr
    assert "stopped" in again.stdout


def test_status_tells_of_a_stopped_node_and_of_none(runner: CliRunner) -> None:
    nothing = detect(runner, "status")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "No node was started here." in nothing.stderr
    detect(runner, "up", "--name", "n")
    assert "running" in detect(runner, "status").stdout
    detect(runner, "down", "--name", "n")
    after = detect(runner, "status", "--name", "n")
    assert (after.exit_code, "stopped" in after.stdout) == (0, True)
    assert "No node with the name x was started here." in detect(runner, "status", "--name", "x").stderr
    assert json.loads(detect(runner, "status", "--name", "x", "--format", "json").stdout) == {"nodes": []}


def test_options_reach_the_node(runner: CliRunner) -> None:
    port = free_port()
    options = ("--engine", "elasticsearch", "--name", "n", "--port", str(port), "--format", "json")
    shown = json.loads(detect(runner, "up", *options).stdout)
    assert (shown["engine"], shown["url"]) == ("elasticsearch", f"http://127.0.0.1:{port}")
    data = Path(shown["data"])
    assert data.exists()
    detect(runner, "down", "--name", "n", "--delete-data")
    assert not data.exists()


@pytest.mark.parametrize("arguments", [["up", "--engine", "solr"], ["up", "--port", "0"], ["up", "--port", "70000"], ["down", "x"]])
def test_bad_usage_ends_with_2(runner: CliRunner, arguments: list[str]) -> None:
    assert runner.invoke(cluster, arguments).exit_code == 2


def test_faults_are_left_to_the_command(runner: CliRunner) -> None:
    with pytest.raises(InputError, match="No node with the name detect-elasticsearch"):
        detect(runner, "down", "--engine", "elasticsearch")
