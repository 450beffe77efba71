from __future__ import annotations

from typing import Any

import pytest

from integration.commands.obstacles import blocks, full_disks
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from tests.support.fake_cluster import Answer, FakeCluster

GB = 1 << 30


def stages(free_gb: int, marks: dict[str, str] | None, total_gb: int = 1_000) -> list[str]:
    """The stage that a disk with so much free is in."""
    prefix = "cluster.routing.allocation.disk.watermark"
    settings = {name if "." in name and "disk" in name else f"{prefix}.{name}": value for name, value in (marks or {}).items()}
    disk = {"total_in_bytes": total_gb * GB, "available_in_bytes": free_gb * GB}
    with FakeCluster() as cluster:
        refused: dict[str, Any] = {"error": {"type": "security_exception", "reason": "no"}}
        cluster.on("GET", "/_cluster/settings", Answer(refused, 403) if marks is None else Answer({"defaults": settings}))
        cluster.on("GET", "/_nodes/stats/fs", Answer({"nodes": {"a": {"name": "n", "fs": {"total": disk}}}}))
        with connected(cluster) as engine:
            return [found.stage for found in full_disks(engine)]


def connected(cluster: FakeCluster) -> Engine:
    return connect(Connection(url=cluster.url))


@pytest.mark.parametrize(("free", "stage"), [(200, []), (120, ["low"]), (70, ["high"]), (20, ["flood stage"])])
def test_shares_of_a_disk(free: int, stage: list[str]) -> None:
    marks = {"low": "85%", "high": "0.9", "flood_stage": "95%"}
    assert stages(free, marks) == stage
    assert stages(free, None) == stage


@pytest.mark.parametrize(("free", "stage"), [(200, []), (40, ["low"]), (15, ["high"]), (5, ["flood stage"])])
def test_bytes_that_must_stay_free(free: int, stage: list[str]) -> None:
    assert stages(free, {"low": "50gb", "high": "20gb", "flood_stage": "10gb"}) == stage


def test_headroom_bounds_what_must_stay_free_of_a_large_disk() -> None:
    marks = {"low": "85%", "low.max_headroom": "200GB", "high": "90%", "high.max_headroom": "150GB", "flood_stage": "95%"}
    assert stages(400, {**marks, "flood_stage.max_headroom": "100GB"}, 10_000) == []
    assert stages(400, {**marks, "low.max_headroom": "-1"}, 10_000) == ["flood stage"]


def test_a_cluster_that_heeds_no_watermark_has_no_stage() -> None:
    assert stages(5, {"low": "85%", "cluster.routing.allocation.disk.threshold_enabled": "false"}) == []


@pytest.mark.parametrize(
    ("free", "told", "not_told"),
    [(2, "make room there", "somebody set it"), (50, "somebody set it", "make room"), (None, "where no disk is full", "beyond")],
)
def test_a_block_of_the_flood_stage_tells_whether_a_disk_is_full(free: int | None, told: str, not_told: str) -> None:
    disk = {"total_in_bytes": 100 * GB, "available_in_bytes": (free or 0) * GB}
    stats = Answer({"nodes": {"a": {"name": "n", "fs": {"total": disk}}}})
    refused = Answer({"error": {"type": "security_exception", "reason": "no"}}, 403)
    with FakeCluster() as cluster:
        cluster.on("GET", "/logs/_settings/.*", Answer({"logs": {"settings": {"index.blocks.read_only_allow_delete": "true"}}}))
        cluster.on("GET", "/_cluster/settings", Answer({"defaults": {}}))
        cluster.on("GET", "/_nodes/stats/fs", refused if free is None else stats)
        with connected(cluster) as engine:
            (block,) = blocks(engine, ["logs"])
    assert (told in block.text, not_told in block.text) == (True, False)
    lifting = 'send:\nPUT /logs/_settings {"index.blocks.read_only_allow_delete": null}'
    assert block.mend == ("" if free == 2 else lifting)
