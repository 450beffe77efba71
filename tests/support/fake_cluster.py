"""A cluster's HTTP side on 127.0.0.1, that answers as a test tells it to and keeps what it was asked."""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

OPENSEARCH = {
    "name": "n1",
    "cluster_name": "fake",
    "version": {"distribution": "opensearch", "number": "3.4.0"},
    "tagline": "The OpenSearch Project: https://opensearch.org/",
}
ELASTICSEARCH = {
    "name": "n1",
    "cluster_name": "fake",
    "version": {"number": "9.1.0", "build_flavor": "default"},
    "tagline": "You Know, for Search",
}


@dataclass(frozen=True)
class Request:
    """What the cluster was asked; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass(frozen=True)
class Answer:
    """What it answers: a body that is neither text nor bytes becomes JSON.

    `cut` drops the connection in place of an answer, `cut_at` after so many bytes of the body.
    """

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    cut: bool = False
    cut_at: int | None = None

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


Responder = Callable[[Request], Answer]
Fault = Callable[[Request, Responder], Answer]
"""Answers a request in a server's place, or spoils the answer that it would give."""


class Failing:
    """The fault of one request, by number from 0: refused, or carried out with its answer lost; `came` tells whether it came.

    Only requests that `of` holds for are counted.
    """

    def __init__(self, number: int, *, lost: bool, of: Callable[[Request], bool] = lambda _: True) -> None:
        self._left = number
        self._lost = lost
        self._counts = of

    def __call__(self, request: Request, handled: Responder) -> Answer:
        if not self._counts(request):
            return handled(request)
        self._left -= 1
        if self._left != -1:
            return handled(request)
        if self._lost:
            handled(request)
            return Answer(cut=True)
        return Answer({"error": {"type": "security_exception", "reason": "not now"}, "status": 403}, 403)

    @property
    def came(self) -> bool:
        return self._left < 0


class FakeCluster:
    """A server that runs until it is closed; what no answer was given for is a 404 as clusters give it.

    `on` tells the answers to a path: one a request in turn, the last for ever; a function is called each time. `fault`, when set,
    comes before these.
    """

    def __init__(self, root: Any = OPENSEARCH, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.faults: list[BaseException] = []
        self.fault: Fault | None = None
        self._routes: list[tuple[re.Pattern[str], deque[Answer | Responder]]] = []
        self._lock = threading.Lock()
        self.on("GET", "/", root if isinstance(root, Answer) else Answer(root))
        # Elasticsearch's client talks to nothing else.
        self.headers = {"X-Elastic-Product": "Elasticsearch"} if root is ELASTICSEARCH else {}
        self._server = _Server(self, tls)
        scheme = "http" if tls is None else "https"
        self.port: int = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for fault in self.faults:
            raise fault

    def use_tls(self, context: ssl.SSLContext) -> None:
        """Show another certificate from the next connection on, and end the open ones."""
        self._server.tls = context
        self._server.hang_up()

    def on(self, method: str, path: str, *answers: Answer | Responder) -> None:
        """Answer requests whose method and whole path match regular expressions; later calls win over earlier ones."""
        self._routes.insert(0, (re.compile(f"({method}) ({path})"), deque(answers or [Answer()])))

    def asked(self, method: str, path: str) -> list[Request]:
        """Return the requests whose method and whole path match regular expressions."""
        return [seen for seen in self.requests if re.fullmatch(f"({method}) ({path})", str(seen))]

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
        return self.fault(request, self._handled) if self.fault else self._handled(request)

    def _handled(self, request: Request) -> Answer:
        with self._lock:
            answer: Answer | Responder = Answer({"error": {"type": "not_here", "reason": request.path}}, 404)
            for route, answers in self._routes:
                if route.fullmatch(str(request)):
                    answer = answers.popleft() if len(answers) > 1 else answers[0]
                    break
        return answer if isinstance(answer, Answer) else answer(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, cluster: FakeCluster, tls: ssl.SSLContext | None) -> None:
        self.cluster = cluster
        self.tls = tls
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake runs in the connection's own thread; one that fails is the client's to tell.
        if self.tls is not None:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError:
                return
        self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self._open.discard(request)
            if self.tls is not None:
                request.close()

    def server_close(self) -> None:
        # A client that keeps its connection must not keep the server's thread.
        self.hang_up()
        super().server_close()

    def hang_up(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, *_: Any) -> None:
        """Keep what a responder raised; a client that leaves is part of a test."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.cluster.faults.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: two would wait for each other
    server: _Server

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        cluster = self.server.cluster
        answer = cluster.answer(Request(self.command, unquote(parts.path), query, headers, body))
        time.sleep(answer.delay)
        if answer.cut:
            self.close_connection = True
            return
        content = answer.content
        kind = "application/json" if not isinstance(answer.body, str) else "text/html"
        self.send_response(answer.status)
        for name, value in ({"Content-Type": kind} | cluster.headers | answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: answer.cut_at])
        self.close_connection |= answer.cut_at is not None

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = _respond  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
