"""Receivers of messages on 127.0.0.1, over HTTP and SMTP, that keep what they were sent."""

from __future__ import annotations

import json
import socketserver
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """What came by HTTP; `statuses` are the next answers, then 200."""

    port: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    statuses: deque[int] = field(default_factory=deque)

    @property
    def url(self) -> str:
        """Its URL for apprise, with a secret in it."""
        return f"json://user:geheim@127.0.0.1:{self.port}/geheim"


@contextmanager
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = hook.statuses.popleft() if hook.statuses else 200
            if status == 200:
                hook.received.append(json.loads(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        hook.port = port
        yield hook


@dataclass
class Mailbox:
    """What came by SMTP."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its URL for apprise."""
        return f"mailto://127.0.0.1:{self.port}?from=detect@example.org&to=soc@example.org&mode=insecure"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    data = b"".join(iter(self.rfile.readline, b".\r\n"))
                    box.received.append(BytesParser(EmailMessage, policy=default).parsebytes(data))
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        box.port = port
        yield box


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(server.server_address[1])  # type: ignore[index]  # of an address on the network
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
