"""Killing a command at its requests, one after the other."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from tests.support.cli import Result
from tests.support.fake_cluster import Answer, Request
from tests.support.faults.forker import Forker
from tests.support.faults.ledger import Count
from tests.support.faults.proxy import Choice, Handle, Proxy
from tests.support.faults.site import Site

MOST_REQUESTS = 60


@dataclass
class Assassin:
    """A fault that kills the process with its chosen request of that number; the node has carried it out by then."""

    number: int
    chosen: Choice
    pid: int = 0
    seen: int = 0
    struck: bool = False

    def aim(self, pid: int) -> None:
        self.pid = pid

    def __call__(self, request: Request, handle: Handle) -> Answer:
        answer = handle(request)
        if not self.chosen(request):
            return answer
        mine, self.seen = self.seen, self.seen + 1
        if mine == self.number:
            self.struck = True
            os.kill(self.pid, signal.SIGKILL)
            return Answer(cut=True)
        return answer


@dataclass
class Killer:
    """Kills commands that go through a proxy."""

    site: Site
    proxy: Proxy
    forker: Forker
    tried: Callable[..., None]

    def strike(self, command: tuple[str, ...], number: int, chosen: Choice) -> tuple[Result, ...]:
        """Kill a command at its chosen request of that number, and run it again; nothing if it has no such one, and is done."""
        self.proxy.fault = assassin = Assassin(number, chosen)
        ended = self.forker.run(self.site.arguments(*command), assassin.aim)
        self.proxy.fault = None
        if not assassin.struck:
            assert ended.code == 0
            return ()
        assert ended.code == -signal.SIGKILL
        again = self.site.detect(*command)
        assert again.code == 0, again
        return ended, again

    def everywhere(self, command: tuple[str, ...], before: Callable[[], object], after: Callable[[], Count]) -> None:
        """Kill a command at each of its requests in turn, and enter the sum of what is there then."""
        counts: list[Count] = []
        ends: tuple[Result, ...] = ()
        for number in range(MOST_REQUESTS):
            before()
            if not (struck := self.strike(command, number, lambda _: True)):
                break
            counts.append(after())
            ends = struck
        assert len(counts) > 4
        self.enter(command[0], "requests", counts, ends)

    def enter(self, verb: str, where: str, counts: Sequence[Count], ends: tuple[Result, ...]) -> None:
        name = f"command killed (SIGKILL) at each of its {len(counts)} {where}"
        self.tried(self.site.engine.name, name, verb, reduce(add, counts), *ends)
