from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.engines import retry
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from tests.support.fake_cluster import ELASTICSEARCH, OPENSEARCH, FakeCluster


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry.RETRY, "sleep", lambda _: None)


@pytest.fixture(params=[OPENSEARCH, ELASTICSEARCH], ids=["opensearch", "elasticsearch"])
def cluster(request: pytest.FixtureRequest) -> Iterator[FakeCluster]:
    with FakeCluster(request.param) as fake:
        yield fake


@pytest.fixture
def engine(cluster: FakeCluster) -> Iterator[Engine]:
    with connect(Connection(cluster.url)) as connected:
        yield connected
