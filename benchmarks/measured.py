"""What a part of a benchmark takes: by the clock, and of processors, which other work on the machine changes less (Linux)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
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
        ticks = sum(int(ticks) for stat in _stats(node.process.pid) for ticks in _fields(stat)[11:13])
        return cls(time.perf_counter(), time.process_time() + ticks / os.sysconf("SC_CLK_TCK"))

    def since(self, begun: Spent) -> Spent:
        """Return what was spent since then."""
        return Spent(self.clock - begun.clock, self.processors - begun.processors)


@cache
def _stats(pid: int) -> Sequence[Path]:
    """Return the `stat` of a node's process and of its children: Elasticsearch's own starts the server as another one."""
    found = [Path(f"/proc/{pid}/stat")]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # over by now
            found += [stat] if int(_fields(stat)[1]) == pid else []
    return found


def _fields(stat: Path) -> list[str]:
    return stat.read_text().rpartition(")")[2].split()
