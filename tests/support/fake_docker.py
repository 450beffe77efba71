"""A Docker engine of one container, on a socket of its own: what the API says of its log."""

from __future__ import annotations

import json
import socketserver
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

NAME = "ollama"
ID = "1" * 64


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    lines: list[tuple[int, bytes]]
    tty: bool
    cut: bool


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "socket"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.endswith("/version"):
            self._json({"ApiVersion": "1.44", "MinAPIVersion": "1.24"})
        elif url.path.endswith((f"/containers/{NAME}/json", f"/containers/{ID}/json")):
            self._json({"Id": ID, "Name": f"/{NAME}", "Config": {"Tty": self.server.tty}})
        elif url.path.endswith("/logs"):
            assert parse_qs(url.query) == {"stdout": ["1"], "stderr": ["1"], "timestamps": ["1"], "follow": ["0"]}
            self._log()
        else:
            self._json({"message": f"No such container: {url.path.split('/')[-2]}"}, 404)

    def _json(self, body: Any, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _log(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for stream, line in self.server.lines:
            data = line if self.server.tty else struct.pack(">BxxxL", stream, len(line)) + line
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        if not self.server.cut:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True


@contextmanager
def fake_docker(socket: Path, lines: list[tuple[int, bytes]], *, tty: bool = False, cut: bool = False) -> Iterator[str]:
    """Serve the container's lines, each of stdout (1) or stderr (2), until the block ends; yields what DOCKER_HOST must be.

    `cut` ends the connection before the log does.
    """
    with _Server(str(socket), _Handler) as server:
        server.lines, server.tty, server.cut = lines, tty, cut
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"unix://{socket}"
        finally:
            server.shutdown()
            thread.join()
