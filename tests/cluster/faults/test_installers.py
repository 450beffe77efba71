"""Two installers at once: the end is that of one, or the one that lost says so and the next installation repairs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from integration.detection.loading import load_rules
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.names import Namespace
from integration.sandbox.local import Node
from tests.cluster.faults.conftest import Tried
from tests.support.alerting_node import wipe
from tests.support.cli import Result, detect
from tests.support.fake_alerting import AlertingCluster
from tests.support.fake_cluster import Answer, Request
from tests.support.faults.ledger import Count
from tests.support.faults.proxy import Fault, Handle, Proxy
from tests.support.faults.site import Site
from tests.support.servers import on_opensearch

_SECONDS_FOR_THE_OTHER = 20.0


def together(method: str, path: str) -> Fault:
    """Let a request through once two of its kind are there, one whose fellow failed before it after a while, later ones at once."""
    barrier = threading.Barrier(2)
    met = threading.Semaphore(2)

    def fault(request: Request, handle: Handle) -> Answer:
        if request.method == method and path in request.path and met.acquire(blocking=False):
            with suppress(threading.BrokenBarrierError):
                barrier.wait(_SECONDS_FOR_THE_OTHER)
        return handle(request)

    return fault


def both(site: Site, *arguments: str) -> list[Result]:
    commands = [site.start("install", *arguments) for _ in range(2)]
    return [command.end() for command in commands]


def settled(results: list[Result]) -> bool:
    """Each is done, or says who was in the way and how to go on."""
    return all(result.code == 0 or (result.code == 4 and "`detect install` again" in result.err) for result in results)


def test_the_first_object(behind: Site, proxy: Proxy, tried: Tried) -> None:
    at_once(behind, proxy, tried, "/_ingest/pipeline/")


@pytest.mark.long
@pytest.mark.parametrize("path", ["/_index_template/logs", "/_index_template/detect-risk"])
def test_the_other_objects(behind: Site, proxy: Proxy, tried: Tried, path: str) -> None:
    at_once(behind, proxy, tried, path)


def at_once(behind: Site, proxy: Proxy, tried: Tried, path: str) -> None:
    assert detect("uninstall", "--url", behind.engine.url).code == 0
    proxy.fault = together("PUT", path)
    results = both(behind)
    assert settled(results), results
    differing = behind.detect("diff", "--format", "json").json
    states = [each["state"] for each in differing["objects"]]
    tried(
        behind.engine.name,
        f"two installers at once, at PUT {path}",
        "install",
        Count(len(states), sum(state != "same" for state in states), 0, "objects"),
        *results,
    )


@pytest.fixture
def alerting(fragile: Node, tmp_path: Path) -> Iterator[tuple[Site, AlertingCluster]]:
    cluster = AlertingCluster(fragile.url)
    try:
        with connect(Connection(cluster.url)) as engine:
            wipe(engine)
            site = Site(cluster.url, engine, Namespace("two"), tmp_path / "none.log")
            yield site, cluster
            for command in site.commands:
                command.kill()
            wipe(engine)
    finally:
        cluster.close()


@on_opensearch
@pytest.mark.parametrize("path", [pytest.param("/_data_stream/", marks=pytest.mark.long), "/_plugins/_alerting/monitors"])
@pytest.mark.parametrize("enabled", [False, True], ids=["disabled", "one with --enable"])
def test_monitors(alerting: tuple[Site, AlertingCluster], tried: Tried, path: str, enabled: bool) -> None:
    site, cluster = alerting
    method = "PUT" if "stream" in path else "POST"
    if method == "POST":
        # Over a data stream that has its shard: else the monitor that is tried first fails, and is not made.
        assert site.detect("install").code == 0
        cluster.monitors.clear()
    fault = together(method, path)

    def create_only(request: Request, handle: Handle) -> Answer:
        known = request.path.endswith(("_search", "_execute"))
        return handle(request) if known else fault(request, handle)

    cluster.fault = create_only
    commands = [site.start("install"), site.start("install", *(["--enable"] if enabled else []))]
    results = [command.end() for command in commands]
    assert settled(results), results
    cluster.fault = None
    again = site.detect("install", *(["--enable"] if enabled else []))
    assert again.code == 0, again
    assert site.detect("diff").code == 0
    monitors = list(cluster.monitors.values())
    wanted = len(load_rules())
    assert [monitor.body["enabled"] for monitor in monitors] == [enabled] * wanted
    count = Count(wanted, max(0, wanted - len(monitors)), max(0, len(monitors) - wanted), "monitors")
    tried("opensearch", f"two installers at once, at {method} {path}", "install", count, *results, again)
