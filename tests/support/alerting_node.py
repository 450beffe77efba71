"""Clusters with Alerting for tests: the stand-in before a node, or a real one that `DETECT_TEST_ALERTING_URL` names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.install.event_indices import EventIndices
from integration.install.objects import Connections
from integration.install.shared_objects import shared_objects
from integration.names import DATASETS, Namespace
from tests.support.fake_alerting import AlertingCluster

NAMESPACE = Namespace("alerting")


@contextmanager
def engine_with_alerting(node_url: str) -> Iterator[Engine]:
    """Connect to a cluster that has Alerting."""
    if real := os.environ.get("DETECT_TEST_ALERTING_URL"):
        with connect(Connection(real)) as engine:
            yield engine
        return
    cluster = AlertingCluster(node_url)
    try:
        with connect(Connection(cluster.url)) as engine:
            yield engine
    finally:
        cluster.close()


def wipe(engine: Engine) -> None:
    """Take away all that an installation may have left, without its code."""
    hits = engine.request("POST", "/_plugins/_alerting/monitors/_search", _BUCKET_LEVEL)["hits"]["hits"]
    for hit in hits:
        engine.request("DELETE", f"/_plugins/_alerting/monitors/{hit['_id']}")
    # Other tests' data streams too: while one of that name is there, an uninstall leaves its template.
    for dataset in DATASETS:
        engine.request("DELETE", f"/_data_stream/{dataset.template}-*")
    for shared in reversed(shared_objects(load_rules(), engine.name)):
        if not isinstance(shared, EventIndices):
            shared.delete(Connections(engine), {})


_BUCKET_LEVEL = {"size": 100, "query": {"term": {"monitor.monitor_type": "bucket_level_monitor"}}}
