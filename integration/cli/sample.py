"""`detect sample`: made-up logs, to files or to standard output."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from integration.cli.instants import instant_of
from integration.cli.options import Form, FormatOption, seconds_of
from integration.cli.output import note, print_json, progress
from integration.cli.tables import print_table
from integration.sandbox.sample import (
    DEFAULT_SCENARIOS,
    Plan,
    Prefix,
    SampleFile,
    Scenario,
    generate,
    start_of_last,
    write_files,
    write_truth,
)

_CHUNK_LINES = 1_000


def sample(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write DIR/HOST/server.log and app.log, not standard output.")
    ] = None,
    hosts: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="How many machines.")] = 3,
    lines: Annotated[int, typer.Option(metavar="N", min=0, help="Lines of all hosts together.")] = 3_000,
    scenario: Annotated[
        list[Scenario] | None,
        typer.Option(
            metavar="NAME",
            help="benign, noisy, attack, mixed or debug; of several, hosts take turns (default: attack, noisy, benign).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Equal seeds, options and starts give equal logs.")] = 0,
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="When the logs begin (default: so that they end with the last hour).")
    ] = None,
    span: Annotated[str, typer.Option(metavar="DURATION", help="How long the logs last, such as 90m, 6h or 2d.")] = "6h",
    prefix: Annotated[Prefix, typer.Option(help="What a transport puts around every line.")] = Prefix.BARE,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write what happened, an episode a line in JSON: host, times, attack or not, impact, lines."
        ),
    ] = None,
    form: FormatOption = "table",
) -> None:
    """Write made-up Ollama logs to try the detection on: benign, noisy, under attack.

    Example: detect sample --out logs --hosts 5 --lines 20000 --scenario attack --scenario benign --truth truth.jsonl
    """
    span_ms = seconds_of("--span", span) * 1000
    plan = Plan(
        hosts=hosts,
        lines=lines,
        scenarios=tuple(scenario or DEFAULT_SCENARIOS),
        seed=seed,
        start=start_of_last(span_ms) if start is None else instant_of("--start", start),
        span=span_ms,
        prefix=prefix,
    )
    if out is not None:
        with progress("Writing", plan.lines) as advance:
            files = write_files(out, plan, advance)
        _print_files(files, form)
    else:
        _to_stdout(plan)
    if truth is not None:
        note(f"{write_truth(truth, plan)} episodes in {truth}")
    if out is not None:
        note(f"Next: detect scan {quote(str(out))}/*/*")


def _to_stdout(plan: Plan) -> None:
    at_work = nullcontext(lambda _: None) if sys.stdout.isatty() else progress("Writing", plan.lines)
    lines = generate(plan)
    with at_work as advance:
        while chunk := [line for _, line in islice(lines, _CHUNK_LINES)]:
            sys.stdout.buffer.write("\n".join([*chunk, ""]).encode())
            advance(len(chunk))
        sys.stdout.buffer.flush()


def _print_files(files: list[SampleFile], form: Form) -> None:
    if form == "json":
        print_json({"files": [asdict(file) | {"path": str(file.path)} for file in files]})
        return
    print_table(
        ["host", "file", "lines", "bytes"],
        [[file.host, str(file.path), f"{file.lines:,}", f"{file.bytes:,}"] for file in files],
    )
    note(f"{len(files)} files with {sum(file.lines for file in files):,} lines")
