"""`ingest` and `run` killed at each of their requests, and asked to stop; the same command again ends right."""

from __future__ import annotations

import signal
from itertools import count

import pytest

from integration.names import Namespace
from tests.cluster.faults.conftest import Tried
from tests.support.faults.killer import Killer
from tests.support.faults.proxy import Meeting, Proxy, bulks
from tests.support.faults.site import Site
from tests.support.shipped import drop
from tests.support.waiting import until

pytestmark = pytest.mark.enough_on("elasticsearch")


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
