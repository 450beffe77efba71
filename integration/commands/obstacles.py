"""What stops writing or reading whatever the user may do: blocks on indices and on the cluster, and disks that fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

from integration.engines.base import Engine
from integration.engines.blocks import CLUSTER_SETTINGS, FLOOD_SETTING, FULL_DISK, INDEX_SETTINGS, lift_cluster, lift_index
from integration.errors import ForbiddenError, NotFoundError

_ENABLED = "cluster.routing.allocation.disk.threshold_enabled"
_WATERMARK = "cluster.routing.allocation.disk.watermark"
# The engines' own, where this user may not read the settings. Each with what happens beyond it, the highest first.
_STAGES = {
    "flood_stage": ("95%", "its indices are made read-only"),
    "high": ("90%", "shards are moved away from it"),
    "low": ("85%", "no more shards are put on it"),
}
FLOOD_STAGE = "flood stage"
_UNITS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}


@dataclass(frozen=True, slots=True)
class Disk:
    """A node's disk that is beyond a watermark: the stage, what happens beyond it, and how full the disk is."""

    node: str
    stage: str
    consequence: str
    used_percent: int


class Block(NamedTuple):
    """A block in words, with why where that is known; `mend` is what lifts it, nothing where the cluster does so by itself."""

    text: str
    mend: str = ""


def blocks(engine: Engine, indices: Sequence[str]) -> Iterator[Block]:
    """Yield each block on indices of these names, and on the cluster; what may not be read is passed over."""
    flood = cache(partial(_flood, engine))  # asked once, and only where a block may come of it
    for name in indices:
        with suppress(ForbiddenError, NotFoundError):
            params = {"flat_settings": True, "ignore_unavailable": True, "allow_no_indices": True}
            found = engine.request("GET", f"/{name}/_settings/index.blocks.*", params=params, retry=True)
            for index, body in sorted(found.items()):
                for setting in (*INDEX_SETTINGS.values(), FLOOD_SETTING):
                    if str(body["settings"].get(setting)) == "true":
                        known, lifts_itself = flood() if setting == FLOOD_SETTING else ("", False)
                        mend = "" if lifts_itself else f"send:\n{lift_index(index, setting)}"
                        yield Block(f"{index} has the block {setting}{known}", mend)
    for where, settings in _cluster_settings(engine).items():
        for setting in CLUSTER_SETTINGS.values():
            if str(settings.get(setting)) == "true":
                yield Block(f"the cluster has the block {setting}", f"send:\n{lift_cluster(setting, where)}")


def _flood(engine: Engine) -> tuple[str, bool]:
    """Return what is known of a block that the cluster sets beyond the flood stage, or anybody, and whether it goes by itself."""
    try:
        is_flooded = any(disk.stage == FLOOD_STAGE for disk in full_disks(engine))
    except ForbiddenError:
        return f": {FULL_DISK}; where no disk is full, somebody set it", False
    if is_flooded:
        return f": {FULL_DISK}", True
    return ": no disk is beyond the flood stage watermark, so somebody set it, or one was full", False


def full_disks(engine: Engine) -> list[Disk]:
    """Return the disks that are beyond a watermark, each with the highest of them; none where the cluster heeds none."""
    by_precedence = _cluster_settings(engine)
    settings = {
        name: value for where in ("defaults", "persistent", "transient") for name, value in by_precedence.get(where, {}).items()
    }
    if str(settings.get(_ENABLED)) == "false":
        return []
    found = []
    for node in engine.request("GET", "/_nodes/stats/fs", retry=True)["nodes"].values():
        total, free = (int(node["fs"]["total"][name]) for name in ("total_in_bytes", "available_in_bytes"))
        for stage, (usual, consequence) in _STAGES.items():
            mark = str(settings.get(f"{_WATERMARK}.{stage}") or usual)
            headroom = str(settings.get(f"{_WATERMARK}.{stage}.max_headroom") or "")
            if total > 0 and free < _needed(mark, headroom, total):
                found.append(Disk(node["name"], stage.replace("_", " "), consequence, round(100 * (total - free) / total)))
                break
    return found


def _cluster_settings(engine: Engine) -> dict[str, dict[str, Any]]:
    """Return the cluster's settings by where they are set, its defaults too; none where this user may not read them."""
    try:
        return engine.request("GET", "/_cluster/settings", params={"include_defaults": True, "flat_settings": True}, retry=True)
    except ForbiddenError:
        return {}


def _needed(mark: str, headroom: str, total: int) -> float:
    """Return how many bytes must stay free by a watermark: a share of the disk that may be used, or the free bytes themselves."""
    text = mark.lower()
    if text.endswith("%") or text.replace(".", "", 1).isdigit():
        used = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        return min(total * (1 - used), _bytes(headroom) or total)
    return _bytes(text)


def _bytes(text: str) -> float:
    """Read a size such as 20gb; 0 for none (Elasticsearch's -1)."""
    unit = next((unit for unit in sorted(_UNITS, key=len, reverse=True) if text.lower().endswith(unit)), None)
    number = text[: -len(unit)] if unit else text
    return float(number) * _UNITS[unit] if unit and number.replace(".", "", 1).isdigit() else 0
