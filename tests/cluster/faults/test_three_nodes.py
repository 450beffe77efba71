"""One of three nodes breaks and heals, in mid-ingest, with a copy of its shards elsewhere and without."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration.engines.base import Engine
from integration.engines.connect import Connection, connect
from integration.local import Node, NodeOptions, running_node
from integration.local.ports import LOOPBACK, free_port
from integration.names import Namespace
from tests.cli import detect
from tests.cluster.faults.conftest import Tried
from tests.cluster.faults.site import Command, Site, write_log
from tests.cluster.servers import Server
from tests.support import until

on_opensearch = pytest.mark.parametrize("server", [Server("opensearch", None)], indirect=True, scope="session")
NODES = ("one", "two", "three")
ON = "opensearch, three nodes"
_LINES = 2_000


@dataclass(frozen=True)
class Cluster:
    """Three nodes by their names."""

    nodes: dict[str, Node]

    def holder(self, engine: Engine, index: str) -> str:
        """Name the node that has the primary shard of the newest index behind a name."""
        newest = engine.backing_indices(index)[-1]
        state = engine.request("GET", f"/_cluster/state/routing_table,nodes/{newest}")
        (copies,) = state["routing_table"]["indices"][newest]["shards"].values()
        (primary,) = (copy["node"] for copy in copies if copy["primary"])
        return str(state["nodes"][primary]["name"])

    def other(self, name: str) -> Node:
        return next(node for other, node in self.nodes.items() if other != name)


def green(engine: Engine) -> bool:
    health = engine.request("GET", "/_cluster/health")
    return (health["status"], health["number_of_nodes"]) == ("green", len(NODES))


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[Cluster]:
    ports = {name: free_port() for name in NODES}
    common = {
        "cluster.name": "detect-three",
        "discovery.type": "zen",
        "discovery.seed_hosts": [f"{LOOPBACK}:{port}" for port in ports.values()],
        "cluster.initial_cluster_manager_nodes": list(NODES),
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
        yield Cluster(dict(zip(NODES, nodes, strict=True)))


@contextmanager
def begun(cluster: Cluster, log: Path, namespace: str, replicas: int) -> Iterator[tuple[Site, Command, Node]]:
    """An `ingest` in the midst of its work, at another node than the one that has the primary shard, which is given too."""
    events = Namespace(namespace).events
    with connect(Connection(cluster.nodes["one"].url)) as engine:
        engine.request("PUT", f"/_data_stream/{events}")
        engine.request("PUT", f"/{events}/_settings", {"auto_expand_replicas": False, "number_of_replicas": replicas})
        until(lambda: green(engine), "a green cluster")
        holder = cluster.holder(engine, events)
    via = cluster.other(holder)
    with connect(Connection(via.url)) as engine:
        site = Site(via.url, engine, Namespace(namespace), write_log(log, _LINES))
        command = site.start_feeding()
        try:
            command.feed(site.halves[0])
            until(lambda: site.stored().total() >= _LINES // 4, "the first lines")
            yield site, command, cluster.nodes[holder]
        finally:
            command.kill()


@on_opensearch
def test_a_node_whose_shard_has_a_copy_elsewhere(cluster: Cluster, tmp_path: Path, tried: Tried) -> None:
    with begun(cluster, tmp_path / "server.log", "copied", replicas=1) as (site, command, lost):
        lost.kill()
        command.feed(site.halves[1])
        result = command.end()
        assert result.code == 0, result
        ran, proved = site.detect("run"), site.detect("validate")
        assert (ran.code, proved.code) == (0, 0), (ran, proved)
        tried(ON, "one node killed", "ingest", site.line_count(), result)
        tried(ON, "one node away", "run --write", site.risk_count(), ran)
        lost.start()
        until(lambda: green(site.engine), "a green cluster")
        site.url = lost.url
        healed = site.detect("validate")
        assert healed.code == 0, healed
        tried(ON, "the node is back, all green", "validate", site.line_count(), healed)


@on_opensearch
def test_a_node_that_alone_has_the_shard(cluster: Cluster, tmp_path: Path, tried: Tried) -> None:
    with begun(cluster, tmp_path / "server.log", "alone", replicas=0) as (site, command, lost):
        lost.kill()
        command.feed(site.halves[1])
        for verb in ("run", "validate", "status"):
            failed = site.detect(verb)
            assert (failed.code, failed.out) == (3, ""), failed
        lost.start()
        result = command.end()
        assert result.code == 0, result
        ran, proved = site.detect("run"), site.detect("validate")
        assert (ran.code, proved.code) == (0, 0), (ran, proved)
        tried(ON, "the only node with the shard killed, then back", "ingest", site.line_count(), result)
        tried(ON, "the only node with the shard killed, then back", "run --write", site.risk_count(), failed, ran)
