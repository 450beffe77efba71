"""Structured log lines: one JSON object a line, so that text from logs and clusters stays inside its string."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import TextIO

from integration.times import rfc3339

# They tell of each refused request, also of those that are part of the work; what matters is raised and told by us.
_TALKATIVE = ("opensearch", "elasticsearch", "elastic_transport")


class JsonLog(logging.Handler):
    """Writes events to a stream; as a `logging` handler also what libraries say. `now` gives epoch milliseconds."""

    def __init__(self, stream: TextIO, now: Callable[[], int]) -> None:
        super().__init__(logging.WARNING)
        self._stream = stream
        self._now = now
        self._writing = threading.Lock()

    def __call__(self, level: str, event: str, /, **fields: object) -> None:
        """Write one event; `level` is info, warning or error."""
        line = json.dumps({"time": rfc3339(self._now(), millis=True), "level": level, "event": event, **fields})
        with self._writing:
            self._stream.write(f"{line}\n")
            self._stream.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a library's record."""
        if not record.name.startswith(_TALKATIVE):
            self(record.levelname.lower(), "library", logger=record.name, message=record.getMessage())
