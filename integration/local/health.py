"""Whether a node answers, and does its work."""

from __future__ import annotations

import http.client
import ssl
from http import HTTPStatus

from integration.local.ports import LOOPBACK

_SECONDS = 5.0
# A node with security on tells a stranger nothing more, and says this only once it has its security set up.
_UP = {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def is_up(port: int, tls: ssl.SSLContext | None) -> bool:
    """Whether the node at `port` has recovered its state and all its primary shards."""
    connection = (
        http.client.HTTPConnection(LOOPBACK, port, timeout=_SECONDS)
        if tls is None
        else http.client.HTTPSConnection(LOOPBACK, port, timeout=_SECONDS, context=tls)
    )
    try:
        connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
        return connection.getresponse().status in _UP
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
