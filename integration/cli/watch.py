"""`detect watch`: the built-in scheduler, until it is stopped."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from tenacity import sleep_using_event

from integration import __version__
from integration.cli.config import ConfigOption, IndexOption, configured
from integration.cli.options import ClusterOptions, RuleOption, RulesOption, TimezoneOption, seconds_of, with_cluster, zone_of
from integration.errors import DetectError, ThrottledError, UnreachableError
from integration.scheduler.health import Health, HealthServer
from integration.scheduler.jsonlog import JsonLog
from integration.scheduler.leadership import Leadership
from integration.scheduler.service import Service, patience
from integration.scheduler.watch import Job, Watcher

_SHORTEST_LEASE = 3


@dataclass(frozen=True)
class _Settings:
    once: bool
    lease: int
    health_file: Path | None
    health_port: int | None


@with_cluster
def watch(
    cluster: ClusterOptions,
    once: Annotated[bool, typer.Option("--once", help="Run what is due and end.")] = False,
    catch_up: Annotated[str, typer.Option(metavar="DURATION", help="How far back missed windows are made up for.")] = "7d",
    revisit: Annotated[
        bool, typer.Option("--revisit/--no-revisit", help="Evaluate each window once more at the next run, for late lines.")
    ] = True,
    lease: Annotated[str, typer.Option(metavar="DURATION", help="After so long without a sign another scheduler leads.")] = "30s",
    health_file: Annotated[Path | None, typer.Option(help="Written after each look around: state and last windows.")] = None,
    health_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Serve /health on 127.0.0.1.")] = None,
    timezone: TimezoneOption = "UTC",
    rule: RuleOption = None,
    rules: RulesOption = None,
    index: IndexOption = None,
    config: ConfigOption = None,
) -> None:
    """Run the rules by their schedule and store what they find as risk events, for clusters without alerting of their own.

    Starting it is what enables the rules. Windows missed while it was down are caught up; of several schedulers one leads and the
    others stand by. Events of its life go to standard error, one JSON object a line. SIGTERM finishes the window in work.

    Example: detect watch --url https://localhost:9200 --health-file /run/detect/health.json
    """
    settings, loaded = configured(config, rules, rule)
    job = Job(
        rules=loaded,
        index=index or cluster.namespace.events,
        namespace=cluster.namespace,
        catch_up=seconds_of("--catch-up", catch_up) * 1000,
        revisit=revisit,
        post_filter=settings.post_filter,
        zone=zone_of(timezone),
    )
    given = _Settings(once, max(_SHORTEST_LEASE, seconds_of("--lease", lease)), health_file, health_port)
    log = JsonLog(sys.stderr, _now)
    with _library_events(log), _asked_to_stop(log) as stop:
        log(
            "info",
            "started",
            version=__version__,
            rules=[each.id for each in loaded],
            index=job.index,
            config=_shown(settings.source),
        )
        try:
            led = _serve(cluster, job, given, log, stop)
        except DetectError as error:
            log("error", "ended", error=str(error), exit_code=error.exit_code)
            raise typer.Exit(error.exit_code) from error
        log("info", "ended", exit_code=0, **({} if led else {"reason": "another scheduler leads"}))


def _serve(cluster: ClusterOptions, job: Job, given: _Settings, log: JsonLog, stop: threading.Event) -> bool:
    """Run until done or stopped; False when another scheduler led all the time."""
    health = Health(_now, given.health_file)
    server = nullcontext() if given.health_port is None else HealthServer(health, given.health_port)
    with server as listening:
        if listening is not None:
            log("info", "health", port=listening.port)
        wait = sleep_using_event(stop)
        waiting_for_it = patience((UnreachableError, ThrottledError), health, wait, log, stop)
        engine = cluster.open() if given.once else waiting_for_it(cluster.open)
        if engine is None:
            return True
        with engine:
            log("info", "connected", url=engine.url, engine=engine.name, version=engine.version_text)
            holder = {"id": uuid4().hex, "host": socket.gethostname(), "pid": str(os.getpid())}
            leadership = Leadership(engine, job.namespace.state, holder, given.lease, _steady)
            watcher = Watcher(engine, job, leadership, _now, log, stop)
            service = Service(watcher, leadership, health, _now, wait, log, stop)
            if given.once:
                return service.run_once()
            service.run()
    return True


@contextmanager
def _asked_to_stop(log: JsonLog) -> Iterator[threading.Event]:
    """Give the event that the first SIGTERM or SIGINT sets; the second one ends the process as ever."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stopping(name: str) -> None:
        stop.set()
        log("info", "stopping", signal=name)

    def handle(number: int, _frame: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        # Not from here: the code that was interrupted may hold the very locks that are needed.
        threading.Thread(target=stopping, args=(signal.Signals(number).name,)).start()

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _library_events(log: JsonLog) -> Iterator[None]:
    """Let libraries' log records and warnings be events too."""
    root = logging.getLogger()
    root.addHandler(log)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(log)


def _shown(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _steady() -> float:
    """Seconds that also pass while the machine sleeps, where it can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
