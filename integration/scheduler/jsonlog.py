"""Structured log lines: one JSON object a line, in which text from logs and clusters stays an escaped string."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Protocol, TextIO

from integration.times import rfc3339

# They log each refused request, even an expected one; a fault that matters is raised, and logged by the scheduler.
_TALKATIVE = ("opensearch", "elasticsearch", "elastic_transport")


class Log(Protocol):
    """Takes one event of the scheduler."""

    def __call__(self, level: str, event: str, /, **fields: object) -> None:
        """`level` is info, warning or error."""


class JsonLog(logging.Handler):
    """Writes events, and the log records of libraries, to a stream. `now` returns epoch milliseconds."""

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
        """Write a library's log record as an event."""
        if not record.name.startswith(_TALKATIVE):
            self(record.levelname.lower(), "library", logger=record.name, message=record.getMessage())
