"""A node that is killed, stopped, hung and out of disk in mid-ingest and mid-run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from integration.engines.base import Engine
from integration.sandbox.local import Node
from tests.cluster.faults.conftest import Tried
from tests.support.fake_cluster import Answer, Request
from tests.support.faults.proxy import Handle, Meeting, Proxy, searches
from tests.support.faults.site import Command, Site
from tests.support.waiting import until

# To the command they are the same; OpenSearch nodes are killed among three.
_ENDS = {"opensearch": "stopped", "elasticsearch": "killed"}


def half_fed(site: Site) -> tuple[Command, bytes]:
    """An `ingest` that has stored a good part of the lines and waits for the others, which come too."""
    command = site.start_feeding()
    command.feed(site.halves[0])
    until(lambda: site.engine.exists(site.namespace.events) and site.stored().total() >= 300, "the first lines")
    return command, site.halves[1]


@pytest.mark.enough_on("elasticsearch")
def test_a_node_that_goes_and_comes_back_in_mid_ingest_and_mid_run(site: Site, fragile: Node, proxy: Proxy, tried: Tried) -> None:
    end = _ENDS[site.engine.name]
    command, rest = half_fed(site)

    def gone(request: Request, _handle: Handle) -> Answer:
        fragile.stop() if end == "stopped" else fragile.kill()
        return proxy.node(request)

    proxy.fault = Meeting(gone, searches, {0}.__contains__)
    in_the_midst = site.detect("run", "--url", proxy.url)
    assert (in_the_midst.code, in_the_midst.out) == (3, ""), in_the_midst
    command.feed(rest)
    until(lambda: "refuses connections" in command.err.read_text(), "the word of the outage")
    away = site.detect("validate")
    assert (away.code, away.out) == (3, "")
    assert "refuses connections: is the cluster running" in away.err
    fragile.start()
    result = command.end()
    assert result.code == 0, result
    tried(site.engine.name, f"node {end}, then started again", "ingest", site.line_count(), result)
    assert site.risk_count().lost == len(site.findings)
    ran, proved = site.detect("run"), site.detect("validate")
    assert (ran.code, proved.code) == (0, 0), proved
    tried(site.engine.name, f"node {end}, then started again", "run --write", site.risk_count(), in_the_midst, ran)


@pytest.mark.enough_on("opensearch")
def test_a_node_that_hangs(site: Site, fragile: Node, tried: Tried) -> None:
    command, rest = half_fed(site)
    assert fragile.process is not None
    os.killpg(fragile.process.pid, signal.SIGSTOP)
    os.waitpid(fragile.process.pid, os.WUNTRACED)  # until each of its threads has stopped: one more answer may come before
    try:
        command.feed(rest)
        for verb in ("run", "validate"):
            hung = site.detect(verb, "--timeout", "1")
            assert (hung.code, hung.out) == (3, "")
            assert "did not answer GET / in time" in hung.err
    finally:
        os.killpg(fragile.process.pid, signal.SIGCONT)
    result = command.end()
    assert result.code == 0, result
    tried(site.engine.name, "node hung (SIGSTOP) and went on", "ingest", site.line_count(), result)
    ran = site.detect("run")
    tried(site.engine.name, "node hung, then went on", "run --write", site.risk_count(), hung, ran)


@contextmanager
def full_disk(engine: Engine) -> Iterator[None]:
    """Let the node think that its disk is past the flood stage; no disk has that much room."""
    marks = {f"cluster.routing.allocation.disk.watermark.{name}": "900tb" for name in ("low", "high", "flood_stage")}
    settings: dict[str, object] = {"cluster.routing.allocation.disk.threshold_enabled": True, **marks}
    engine.request("PUT", "/_cluster/settings", {"persistent": settings})
    try:
        yield
    finally:
        engine.request("PUT", "/_cluster/settings", {"persistent": settings | dict.fromkeys(marks, "1b")})


def blocked(site: Site) -> bool:
    found = site.engine.request("GET", f"/{site.namespace.events}/_settings", params={"flat_settings": True})
    return any("index.blocks.read_only_allow_delete" in index["settings"] for index in found.values())


@pytest.mark.enough_on("elasticsearch")
def test_a_disk_past_the_flood_stage(site: Site, tried: Tried) -> None:
    first = site.start_feeding()
    first.feed(site.halves[0])
    assert first.end().code == 0
    with full_disk(site.engine):
        until(lambda: blocked(site), "the node's own block on the index")
        command = site.start_feeding("--patience", "1")
        command.feed(site.halves[0] + site.halves[1])
        refused = command.end()
        assert refused.code in (3, 4), refused
        assert "disks of the cluster are nearly full: make room there" in refused.err
    until(lambda: not blocked(site), "the end of the block")
    again = site.start_feeding()
    again.feed(site.halves[0] + site.halves[1])
    resumed = again.end()
    assert resumed.code == 0, resumed
    tried(site.engine.name, "disk past the flood stage, then room", "ingest", site.line_count(), refused, resumed)
