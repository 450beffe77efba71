"""`detect ingest`: log files to the data stream, where the pipeline parses them."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.logs import (
    FilesArgument,
    HostFromOption,
    HostOption,
    note_doubts,
    note_folders,
    note_hosts,
    note_packed,
    told_if_empty,
    told_once,
)
from integration.cli.options import ConfigOption, Form, FormatOption
from integration.cli.output import confirmed, note, print_json, progress
from integration.commands.ingest import MAX_FAILURES, IngestReport, lines_of_files, what_is_there
from integration.commands.ingest import ingest as ingest_lines
from integration.commands.ingest import undo as undo_lines
from integration.engines.base import Engine
from integration.errors import ClusterError, InputError, PartlyAppliedError
from integration.log.blocks import names_of_logs
from integration.log.documents import Tally, with_host
from integration.log.files import read_lines
from integration.log.foreign import only_ollamas, refuse_foreign
from integration.log.hosts import Hosts


@with_cluster
def ingest(
    cluster: ClusterOptions,
    files: FilesArgument,
    host: HostOption = None,
    host_from: HostFromOption = None,
    force: Annotated[bool, typer.Option("--force", help="Store lines of files that do not look like Ollama's, too.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take lines of these files out again; with --host its lines alone.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --undo: do not ask.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Lines a request.")] = 1_000,
    in_flight: Annotated[int, typer.Option(min=1, max=32, help="Requests at a time.")] = 4,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to keep asking a busy or unreachable cluster.")] = 300.0,
    _config: ConfigOption = None,
    form: FormatOption = "table",
) -> None:
    """Send log lines through the installed pipeline into the data stream; the same file a second time changes nothing.

    Lines that the cluster refuses are reported one by one, and the command ends with 4. So it does where a file cannot be read to
    its end; the lines above are stored. Machines are told as by `detect scan`.

    Example: detect ingest /var/log/ollama/*.log --host gpu-1 --url https://localhost:9200
    """
    files = told_once(files)
    if undo:
        if host_from:
            raise InputError("--undo takes --host to take out one machine's lines alone; it has no use for --host-from")
        _undo(cluster, files, host, form, ask=not yes)
        return
    # What cannot be read, or is not Ollama's, is told before anything is sent.
    hosts = Hosts(list(names_of_logs(files)), given=host, host_from=host_from)
    for file in files:
        if file != "-" and not Path(file).is_file():
            raise InputError(f"{file}: is a pipe or a device; send its lines through standard input (-)")
    if not force:
        refuse_foreign(files)
    tally = Tally()
    note_packed(files)
    with cluster.open() as engine, progress("Lines") as advance:
        lines = (read_lines(file) if force or file != "-" else only_ollamas(read_lines(file)) for file in files)
        report = ingest_lines(
            engine,
            with_host(chain.from_iterable(map(told_if_empty, files, lines)), hosts, tally),
            cluster.namespace.events,
            batch_lines=batch,
            in_flight=in_flight,
            patience=patience,
            on_progress=advance,
            on_failure=lambda failure: note(f"not stored: {failure}"),
            on_retry=note,
        )
        _count_again(engine, cluster.namespace.events, files, report)
    if form == "json":
        print_json(asdict(report) | {"hosts": dict(tally.hosts)})
    else:
        print(  # noqa: T201
            f"{report.read:,} lines read: {report.created:,} stored in {cluster.namespace.events}, "
            f"{report.already_there:,} already there, {report.failed:,} failed; {report.retried:,} sent again"
        )
    if tally.hosts and not host:
        note_hosts(tally.hosts, hosts.rule)
    note_folders(hosts, tally)
    note_doubts(tally, "lines")
    if report.failed:
        raise PartlyAppliedError(
            f"{report.failed:,} of {report.read:,} lines were not stored (the first {MAX_FAILURES} in --format json)"
        )


def _undo(cluster: ClusterOptions, files: list[str], host: str | None, form: Form, *, ask: bool) -> None:
    """Delete the lines of files from the data stream."""
    index, query = cluster.namespace.events, lines_of_files(files, host)
    if folder := next((file for file in files if Path(file).is_dir()), None):
        raise InputError(f"{folder}: is a folder; name the files in it")
    with cluster.open() as engine:
        there = engine.count(index, query)
        if there and ask and not confirmed(f"Delete {there:,} lines of {len(files):,} files from {index}?"):
            raise InputError("nothing was changed: taking lines out was not confirmed (--yes does it without asking)")
        of_host = f" from {host}" if host else ""
        for file in files:
            if not engine.count(index, lines_of_files([file], host)):
                note(f"{file}: there is no line of it{of_host} to take out: {what_is_there(engine, index, file)}.")
        with progress("Lines", there) as advance:
            deleted = undo_lines(engine, index, query, advance) if there else 0
    if form == "json":
        print_json({"deleted": deleted})
    else:
        print(f"{deleted:,} lines were taken out of {index}; risk events that tell of them stay")  # noqa: T201


def _count_again(engine: Engine, index: str, files: list[str], report: IngestReport) -> None:
    """Ask the cluster how many lines of these files it has: every line it took must be among them."""
    try:
        engine.refresh(index)
        there = engine.count(index, lines_of_files(files))
    except ClusterError as error:
        raise PartlyAppliedError(
            f"{error}\nAll lines were sent, and {report.stored:,} of them are stored, but they could not be counted again. "
            "Running the same command again counts them."
        ) from error
    if there < report.stored:
        raise PartlyAppliedError(
            f"{index} took {report.stored:,} lines, but {there:,} lines of these files are there now. "
            "Running the same command again stores those that are missing."
        )
