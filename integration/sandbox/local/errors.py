"""The fault of this room."""

from __future__ import annotations

from integration.errors import DetectError


class NodeError(DetectError):
    """A local node cannot be assembled, started or stopped; the message says what to do next."""

    exit_code = 3
