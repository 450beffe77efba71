"""The health of the scheduler, for monitoring: a file, and an HTTP endpoint on the loopback address."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from integration.errors import InputError
from integration.times import rfc3339

LOOPBACK = "127.0.0.1"
STALE_AFTER_MS = 10 * 60_000
"""A scheduler that has reported nothing for so long hangs."""
WELL = ("running", "stopped")


class Health:
    """The last report of the scheduler; `now` returns epoch milliseconds."""

    def __init__(self, now: Callable[[], int], file: Path | None = None) -> None:
        self._now = now
        self._file = file
        self._said: dict[str, Any] = {}
        self._updated = now()
        self.say("starting")

    def say(self, state: str, last_windows: dict[str, str] | None = None, error: str | None = None) -> None:
        """Report the state (`starting`, `running`, `failing`, `stopped`), the end of each rule's last window, and the fault."""
        self._updated = self._now()
        updated = rfc3339(self._updated, millis=True)
        self._said = {"state": state, "updated": updated, "last_windows": last_windows or {}, "error": error, "pid": os.getpid()}
        if self._file is not None:
            self._write(self._file)

    @property
    def well(self) -> bool:
        """Whether the last report is a good one, and recent."""
        return self._said["state"] in WELL and self._now() - self._updated <= STALE_AFTER_MS

    def json(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(self._said | {"healthy": self.well})

    def _write(self, file: Path) -> None:
        """Replace the file as a whole, so that a reader never finds half a report."""
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            fresh.write_text(f"{self.json()}\n", encoding="utf-8")
            fresh.replace(file)
        except OSError as error:
            raise InputError(f"--health-file {file} cannot be written: {error.strerror}") from error


class HealthServer:
    """Serves `GET /health` on the loopback address: 200 while the scheduler is well, else 503; a context manager."""

    def __init__(self, health: Health, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                found = self.path == "/health"
                body = health.json().encode() if found else b"{}"
                self.send_response(404 if not found else 200 if health.well else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Log nothing: standard error is for events."""

        try:
            self._server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        except OSError as error:
            raise InputError(f"--health-port {port} cannot be used: {error.strerror}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
