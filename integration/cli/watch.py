"""`detect watch`: the built-in scheduler, until it is stopped."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from tenacity import sleep_using_event

from integration import __version__
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.notify import receivers_of
from integration.cli.options import RuleOptions, TimezoneOption, seconds_of, with_rules, zone_of
from integration.cli.stopping import first_signal
from integration.errors import DetectError, ThrottledError, UnreachableError
from integration.scheduler.health import Health, HealthServer
from integration.scheduler.jsonlog import JsonLog
from integration.scheduler.notifications import Notifier, Receiver
from integration.scheduler.scheduler import Job, Scheduler
from integration.scheduler.service import Service, retrying
from integration.times import now


@with_cluster
@with_rules
def watch(
    cluster: ClusterOptions,
    options: RuleOptions,
    once: Annotated[bool, typer.Option("--once", help="Run what is due and end.")] = False,
    catch_up: Annotated[str, typer.Option(metavar="DURATION", help="How far back missed windows are run.")] = "7d",
    revisit: Annotated[
        bool, typer.Option("--revisit/--no-revisit", help="Evaluate each window once more at the next run, for late lines.")
    ] = True,
    health_file: Annotated[Path | None, typer.Option(help="Written every ten seconds: state and last windows.")] = None,
    health_port: Annotated[int | None, typer.Option(metavar="PORT", min=0, max=65535, help="Serve /health on 127.0.0.1.")] = None,
    timezone: TimezoneOption = "UTC",
) -> None:
    """Run the rules by their schedule and store their findings as risk events.

    It serves clusters without alerting of their own. Starting it enables the rules. Windows missed while it was down are caught up.
    A second scheduler does no harm and doubles nothing. Whom the [[notify]] entries of detect.toml name is told of new findings.
    Events go to standard error, one JSON object a line. SIGTERM ends it after the current window.

    Example: detect watch --url https://localhost:9200 --health-file /run/detect/health.json
    """
    settings = options.settings
    job = Job(
        rules=options.rules,
        index=options.deployment(cluster.namespace).events,
        namespace=cluster.namespace,
        catch_up=seconds_of("--catch-up", catch_up) * 1000,
        revisit=revisit,
        post_filter=settings.post_filter,
        zone=zone_of(timezone),
    )
    receivers = receivers_of(settings)
    log = JsonLog(sys.stderr, now)
    with _library_events(log), _asked_to_stop(log) as stop:
        log(
            "info",
            "started",
            version=__version__,
            rules=[each.id for each in options.rules],
            index=job.index,
            config=str(settings.source) if settings.source else None,
            notify=[each.name for each in receivers],
        )
        try:
            health = Health(now, health_file)
            with nullcontext() if health_port is None else HealthServer(health, health_port) as server:
                if server is not None:
                    log("info", "health", port=server.port)
                _run(cluster, job, receivers, once, health, log, stop)
        except DetectError as error:
            log("error", "ended", error=str(error), exit_code=error.exit_code)
            raise typer.Exit(error.exit_code) from error
        log("info", "ended", exit_code=0)


def _run(
    cluster: ClusterOptions,
    job: Job,
    receivers: tuple[Receiver, ...],
    once: bool,
    health: Health,
    log: JsonLog,
    stop: threading.Event,
) -> None:
    """Run the scheduler until it is done or stopped."""
    wait = sleep_using_event(stop)
    connecting = retrying((UnreachableError, ThrottledError), health, wait, log, stop)
    engine = cluster.open() if once else connecting(cluster.open)
    if engine is None:  # asked to stop before the cluster answered
        return
    with engine:
        log("info", "connected", url=engine.url, engine=engine.name, version=engine.version_text)
        notifier = Notifier(receivers, now, log, wait)
        service = Service(Scheduler(engine, job, now, log, stop, notifier), health, now, wait, log, stop)
        if once:
            service.run_once()
        else:
            service.run()


@contextmanager
def _asked_to_stop(log: JsonLog) -> Iterator[threading.Event]:
    """Yield the event that the first SIGTERM or SIGINT sets; a second signal ends the process at once."""
    stop = threading.Event()

    def stopping(name: str) -> None:
        stop.set()
        log("info", "stopping", signal=name)

    # In a thread of its own: the interrupted code may hold the locks that these calls need.
    # It runs behind others, where a shell has SIGINT ignored, and ends by it all the same.
    with first_signal(
        lambda number: threading.Thread(target=stopping, args=(signal.Signals(number).name,)).start(), ignored_too=True
    ):
        yield stop


@contextmanager
def _library_events(log: JsonLog) -> Iterator[None]:
    """Log the records and warnings of libraries as events."""
    root = logging.getLogger()
    root.addHandler(log)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(log)
