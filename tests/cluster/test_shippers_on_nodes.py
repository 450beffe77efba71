"""Real shippers: from a file to a real node, by the configuration on their pages, however the node behaves meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import UnavailableError
from integration.log.redaction import redact
from integration.names import Namespace
from integration.sandbox.local import Node, running_node
from integration.sandbox.sample import Plan, Scenario, write_files
from integration.times import parse_time
from tests.support.builders import RULE
from tests.support.cli import detect
from tests.support.servers import Server
from tests.support.shippers import RSYSLOG, SYSLOG_NG, Shipper
from tests.support.waiting import until

pytestmark = pytest.mark.shippers
HOST = "gpu-01"
SPAN = ("--from", "2026-11-24", "--to", "2026-11-25")


@pytest.fixture
def empty(server: Server) -> Iterator[Node]:
    """A node that knows nothing of us yet."""
    with running_node(server.engine, server.version, report=print) as started:
        yield started


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    """The log of a machine under attack."""
    write_files(tmp_path, Plan(hosts=1, lines=300, scenarios=(Scenario.ATTACK,), start=parse_time("2026-11-24T06:00:00Z")))
    return (tmp_path / HOST / "server.log").read_text().splitlines()


def stored(engine: Engine, stream: str) -> Counter[str]:
    """The lines that are there; none while the shard of a new index is not up yet."""
    try:
        engine.refresh(stream)
        return Counter(hit["_source"]["event"]["original"] for hit in engine.scan(stream, {"_source": ["event.original"]}))
    except UnavailableError:
        return Counter()


def connections(engine: Engine) -> int:
    """How many connections its node has ever taken."""
    (node,) = engine.request("GET", "/_nodes/stats/http")["nodes"].values()
    taken: int = node["http"]["total_opened"]
    return taken


def append(log: Path, lines: list[str]) -> None:
    with log.open("a") as opened:
        opened.writelines(f"{line}\n" for line in lines)


@pytest.mark.parametrize("shipper", [RSYSLOG, SYSLOG_NG], ids=lambda shipper: shipper.name)
def test_no_line_is_lost_or_doubled(shipper: Shipper, empty: Node, lines: list[str], tmp_path: Path) -> None:
    namespace = Namespace("shipped")
    folder = tmp_path / "shipper"
    folder.mkdir()
    log = folder / "server.log"
    shipper.write_configuration(folder, empty.port, HOST, namespace.events)
    where = ("--url", empty.url, "--namespace", namespace.name)
    with connect(Connection(empty.url)) as engine:
        append(log, lines[:100])
        before = connections(engine)
        with shipper.running(folder):  # before there is a pipeline
            until(lambda: connections(engine) > before, "the shipper's first request")
            assert detect("install", "--url", empty.url, "--alerting", "none").code == 0
            until(lambda: stored(engine, namespace.events).total() == 100, "100 lines")
            empty.stop()
            append(log, lines[100:150])
        with shipper.running(folder):  # killed, and started again while the node is away
            append(log, lines[150:200])
            empty.start()
            engine.request("GET", f"/_cluster/health/{namespace.events}", params={"wait_for_status": "yellow"})
            append(log, lines[200:])
            until(lambda: stored(engine, namespace.events).total() >= len(lines), "every line")
        with shipper.running(folder):  # has nothing left to send
            append(log, [last := 'level=INFO msg="the end"'])
            until(lambda: stored(engine, namespace.events)[last] == 1, "the last line")
        assert stored(engine, namespace.events) == Counter(map(redact, [*lines, last]))
    # Lines without a time of their own have the shipper's on the cluster: Splunk's rule reads none of those.
    rule = ("--rule", RULE.id, "--format", "json")
    scanned = detect("scan", str(log), "--host", HOST, *rule)
    ran = detect("run", *SPAN, *rule, *where)
    assert (ran.json["findings"], ran.code) == (scanned.json["findings"], 0)
    assert ran.json["findings"]
    assert detect("validate", *SPAN, *where).code == 0
