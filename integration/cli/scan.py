"""`detect scan`: log files to findings, without a cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from platformdirs import user_state_path

from integration.cli.findings_output import note_count
from integration.cli.logs import (
    FILES_HELP,
    HostFromOption,
    HostOption,
    note_empty,
    note_machines,
    note_packed,
    scan_logs,
    told_once,
)
from integration.cli.options import ScanFormatOption
from integration.cli.output import note
from integration.cli.report import Report, with_report
from integration.commands.scan import Scan
from integration.errors import InputError
from integration.findings.filter import FilterTally
from integration.findings.lines import LineStore
from integration.log.blocks import Stream, names_of_logs
from integration.log.hosts import Hosts
from integration.log.places import container as container_log
from integration.log.places import local_places

if TYPE_CHECKING:
    from integration.findings.told import Told

STATE_FILE = "scan.json"
ContainerOption = Annotated[
    list[str] | None, typer.Option("--container", metavar="NAME", help="A container whose output is read through the Docker API.")
]

_NAME_THEM = "Name the files of its log, or its container by --container"


@with_report
def scan(
    report: Report,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE", help=FILES_HELP)] = None,
    container: ContainerOption = None,
    host: HostOption = None,
    host_from: HostFromOption = None,
    new: Annotated[
        bool, typer.Option("--new", help="Only what no earlier call with --new told, or what is more severe by now.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="Where --new keeps what it told; else in your state folder.")
    ] = None,
    form: ScanFormatOption = "table",
) -> None:
    r"""Evaluate log files with the Python reference of the search; no cluster is asked.

    Without files and --container it reads what Ollama logs on this machine: ~/.ollama/logs, %LOCALAPPDATA%\Ollama, and the
    journal of ollama.service. It says what it reads, and where it found nothing.

    Rotated files belong in one call, and files of several machines may be in it. Without --host or --host-from, a line's carrier
    (journald, syslog, Kubernetes) names the machine, else the path (HOST-server.log, logs/HOST/server.log), else it is this one.

    With --new, cron may run it over the same logs again and again: each finding is told once, and again if more severe.

    --format html writes one page with charts and the findings, each with its first lines; it needs the extra `html`.

    Example: detect scan ~/.ollama/logs/server*.log --new --format json --fail-on high
    """
    if form == "html":
        from integration.cli.page.document import check_page  # not above: most calls write no page
        from integration.cli.page.pages import MAX_LINE, MAX_LINES, print_scan, source_of

        report.refuse_rows()
        check_page()
    logs: list[str | Stream] = [*told_once(files or []), *map(container_log, container or [])]
    logs = logs or _local_logs()
    named = [log for log in logs if isinstance(log, str)]
    hosts = Hosts(list(names_of_logs(named)), given=host, host_from=host_from)
    note_packed(named)
    lines = LineStore(MAX_LINES, MAX_LINE) if form == "html" else None
    result = scan_logs(report.rules, logs, hosts, zone=report.zone, lines=lines)
    tally = FilterTally(report.settings.post_filter)
    if state is not None and not new:
        raise InputError("--state goes with --new")
    with closing(result), told_before(new, state) as told:
        if not (files or container or result.read):
            raise InputError(f"nothing was evaluated: {_nothing_in(log.path for log in result.logs)}. {_NAME_THEM}")
        events = {"read": result.read, "selected": sum(reference.selected for reference in result.references)}
        found = tally.kept(result.findings())
        new_ones = found if told is None else told.new(found)
        if lines is None:
            report.print(new_ones, events, form)
        else:
            with closing(lines):
                source = source_of([log.path for log in result.logs])
                notes = partial(_page_notes, result, events, tally, told)
                count = print_scan(report.noted(new_ones), lines.of, report.rules, report.zone, source, notes)
            note_count(count, events, len(report.rules))
        sys.stdout.flush()  # what could not be written was not told
    for line in (*(told.notes() if told else ()), *tally.notes()):
        note(line)
    for message in (message for log in logs if isinstance(log, Stream) for message in log.said):
        note(message)
    _note_logs(result, named)
    note_machines(result, hosts, told=bool(host))
    report.end()


def _page_notes(result: Scan, events: Mapping[str, int], tally: FilterTally, told: Told | None) -> list[str]:
    """Return what a page says besides its findings."""
    read = f"From {events['selected']:,} selected of {events['read']:,} events."
    return [read, *(told.notes() if told else ()), *tally.notes(), *result.unlike()]


def told_before(new: bool, state: Path | None) -> AbstractContextManager[Told | None]:
    """Return what earlier calls told, None where that does not matter."""
    if not new:
        return nullcontext()
    from integration.findings.told import Told  # not above: most calls keep nothing

    return Told.kept_in(state or user_state_path("ollama-detect") / STATE_FILE)


def _local_logs() -> list[str | Stream]:
    """Return what Ollama logs on this machine, and say where it is and where nothing is."""
    places = local_places()
    logs = [log for place in places for log in place.logs]
    empty = [place.name for place in places if not place.logs]
    if not logs:
        raise InputError(f"Ollama logs in no known place on this machine: {_nothing_in(empty)}. {_NAME_THEM}")
    note(f"Reading {', '.join(log if isinstance(log, str) else log.name for log in logs)}")
    if empty:
        note(f"There is {_nothing_in(empty)}")
    return logs


def _nothing_in(places: Iterable[str]) -> str:
    return f"nothing in {', nothing in '.join(places)}"


def _note_logs(result: Scan, named: Sequence[str]) -> None:
    """Note the logs without lines, and those that do not look like Ollama's."""
    if empty := [log.path for log in result.logs if not log.lines and log.path not in named]:
        note(f"There is {_nothing_in(empty)}")
    for log in result.logs:
        if not log.lines and log.path in named:
            note_empty(log.path)
    for line in result.unlike():
        note(line)
