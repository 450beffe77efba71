"""The command killed at each of its requests, and asked to stop; the same command again ends right."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count
from operator import add
from typing import Any

import pytest

from integration.assets import desired_assets
from integration.engines.base import Engine
from integration.names import EVENTS_PATTERN, EVENTS_TEMPLATE, Namespace
from integration.rulefile import load_rules
from tests.cli import Result, detect
from tests.cluster.faults.conftest import Tried
from tests.cluster.faults.forker import Forker
from tests.cluster.faults.ledger import Count
from tests.cluster.faults.proxy import Choice, Handle, Meeting, Proxy, bulks
from tests.cluster.faults.site import Site
from tests.cluster.servers import Server
from tests.fake_cluster import Answer, Request
from tests.support import drop, until

MOST_REQUESTS = 60
# Elsewhere the data streams that other tests leave make each installation long: the Elasticsearch of the tests cannot delete them.
on_opensearch = pytest.mark.parametrize("server", [Server("opensearch", None)], indirect=True, scope="session")


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    with Forker() as started:
        yield started


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
    tried: Tried

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
        assert len(counts) > 6
        self.enter(command[0], "requests", counts, ends)

    def enter(self, verb: str, where: str, counts: Sequence[Count], ends: tuple[Result, ...]) -> None:
        name = f"command killed (SIGKILL) at each of its {len(counts)} {where}"
        self.tried(self.site.engine.name, name, verb, reduce(add, counts), *ends)


@pytest.fixture
def killer(behind: Site, proxy: Proxy, forker: Forker, tried: Tried) -> Killer:
    return Killer(behind, proxy, forker, tried)


def objects(engine: Engine) -> dict[str, Any]:
    """All that an installation makes, as it is on the cluster."""
    made = {asset.name: asset.fetch(engine) for asset in desired_assets(load_rules(), engine.name)}
    settings = engine.request("GET", f"/{EVENTS_PATTERN}/_settings", params={"flat_settings": True})
    pipelines = {index: body["settings"].get("index.default_pipeline") for index, body in settings.items()}
    for asset in made.values():
        for stamp in ("created_date", "modified_date", "created_date_millis", "modified_date_millis"):
            (asset or {}).pop(stamp, None)
    return made | pipelines


def difference(wanted: dict[str, Any], found: dict[str, Any]) -> Count:
    lost = sum(found.get(name) != body for name, body in wanted.items())
    return Count(len(wanted), lost, len(found.keys() - wanted.keys()), "objects")


def test_ingest(killer: Killer) -> None:
    names, site = count(), killer.site

    def fresh() -> None:
        drop(site.engine, site.namespace.events)
        site.namespace = Namespace(f"{site.namespace.name.partition('.')[0]}.{next(names)}")

    killer.everywhere(("ingest", "--batch", "500"), fresh, site.line_count)


def test_run(killer: Killer) -> None:
    site = killer.site
    site.windows = ("2026-11-24T06:50:00Z", "2026-11-24T09:50:00Z")
    assert site.detect("ingest").code == 0
    killer.everywhere(("run",), lambda: site.engine.delete_index(site.namespace.risk), site.risk_count)


def test_install_and_uninstall(killer: Killer) -> None:
    engine, own = killer.site.engine, killer.site.namespace.events
    assert killer.site.detect("ingest").code == 0

    def writes(request: Request) -> bool:
        """Between two of them nothing changes; the data streams that other tests leave on Elasticsearch are more of the same."""
        return request.method in ("PUT", "DELETE") and any(part in request.path for part in ("/_ingest/", "/_index_template/", own))

    wanted = {"install": objects(engine)}
    plainly(engine, "uninstall")
    wanted["uninstall"] = objects(engine)
    counts: dict[str, list[Count]] = {verb: [] for verb in wanted}
    ends: dict[str, tuple[Result, ...]] = {}
    try:
        for number in range(MOST_REQUESTS):
            # Each verb leaves what the other one begins with.
            for verb, state in wanted.items():
                if struck := killer.strike((verb,), number, writes):
                    counts[verb].append(difference(state, objects(engine)))
                    ends[verb] = struck
            if max(map(len, counts.values())) <= number:
                break
    finally:
        plainly(engine, "install")
    assert {verb: len(found) for verb, found in counts.items()} == {"install": 5, "uninstall": 4}
    for verb in wanted:
        killer.enter(verb, "writes", counts[verb], ends[verb])
    assert killer.site.line_count().lost == 0


def plainly(engine: Engine, verb: str) -> None:
    assert detect(verb, "--url", engine.url).code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_ingest_in_good_order(site: Site, tried: Tried, number: signal.Signals, code: int) -> None:
    command = site.start_feeding()
    command.feed(site.halves[0])
    until(lambda: site.engine.exists(site.namespace.events) and site.stored().total() == 500, "the first half")
    command.process.send_signal(number)
    stopped = command.end()
    assert stopped.code == code
    assert f"detect: stopped by {number.name}. Stopped with 500 lines stored. Run the same command again" in stopped.err
    again = site.start_feeding()
    again.feed(site.halves[0] + site.halves[1])
    resumed = again.end()
    assert resumed.code == 0
    assert "500 already there" in resumed.out
    tried(site.engine.name, f"{number.name} to the command", "ingest", site.line_count(), stopped, resumed)


def test_a_signal_waits_for_what_is_on_its_way_and_a_second_one_does_not(behind: Site, proxy: Proxy, tried: Tried) -> None:
    proxy.fault = Meeting(proxy.hang, bulks, lambda number: number >= 3)
    command = behind.start("ingest")
    until(lambda: len([request for request in proxy.requests if bulks(request)]) >= 7, "requests without an answer")
    command.process.send_signal(signal.SIGTERM)
    until(lambda: "a second signal ends at once" in command.err.read_text(), "word of the first signal")
    assert command.process.poll() is None
    command.process.send_signal(signal.SIGTERM)
    killed = command.end()
    assert killed.code == -signal.SIGTERM
    proxy.fault = None
    resumed = behind.detect("ingest")
    assert resumed.code == 0
    tried(behind.engine.name, "SIGTERM twice while no answer comes", "ingest", behind.line_count(), killed, resumed)


@on_opensearch
def test_a_signal_to_install_says_what_is_done(behind: Site, proxy: Proxy, tried: Tried) -> None:
    plainly(behind.engine, "uninstall")
    try:
        proxy.fault = Meeting(proxy.hang, puts_template, lambda _: True)
        command = behind.start("install")
        until(lambda: any(map(puts_template, proxy.requests)), "the second object")
        command.process.send_signal(signal.SIGTERM)
        stopped = command.end()
        assert stopped.code == 143
        assert "Done before that: ingest pipeline 'ollama.server' created. Running `detect install` again" in stopped.err
        proxy.fault = None
        again = behind.detect("install")
        assert again.code == 0
    finally:
        plainly(behind.engine, "install")
    assert behind.detect("diff").code == 0
    missing = sum(body is None for body in objects(behind.engine).values())
    tried(behind.engine.name, "SIGTERM to the command", "install", Count(3, missing, 0, "objects"), stopped, again)


def puts_template(request: Request) -> bool:
    return request.method == "PUT" and EVENTS_TEMPLATE in request.path
