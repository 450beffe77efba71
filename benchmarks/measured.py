"""What a block of a benchmark takes: by the clock, and of processors, which other work on the machine changes less (Linux)."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple, Self

from integration.sandbox.local import Node


class Spent(NamedTuple):
    """Seconds by the clock, and those that node and client have had a processor."""

    clock: float
    processors: float

    @classmethod
    def until_now(cls, node: Node) -> Self:
        """Return what was spent from some instant on, which is the same in every answer."""
        assert node.process is not None
        ticks = Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return cls(time.perf_counter(), time.process_time() + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"))

    def since(self, begun: Spent) -> Spent:
        """Return what was spent since then."""
        return Spent(self.clock - begun.clock, self.processors - begun.processors)
