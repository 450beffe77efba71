"""Whether a node answers, and does its work."""

from __future__ import annotations

import http.client
import json
import ssl
from http import HTTPStatus
from pathlib import Path

from integration.sandbox.local.ports import LOOPBACK

_SECONDS = 5.0
# A node with security on tells a stranger nothing more, and says this only once it has its security set up.
_UP = {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def is_up(port: int, tls: ssl.SSLContext | None, logs: Path | None = None) -> bool:
    """Whether the node at `port` has recovered its state and all its primary shards, and logs to the folder `logs`.

    By its logs a node is told from another one that took the port first; one that turns strangers away says nothing of them.
    """
    connection = (
        http.client.HTTPConnection(LOOPBACK, port, timeout=_SECONDS)
        if tls is None
        else http.client.HTTPSConnection(LOOPBACK, port, timeout=_SECONDS, context=tls)
    )
    try:
        connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
        answer = connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.OK or logs is None:
            return answer.status in _UP
        connection.request("GET", "/_nodes/_local/settings?filter_path=nodes.*.settings.path.logs")
        return json.dumps(str(logs), ensure_ascii=False).encode() in connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
