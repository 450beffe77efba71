"""Real nodes, started by the test run and stopped at its end.

`DETECT_TEST_ENGINES` says which, in a list such as `opensearch,elasticsearch:8.19.13`. By default `opensearch` and, where this
machine has the full JDK that it needs, `elasticsearch`; the first lines of the test run say which they are.
Every test that takes `node` or `engine` runs once on each of them.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.sandbox.local import Node, NodeOptions, running_node
from tests.support.secured import SecureNode, secure_node
from tests.support.servers import SERVERS, Server, is_repeated

_SHOWN_LOG_LINES = 60
# Last, since each later installation looks at every data stream, and the Elasticsearch of the tests cannot delete any.
_LEAVE_DATA_STREAMS = (
    "test_agreement.py",
    "test_filter_on_nodes.py",
    "test_fleet.py",
    "test_hostile_on_nodes.py",
    "test_pages_on_nodes.py",
    "test_validate_on_nodes.py",
)
# The hostile logs fill a small heap: the node then refuses requests until its collector has run, and the tests only wait.
_OPTIONS = NodeOptions(heap="2g")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            if isinstance(item, pytest.Function) and is_repeated(item):
                item.add_marker(pytest.mark.long)
    items.sort(key=lambda item: item.path.name in _LEAVE_DATA_STREAMS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the node's log beside a failure."""
    report = yield
    given = getattr(item, "funcargs", {})
    nodes = [given[name] for name in ("node", "fragile") if name in given]
    nodes += [given["secured"].node] if "secured" in given else []
    for node in nodes if report.failed else []:
        report.sections.append((f"log of {node.distribution.engine}", node.log_tail(_SHOWN_LOG_LINES)))
    return report


@pytest.fixture(scope="session", params=[Server.of(text) for text in SERVERS], ids=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    chosen: Server = request.param
    return chosen


@pytest.fixture(scope="session")
def node(server: Server) -> Iterator[Node]:
    with running_node(server.engine, server.version, options=_OPTIONS, report=lambda line: print(line, file=sys.stderr)) as started:  # noqa: T201
        yield started


@pytest.fixture(scope="session")
def fragile(server: Server) -> Iterator[Node]:
    """A node to harm: whoever stops it starts it again."""
    options = NodeOptions(settings={"cluster.info.update.interval": "10s"})
    with running_node(server.engine, server.version, options=options, report=lambda line: print(line, file=sys.stderr)) as started:  # noqa: T201
        yield started


@pytest.fixture(scope="session")
def engine(node: Node) -> Iterator[Engine]:
    with connect(Connection(node.url)) as connected:
        yield connected


@pytest.fixture(scope="session")
def secured(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureNode]:
    """A node with TLS that turns strangers away."""
    with secure_node(server.engine, server.version, tmp_path_factory.mktemp("secured")) as started:
        yield started
