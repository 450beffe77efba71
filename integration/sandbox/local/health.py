"""Whether a node answers, and does its work."""

from __future__ import annotations

import json
import ssl
from http import HTTPStatus
from pathlib import Path

import urllib3
import urllib3.exceptions

from integration.sandbox.local.ports import LOOPBACK

_SECONDS = 5.0
# A node with security on tells a stranger nothing more, and says this only once it has its security set up.
_UP = {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def is_up(port: int, tls: ssl.SSLContext | None, logs: Path | None = None) -> bool:
    """Whether the node at `port` has recovered its state and all its primary shards, and logs to the folder `logs`.

    By its logs a node is told from another one that took the port first; one that turns strangers away says nothing of them.
    """
    url = f"{'https' if tls else 'http'}://{LOOPBACK}:{port}"
    with urllib3.PoolManager(ssl_context=tls, timeout=_SECONDS, retries=False) as pool:
        try:
            status = pool.request("GET", f"{url}/_cluster/health?wait_for_status=yellow&timeout=1s").status
            if status != HTTPStatus.OK or logs is None:
                return status in _UP
            settings = pool.request("GET", f"{url}/_nodes/_local/settings?filter_path=nodes.*.settings.path.logs").data
        except urllib3.exceptions.HTTPError:
            return False
    return json.dumps(str(logs), ensure_ascii=False).encode() in settings
