from __future__ import annotations

import pytest

from integration.engines.faults import Call, refused
from integration.errors import BlockedError, ClusterError, ForbiddenError, ThrottledError

CALL = Call("http://x", "POST", "/logs/_bulk")


def told(reason: str, status: int = 403, kind: str = "cluster_block_exception") -> tuple[type[ClusterError], str]:
    error = refused(CALL, status, {"error": {"type": kind, "reason": reason}, "status": status})
    return type(error), str(error)


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (
            "index [logs-1] blocked by: [FORBIDDEN/5/index read-only (api)];",
            'PUT /logs-1/_settings {"index.blocks.read_only": null}',
        ),
        ("index [logs-1] blocked by: [FORBIDDEN/8/index write (api)];", 'PUT /logs-1/_settings {"index.blocks.write": null}'),
        ("index [logs-1] blocked by: [FORBIDDEN/4/index closed];", "POST /logs-1/_open"),
        ("blocked by: [FORBIDDEN/6/cluster read-only (api)];", '{"persistent": {"cluster.blocks.read_only": null}} lifts it'),
    ],
)
def test_a_block_is_told_from_a_lacking_privilege_with_what_opens_it(reason: str, advice: str) -> None:
    kind, message = told(reason)
    assert (kind, advice in message, "lacks the privilege" in message) == (BlockedError, True, False)


def test_a_lacking_privilege_stays_one() -> None:
    kind, message = told("no permissions for [indices:data/write/bulk]", kind="security_exception")
    assert (kind, "lacks the privilege" in message) == (ForbiddenError, True)


def test_a_full_disk_may_pass() -> None:
    kind, message = told("index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark];", 429)
    assert (kind, "make room there" in message) == (ThrottledError, True)
    assert 'PUT /x/_settings {"index.blocks.read_only_allow_delete": null} lifts it' in message
