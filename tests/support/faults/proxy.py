"""A node behind a front that spoils what passes: the connection, the request, the answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

import urllib3
import urllib3.exceptions

from tests.support.fake_cluster import Answer, FakeCluster, Request

Handle = Callable[[Request], Answer]
"""Lets the node answer a request."""
Fault = Callable[[Request, Handle], Answer]
"""Answers a request in the node's place, or spoils the node's answer."""
Choice = Callable[[Request], bool]

_PASSED_ON = ("content-type", "accept")
_NODE_TIMEOUT = 60.0


@dataclass
class Proxy:
    """The front; clients go to `url`. `fault` meets every request, also several at a time."""

    node_url: str
    fault: Fault | None = None
    released: threading.Event = field(default_factory=threading.Event)
    """Set at the end: a request that hangs waits for it."""

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=_NODE_TIMEOUT)
        self._front = FakeCluster()
        self._front.on(".*", ".*", lambda request: self.node(request) if self.fault is None else self.fault(request, self.node))
        self.url = self._front.url

    @property
    def requests(self) -> list[Request]:
        return self._front.requests

    def close(self) -> None:
        self.released.set()
        self._front.close()
        self._pool.clear()

    def node(self, request: Request) -> Answer:
        """Let the node answer; while it is away, the connection is cut."""
        url = f"{self.node_url}{quote(request.path)}?{urlencode(request.query)}"
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        try:
            answer = self._pool.request(request.method, url, body=request.body or None, headers=headers)
        except urllib3.exceptions.HTTPError:
            return Answer(cut=True)
        shown = {name: answer.headers[name] for name in ("Content-Type", "X-Elastic-Product") if name in answer.headers}
        return Answer(answer.data, answer.status, shown)

    def hang(self, _request: Request, _handle: Handle) -> Answer:
        """Say nothing, as long as the client waits."""
        self.released.wait()
        return Answer(cut=True)


# What can go wrong with one request


def cut_before(_request: Request, _handle: Handle) -> Answer:
    return Answer(cut=True)


def lose_answer(request: Request, handle: Handle) -> Answer:
    handle(request)
    return Answer(cut=True)


def cut_within(request: Request, handle: Handle) -> Answer:
    answer = handle(request)
    return replace(answer, cut_at=len(answer.content) // 2)


def refuse(status: int, **headers: str) -> Fault:
    """Answer as a cluster or a proxy that is too busy."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _handle: Answer({"error": {"type": "too_busy", "reason": "by the test"}}, status, named)


def refuse_larger_than(limit: int) -> Fault:
    def fault(request: Request, handle: Handle) -> Answer:
        return Answer("Request Entity Too Large", 413) if len(request.body) > limit else handle(request)

    return fault


def refuse_items(status: int, every: int) -> Fault:
    """Keep some documents of a bulk request from the node, and say in its answer that they were refused."""

    def fault(request: Request, handle: Handle) -> Answer:
        lines = request.body.splitlines(keepends=True)
        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        passed = [pair for number, pair in enumerate(pairs) if number % every]
        answer = handle(replace(request, body=b"".join(line for pair in passed for line in pair)))
        items = iter(json.loads(answer.body)["items"])
        refused = {"status": status, "error": {"type": "rejected_execution_exception", "reason": "by the test"}}
        mixed = [next(items) if number % every else {"create": refused | _id(pair)} for number, pair in enumerate(pairs)]
        return replace(answer, body=json.dumps({"items": mixed}).encode())

    return fault


def _id(pair: tuple[bytes, bytes]) -> dict[str, str]:
    return {"_id": json.loads(pair[0])["create"]["_id"]}


# Which requests it meets


def bulks(request: Request) -> bool:
    return request.path.endswith("/_bulk")


def searches(request: Request) -> bool:
    return request.path.endswith("/_search")


@dataclass
class Meeting:
    """A fault that meets some of the chosen requests, by their number from 0; `count` says how many it met."""

    fault: Fault
    chosen: Choice
    numbers: Callable[[int], bool]
    count: int = 0
    seen: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request, handle: Handle) -> Answer:
        with self._lock:
            met = self.chosen(request) and self.numbers(self.seen)
            self.seen += self.chosen(request)
            self.count += met
        return self.fault(request, handle) if met else handle(request)
