"""A namespace to try faults on, and how they are entered in the table of them that ends a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import count
from pathlib import Path

import pytest

from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.names import Namespace
from integration.sandbox.local import Node
from tests.support.cli import Result, detect
from tests.support.faults.forker import Forker
from tests.support.faults.killer import Killer
from tests.support.faults.ledger import FAULT, Count, Entry
from tests.support.faults.proxy import Proxy
from tests.support.faults.site import Site, said, write_log
from tests.support.shipped import drop

_LINES = 1_000
_namespaces = count()

Tried = Callable[..., None]


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Enter a fault in the table, and see that nothing was lost or doubled."""

    def enter(on: str, fault: str, command: str, count: Count, *results: Result) -> None:
        entry = Entry(on, fault, command, said(*results), count)
        request.node.user_properties.append((FAULT, asdict(entry)))
        assert (count.lost, count.twice) == (0, 0), entry

    return enter


@pytest.fixture
def proxy(fragile: Node) -> Iterator[Proxy]:
    started = Proxy(fragile.url)
    yield started
    started.close()


@pytest.fixture
def site(fragile: Node, tmp_path: Path) -> Iterator[Site]:
    """A namespace on a node that may be harmed; commands go straight to it."""
    assert detect("install", "--url", fragile.url).code == 0
    with connect(Connection(fragile.url)) as engine:
        made = Site(fragile.url, engine, Namespace(f"faults{next(_namespaces)}"), write_log(tmp_path / "server.log", _LINES))
        yield made
        for command in made.commands:
            command.kill()
        drop(engine, made.namespace.events)
        engine.delete_index(made.namespace.risk)


@pytest.fixture
def behind(site: Site, proxy: Proxy) -> Site:
    """The same; commands go through the proxy."""
    site.url = proxy.url
    return site


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    with Forker() as started:
        yield started


@pytest.fixture
def killer(behind: Site, proxy: Proxy, forker: Forker, tried: Tried) -> Killer:
    return Killer(behind, proxy, forker, tried)
