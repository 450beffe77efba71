"""Settings and fixtures for every test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import NoReturn

import psutil
import pytest
from hypothesis import settings

from integration.engines.connection import Connection
from integration.engines.dashboards import Dashboards
from integration.engines.kibana import Kibana
from tests.support.fake_dashboards import PASSWORD, USER, FakeDashboards
from tests.support.fake_kibana import API_KEY, FakeKibana
from tests.support.faults.ledger import entries_of, table
from tests.support.scheduling import ByServer
from tests.support.servers import SERVERS

# Nodes and other tests share the machine: how long one example takes says nothing. `check` is the profile of `make check` and
# `make test`, `whole` that of `make test-repetitions`, `mutation` that of `make test-mutation`, where each mutant meets the same
# few. In CI every draw is the same each time, as in Hypothesis's own profile `ci`: what breaks there is the change that is tried.
DRAWS_THE_SAME = bool(os.environ.get("CI"))
settings.register_profile("whole", deadline=None, derandomize=DRAWS_THE_SAME)
settings.register_profile("check", deadline=None, max_examples=25, derandomize=DRAWS_THE_SAME)
settings.register_profile("mutation", deadline=None, max_examples=10, derandomize=True, database=None)
settings.load_profile("whole")
# Set where several processes share the tests; a table is as wide as it needs unless a test says how wide the terminal is.
os.environ.pop("COLUMNS", None)


def pytest_configure() -> None:
    """Let a run that is told to end tear its fixtures down: the nodes that it started would go on without it."""

    def stop(*_: object) -> NoReturn:
        for child in psutil.Process().children():  # processes that share the tests, or nodes
            child.terminate()
        pytest.exit("stopped by SIGTERM", 128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)


def pytest_report_header() -> str:
    """Say which servers the tests on real nodes are for, since that depends on the machine."""
    return f"real nodes: {', '.join(SERVERS)}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByServer:
    """Say which tests stay together where several processes share them."""
    return ByServer(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with the table of the faults that were tried. It is here since the process that reports may collect no test itself."""
    ended = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    if entries := list(entries_of([report for report in ended if report.when == "call"])):
        terminalreporter.section("faults")
        terminalreporter.write_line(table(entries))


@pytest.fixture
def fake_kibana() -> Iterator[FakeKibana]:
    with FakeKibana() as started:
        yield started


@pytest.fixture
def kibana(fake_kibana: FakeKibana) -> Iterator[Kibana]:
    with Kibana(Connection(fake_kibana.url, api_key=API_KEY)) as connected:
        yield connected


@pytest.fixture
def fake_dashboards() -> Iterator[FakeDashboards]:
    with FakeDashboards() as started:
        yield started


@pytest.fixture
def dashboards(fake_dashboards: FakeDashboards) -> Iterator[Dashboards]:
    with Dashboards(Connection(fake_dashboards.url, username=USER, password=PASSWORD)) as connected:
        yield connected
