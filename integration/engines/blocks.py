"""The blocks that stop requests whatever the user may do: what an index or a cluster is closed to, and what opens it again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

EXCEPTION = "cluster_block_exception"
_NUMBER = re.compile(r"\[[A-Z_]+/(\d+)/")
_INDEX = re.compile(r"index \[([^\]]+)\]")
# Blocks that the cluster knows by these numbers: the setting that makes each, of an index or of the cluster.
INDEX_SETTINGS = {
    5: "index.blocks.read_only",
    7: "index.blocks.read",
    8: "index.blocks.write",
    9: "index.blocks.metadata",
}
CLUSTER_SETTINGS = {
    6: "cluster.blocks.read_only",
    10: "cluster.blocks.create_index",
    13: "cluster.blocks.read_only_allow_delete",
}
FULL_DISK = "the disks of the cluster are nearly full: make room there, and it lifts the block (flood stage) by itself"
FLOOD_SETTING = "index.blocks.read_only_allow_delete"
_CLOSED, _FLOOD = 4, 12


def advice(texts: Iterable[str]) -> Iterator[str]:
    """Yield what opens again what a cluster says is blocked, in its words of an error."""
    for text in texts:
        if not text.startswith(EXCEPTION):
            continue
        found = _INDEX.search(text)
        index = found[1] if found else "INDEX"
        for number in map(int, _NUMBER.findall(text)):
            if number == _FLOOD:
                yield f"{FULL_DISK}; where somebody set it (`detect doctor` tells), {lift_index(index, FLOOD_SETTING)} lifts it"
            elif number == _CLOSED:
                yield f"the index is closed: POST /{index}/_open opens it"
            elif number in INDEX_SETTINGS:
                yield f"this is a block, not a privilege: {lift_index(index, INDEX_SETTINGS[number])} lifts it"
            elif number in CLUSTER_SETTINGS:
                yield f"this is a block, not a privilege: {lift_cluster(CLUSTER_SETTINGS[number])} lifts it"


def lift_index(index: str, setting: str) -> str:
    """Return the request that takes a block from an index."""
    return f'PUT /{index}/_settings {{"{setting}": null}}'


def lift_cluster(setting: str, where: str = "persistent") -> str:
    """Return the request that takes a block from a cluster: alone, for one that says more is blocked itself."""
    return f'PUT /_cluster/settings {{"{where}": {{"{setting}": null}}}}'
