"""What the package `local` promises, on real servers."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ClusterError
from integration.sandbox.local import Node, NodeError, NodeOptions, down, running_node, status
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import cache_folder
from integration.sandbox.local.process import start_of
from integration.sandbox.local.servers import distribution
from tests.support.secured import SecureNode
from tests.support.servers import Server

NAME = "detect-tested"


def call(url: str, method: str = "GET", body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=60) as answer:
        decoded: dict[str, Any] = json.load(answer)
    return decoded


def session(leader: int) -> list[int]:
    """The processes of a node: Elasticsearch has a launcher besides the server."""
    stats = {int(path.parent.name): path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat")}
    return [pid for pid, fields in stats.items() if int(fields[3]) == leader]


def listening(pids: list[int]) -> set[str]:
    """The addresses on which processes listen, in the hexadecimal of /proc/net."""
    inodes = set()
    for link in (link for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir()):
        with suppress(FileNotFoundError):  # the node opens and closes files all the time
            if found := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())):
                inodes.add(found[1])
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {fields[1].partition(":")[0] for fields in lines if fields[3] == "0A" and fields[9] in inodes}


def gone(pid: int, start: float | None) -> bool:
    end = time.monotonic() + 60
    while start_of(pid) == start:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that the node's user can reach: pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="detect-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def states(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own; whatever is started there is stopped."""
    monkeypatch.setenv("DETECT_STATE_DIR", str(reachable / "state"))
    yield reachable / "state"
    for record in status(None):
        down(record.name, delete_data=True, report=print)


def detect(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from integration.cli import main; main()", "cluster", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_node_is_the_server_that_was_asked_for(node: Node) -> None:
    version = call(node.url)["version"]
    assert version["number"] == node.distribution.version
    assert version.get("distribution", "elasticsearch") == node.distribution.engine


def test_no_process_of_the_node_is_root(node: Node) -> None:
    assert node.process is not None
    pids = session(node.process.pid)
    assert pids
    assert all(Path(f"/proc/{pid}").stat().st_uid != 0 for pid in pids)


def test_the_node_listens_on_the_loopback_address_only(node: Node) -> None:
    assert node.process is not None
    ipv4, mapped = "0100007F", "0000000000000000FFFF00000100007F"
    found = listening(session(node.process.pid))
    assert found
    assert found <= {ipv4, mapped}


def test_scripts_pipelines_and_aggregations_are_there(node: Node) -> None:
    """A home that was put together by hand may lack a module."""
    pipeline = {
        "processors": [
            {"grok": {"field": "message", "patterns": ["level=%{WORD:level}"]}},
            {"gsub": {"field": "level", "pattern": "ERR", "replacement": "err"}},
            {"script": {"source": "ctx.seen = true"}},
            {"date": {"field": "t", "formats": ["ISO8601"]}},
        ]
    }
    documents = [{"_source": {"message": "level=ERROR", "t": "2026-11-24T08:50:00.123Z"}}]
    answer = call(f"{node.url}/_ingest/pipeline/_simulate", "POST", {"pipeline": pipeline, "docs": documents})
    source = answer["docs"][0]["doc"]["_source"]
    assert (source["level"], source["seen"], source["@timestamp"]) == ("errOR", True, "2026-11-24T08:50:00.123Z")


def test_a_secured_node_asks_who_we_are(secured: SecureNode) -> None:
    url = secured.node.url
    assert url.startswith("https://")
    with pytest.raises(ClusterError, match="401"), connect(Connection(url, ca_certs=secured.ca_certs)):
        pass
    known = Connection(url, ca_certs=secured.ca_certs, username=secured.username, password=secured.password)
    with connect(known) as engine:
        assert engine.name == secured.node.distribution.engine


@pytest.mark.enough_on("opensearch")
def test_a_setting_that_does_not_exist_is_shown_with_the_log(server: Server) -> None:
    own = running_node(server.engine, server.version, options=NodeOptions(settings={"no.such.setting": 1}))
    with pytest.raises(NodeError, match=r"unknown setting \[no\.such\.setting\]"), own:
        pass


@pytest.mark.enough_on("opensearch")
def test_the_command_starts_shows_and_stops_a_node_that_crashes_meanwhile(states: Path, server: Server) -> None:
    version = ["--version", server.version] if server.version else []
    started = detect("up", "--engine", server.engine, *version, "--name", NAME, "--format", "json")
    assert started.returncode == 0, started.stderr
    shown = json.loads(started.stdout)
    assert shown["state"] == "running"
    assert shown["data"] == str(states / NAME / "data")
    assert call(shown["url"])["tagline"]

    again = detect("up", "--engine", server.engine, *version, "--name", NAME, "--format", "json")
    assert json.loads(again.stdout) == shown
    assert "is running already" in again.stderr
    assert json.loads(detect("status", "--format", "json").stdout) == {"nodes": [shown]}

    call(f"{shown['url']}/kept/_doc/1?refresh=true", "PUT", {"a": 1})
    start = start_of(shown["pid"])
    os.killpg(shown["pid"], signal.SIGKILL)  # as in a crash
    assert gone(shown["pid"], start)
    assert [record.running for record in status(NAME)] == [False]
    second = detect("up", "--engine", server.engine, *version, "--name", NAME, "--format", "json")
    assert "is running already" not in second.stderr
    shown = json.loads(second.stdout)
    assert shown["state"] == "running"
    assert call(f"{shown['url']}/kept/_doc/1")["_source"] == {"a": 1}

    start = start_of(shown["pid"])
    stopped = detect("down", "--name", NAME, "--format", "json")
    assert stopped.returncode == 0, stopped.stderr
    assert json.loads(stopped.stdout)["state"] == "stopped"
    assert gone(shown["pid"], start)
    if (asked := distribution(server.engine, server.version)).keeps_classes:
        assert (cache_folder(Account.for_node()) / "kept" / f"{asked.engine}-{asked.version}.jsa").stat().st_size > 1_000_000
    assert "stopped" in detect("status").stdout
    assert (states / NAME).exists()

    assert detect("down", "--name", NAME, "--delete-data").returncode == 0
    assert not (states / NAME).exists()
    assert "No node was started here" in detect("status").stderr
    assert detect("down", "--name", NAME).returncode == 2


@pytest.mark.enough_on("elasticsearch")  # which has a launcher besides the server
def test_a_temporary_node_does_not_outlive_its_interpreter(server: Server) -> None:
    script = (
        "import sys\n"
        "from integration.sandbox.local import running_node\n"
        f"block = running_node({server.engine!r}, {server.version!r})\n"
        "node = block.__enter__()\n"
        "print(node.process.pid, node.layout.folder, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        pid, folder = child.stdout.readline().split()
        start = start_of(int(pid))
        assert start is not None
        child.send_signal(signal.SIGINT)
        child.stdin.close()
        child.wait(120)
    assert gone(int(pid), start)
    assert not Path(folder).exists()
