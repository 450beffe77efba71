"""Which tests go to the same process when several share them."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.servers import SERVERS


class ByServer(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """All that a server is tested by stays together, so that none of its nodes is started twice; other tests, by their file."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, test = nodeid.partition("::")
        if not path.startswith("tests/cluster/"):
            return path
        parameters = test.partition("[")[2].rstrip("]").split("-")
        return next((server for server in SERVERS if server in parameters), "opensearch")
