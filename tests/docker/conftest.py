"""The cluster in a container that these tests share. `DETECT_TEST_IMAGE` names another image than the official one."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from tests.support.docker.cluster import Cluster, docker_client, image_name, running_cluster

_SHOWN_LOG_LINES = 60


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.docker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the container's log beside a failure."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("node")
    if report.failed and isinstance(cluster, Cluster):
        report.sections.append((f"log of {cluster.container.name}", cluster.log_tail(_SHOWN_LOG_LINES)))
    return report


@pytest.fixture(scope="session")
def client() -> Iterator[DockerClient]:
    with docker_client() as connected:
        yield connected


@pytest.fixture(scope="session")
def node(client: DockerClient) -> Iterator[Cluster]:
    with running_cluster(client, image_name()) as started:
        yield started


@pytest.fixture(scope="session")
def engine(node: Cluster) -> Iterator[Engine]:
    with connect(Connection(node.url)) as connected:
        yield connected
