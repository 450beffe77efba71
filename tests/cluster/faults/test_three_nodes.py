"""One and two of three nodes break, in mid-ingest, and heal."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.names import Namespace
from integration.sandbox.local import Node, NodeOptions, running_node
from integration.sandbox.local.ports import LOOPBACK, free_port
from tests.cluster.faults.conftest import Tried
from tests.support.cli import Result, detect
from tests.support.fake_cluster import Answer, Request
from tests.support.faults.ledger import Count
from tests.support.faults.proxy import Handle, Meeting, Proxy, bulks, searches
from tests.support.faults.site import Command, Site, write_log
from tests.support.servers import Server, on_opensearch
from tests.support.waiting import until

pytestmark = pytest.mark.enough_on("opensearch")
NODES = ("one", "two", "three")
DISCOVERY = {
    "opensearch": {"discovery.type": "zen", "cluster.initial_cluster_manager_nodes": list(NODES)},
    "elasticsearch": {"discovery.type": "multi-node", "cluster.initial_master_nodes": list(NODES)},
}
_LINES = 2_000
_SECONDS_TO_PROMOTE = 30.0


def green(engine: Engine) -> bool:
    health = engine.request("GET", "/_cluster/health")
    return (health["status"], health["number_of_nodes"]) == ("green", len(NODES))


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[dict[str, Node]]:
    ports = {name: free_port() for name in NODES}
    common = {
        "cluster.name": "detect-three",
        "discovery.seed_hosts": [f"{LOOPBACK}:{port}" for port in ports.values()],
        **DISCOVERY[server.engine],
    }
    own = [{"node.name": name, "transport.port": port} for name, port in ports.items()]
    blocks = [running_node(server.engine, server.version, options=NodeOptions(settings=common | each)) for each in own]
    with ExitStack() as stack, ThreadPoolExecutor(len(NODES)) as pool:
        # Together: none of them is ready before there are two.
        nodes = []
        for block, starting in [(block, pool.submit(block.__enter__)) for block in blocks]:
            nodes.append(starting.result())
            stack.push(block.__exit__)
        assert detect("install", "--url", nodes[0].url).code == 0
        yield dict(zip(NODES, nodes, strict=True))


def soon(request: Request, handle: Handle) -> Answer:
    """Let the cluster give up waiting for a manager or a shard after a second, not half a minute or a whole one."""
    waits = {"_bulk": "timeout", "_settings": "master_timeout", "_ingest": "master_timeout", "_index_template": "master_timeout"}
    wait = next((name for part, name in waits.items() if f"/{part}" in request.path), None)
    return handle(replace(request, query=request.query | {wait: "1s"}) if wait else request)


@pytest.fixture
def first(cluster: dict[str, Node]) -> Iterator[Proxy]:
    """The way to the node that goes first."""
    proxy = Proxy(cluster["one"].url)
    yield proxy
    proxy.close()


@pytest.fixture
def last(cluster: dict[str, Node]) -> Iterator[Proxy]:
    """The way to the node that stays."""
    proxy = Proxy(cluster["three"].url)
    proxy.fault = soon
    yield proxy
    proxy.close()


@contextmanager
def begun(
    last: Proxy, folder: Path, namespace: str, where: str, copy: str | None = None, through: str | None = None
) -> Iterator[tuple[Site, Command]]:
    """An `ingest` in the midst of its work, through another address if one is given.

    The primary shard is on the node `where`, and a copy on `copy`.
    """
    with connect(Connection(last.url)) as engine:
        site = Site(last.url, engine, Namespace(namespace), write_log(folder / f"{namespace}.log", _LINES))
        command = site.start_feeding("--url", through or last.url)
        try:
            command.feed(site.halves[0])
            until(lambda: engine.exists(site.namespace.events) and site.stored().total() >= _LINES // 4, "the first lines")
            place(site, 0, where)
            if copy is not None:
                place(site, 1, f"{where},{copy}")
            yield site, command
        finally:
            command.kill()


def place(site: Site, replicas: int, nodes: str) -> None:
    settings = {"auto_expand_replicas": False, "number_of_replicas": replicas, "routing.allocation.include._name": nodes}
    site.engine.request("PUT", f"/{site.namespace.events}/_settings", {"index": settings})

    def placed() -> bool:
        health = site.engine.request("GET", f"/_cluster/health/{site.namespace.events}")
        return bool(health["status"] == "green" and not health["relocating_shards"])

    until(placed, f"a shard on {nodes}")


def test_one_of_three_nodes(cluster: dict[str, Node], first: Proxy, last: Proxy, tmp_path: Path, tried: Tried) -> None:
    with (
        begun(last, tmp_path, "copied", "one", "three") as copied,
        begun(last, tmp_path, "alone", "one", through=cluster["one"].url) as alone,
    ):
        on = f"{alone[0].engine.name}, three nodes"
        missing = killed_in_mid_run(cluster["one"], first, *alone)
        a_copy_takes_over(*copied, on, tried)
        cluster["one"].start()
        all_is_well(*alone, on, "the node it talks to, alone with the shard, killed, then back", missing, tried)
        until(lambda: green(alone[0].engine), "a green cluster")
        healed = copied[0].detect("validate", "--url", cluster["one"].url)
        assert healed.code == 0, healed
        tried(on, "the node is back, all green", "validate", copied[0].line_count(), healed)


@on_opensearch  # Elasticsearch needs no manager for an install that changes nothing.
def test_two_of_three_nodes(cluster: dict[str, Node], last: Proxy, tmp_path: Path, tried: Tried) -> None:
    with begun(last, tmp_path, "most", "two", "three") as most:
        on = f"{most[0].engine.name}, three nodes"
        cluster["one"].kill()
        refused = without_a_manager(cluster["two"], last, *most)
        with ThreadPoolExecutor(2) as pool:
            for started in [pool.submit(cluster[name].start) for name in ("one", "two")]:
                started.result()
        help_up(cluster["three"], most[1])
        all_is_well(*most, on, "two of three nodes killed (no cluster manager), then back", refused["run"], tried)
        installed = most[0].detect("install")
        assert installed.code == 0, installed
        differing = sum(each["state"] != "same" for each in most[0].detect("diff", "--format", "json").json["objects"])
        tried(on, "two of three nodes away", "install", Count(6, differing, 0, "objects"), refused["install"], installed)


def killed_in_mid_run(node: Node, way: Proxy, site: Site, command: Command) -> Result:
    """Kill the node that has the shard while it is asked; nothing is said without the shard, by whichever node is left."""

    def gone(request: Request, handle: Handle) -> Answer:
        node.kill()
        return handle(request)

    way.fault = Meeting(gone, searches, {0}.__contains__)
    in_the_midst = site.detect("run", "--url", way.url)
    assert (in_the_midst.code, in_the_midst.out) == (3, ""), in_the_midst
    command.feed(site.halves[1])
    until(lambda: "refuses connections" in command.err.read_text(), "the word of the outage")
    for verb in ("run", "validate", "status"):
        failed = site.detect(verb)
        assert (failed.code, failed.out) == (3, ""), failed
    return in_the_midst


def a_copy_takes_over(site: Site, command: Command, on: str, tried: Tried) -> None:
    command.feed(site.halves[1])
    result = command.end()
    assert result.code == 0, result
    ran, proved = site.detect("run"), site.detect("validate")
    assert (ran.code, proved.code) == (0, 0), (ran, proved)
    tried(on, "one of three nodes killed", "ingest", site.line_count(), result)
    tried(on, "one of three nodes away", "run --write", site.risk_count(), ran)


def without_a_manager(second: Node, last: Proxy, site: Site, command: Command) -> dict[str, Result]:
    """Kill the node with the primary shard while a request to it is on its way; the last one can elect nobody."""

    def gone(request: Request, handle: Handle) -> Answer:
        second.kill()
        return soon(request, handle)

    once = Meeting(gone, bulks, {0}.__contains__)
    last.fault = lambda request, handle: once(request, lambda passed: soon(passed, handle))
    command.feed(site.halves[1])
    until(lambda: "no elected cluster manager" in command.err.read_text(), "the word of it")
    refused = {verb: site.detect(verb) for verb in ("install", "status", "ingest", "run")}
    for verb in ("install", "status", "ingest"):
        assert (refused[verb].code, refused[verb].out) == (3, ""), refused[verb]
        assert "Bring them back, and run the same command again" in refused[verb].err
    # It found the events, in the copy, and could not write.
    assert refused["run"].code == 4, refused["run"]
    assert "Running the same command again writes the rest" in refused["run"].err
    return refused


def help_up(node: Node, command: Command) -> None:
    """Restart the node with the promoted copy where OpenSearch never lets it be written to, as an operator would have to."""
    try:
        command.end(_SECONDS_TO_PROMOTE)
    except subprocess.TimeoutExpired:
        causes = [line for line in command.err.read_text().splitlines() if not line.startswith("still so")]
        assert "shard is not in primary mode" in causes[-1]
        node.stop()
        node.start()


def all_is_well(site: Site, command: Command, on: str, fault: str, failed: Result, tried: Tried) -> None:
    result = command.end()
    assert result.code == 0, result.err
    ran, proved = site.detect("run"), site.detect("validate")
    assert (ran.code, proved.code) == (0, 0), (ran, proved)
    tried(on, fault, "ingest", site.line_count(), result)
    tried(on, fault, "run --write", site.risk_count(), failed, ran)
