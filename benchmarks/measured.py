"""What a part of a benchmark takes: by the clock, and of processors, which other work on the machine changes less."""

from __future__ import annotations

import time
from typing import NamedTuple, Self

import psutil

from integration.sandbox.local import Node


class Spent(NamedTuple):
    """Seconds by the clock, and those that a node, and perhaps the client, have had a processor."""

    clock: float
    processors: float

    @classmethod
    def until_now(cls, node: Node, *, client: bool = True) -> Self:
        """Return what was spent from some instant on, which is the same in every answer."""
        assert node.process is not None
        server = psutil.Process(node.process.pid)
        # Elasticsearch's own process starts the server as another one.
        times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
        processors = sum(each.user + each.system for each in times)
        return cls(time.perf_counter(), processors + (time.process_time() if client else 0.0))

    def since(self, begun: Spent) -> Spent:
        """Return what was spent since then."""
        return Spent(self.clock - begun.clock, self.processors - begun.processors)

    def plus(self, other: Spent) -> Spent:
        """Return the sum of both."""
        return Spent(self.clock + other.clock, self.processors + other.processors)
