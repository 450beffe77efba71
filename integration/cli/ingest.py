"""`detect ingest`: log files to the data stream, where the pipeline parses them."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.config import ConfigOption
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.options import Format, FormatOption
from integration.cli.output import note, print_json, progress
from integration.commands.ingest import MAX_FAILURES, IngestReport
from integration.commands.ingest import ingest as ingest_lines
from integration.engines.base import Engine
from integration.errors import ClusterError, InputError, PartlyAppliedError
from integration.log.blocks import check_readable
from integration.log.documents import each_once, resolved, with_host
from integration.log.files import read_lines


@with_cluster
def ingest(
    cluster: ClusterOptions,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Log files, packed or not; - is standard input.")],
    host: Annotated[str | None, typer.Option(help="The machine the lines come from.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Lines a request.")] = 1_000,
    in_flight: Annotated[int, typer.Option(min=1, max=32, help="Requests at a time.")] = 4,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to keep asking a busy or unreachable cluster.")] = 300.0,
    _config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Send log lines through the installed pipeline into the data stream; the same file a second time changes nothing.

    Lines that the cluster refuses are reported one by one, and the command ends with 4. So it does where a file cannot be read to
    its end; the lines above are stored.

    Example: detect ingest /var/log/ollama/*.log --host gpu-1 --url https://localhost:9200
    """
    files = each_once(files)
    for file in files:
        if file != "-" and not Path(file).is_file():
            raise InputError(f"{file}: is not a file; nothing was sent")
    check_readable(files)  # one that cannot be read is told before anything is sent
    done = 0
    with cluster.open() as engine, progress("Lines") as advance:

        def on_progress(report: IngestReport) -> None:
            nonlocal done
            settled = report.created + report.already_there + report.failed
            advance(settled - done)
            done = settled

        lines = with_host(chain.from_iterable(read_lines(file) for file in files), host)
        report = ingest_lines(
            engine,
            lines,
            cluster.namespace.events,
            batch_lines=batch,
            in_flight=in_flight,
            patience=patience,
            on_progress=on_progress,
            on_failure=lambda failure: note(f"not stored: {failure}"),
            on_retry=note,
        )
        _count_again(engine, cluster.namespace.events, files, report)
    if form is Format.JSON:
        print_json(asdict(report))
    else:
        print(  # noqa: T201
            f"{report.read:,} lines read: {report.created:,} stored in {cluster.namespace.events}, "
            f"{report.already_there:,} already there, {report.failed:,} failed; {report.retried:,} sent again"
        )
    if report.failed:
        raise PartlyAppliedError(
            f"{report.failed:,} of {report.read:,} lines were not stored (the first {MAX_FAILURES} in --format json)"
        )


def _count_again(engine: Engine, index: str, files: list[str], report: IngestReport) -> None:
    """Ask the cluster how many lines of these files it has: every line it took must be among them."""
    try:
        engine.refresh(index)
        there = engine.count(index, {"bool": {"should": [_lines_of(resolved(file)) for file in files], "minimum_should_match": 1}})
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


def _lines_of(path: str) -> dict[str, object]:
    """Return the query of a file's lines, or of those of every file in a zip."""
    return {"bool": {"should": [{"term": {"log.file.path": path}}, {"prefix": {"log.file.path": f"{path}/"}}]}}
