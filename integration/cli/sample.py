"""`detect sample`: made-up logs, to files or to standard output."""

from __future__ import annotations

import re
import sys
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from integration.cli.instants import instant_of
from integration.cli.options import Format, FormatOption, seconds_of
from integration.cli.output import note, print_json, progress
from integration.cli.tables import print_table
from integration.errors import InputError
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

_SIZE = re.compile(r"([0-9]{1,12}) ?([A-Za-z]*)")
_BYTES = {
    "": 1,
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-5][0-9])")
_CHUNK_LINES = 1_000


def sample(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write DIR/HOST/server.log and app.log, not standard output.")
    ] = None,
    hosts: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="How many machines.")] = 3,
    lines: Annotated[int, typer.Option(metavar="N", min=0, help="Lines of all hosts together.")] = 3_000,
    size: Annotated[str | None, typer.Option(metavar="BYTES", help="Such as 500MB or 1GiB, instead of --lines.")] = None,
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
    utc_offset: Annotated[str, typer.Option(metavar="+HH:MM", help="The machines' offset from UTC.")] = "Z",
    prefix: Annotated[Prefix, typer.Option(help="What a transport puts around every line.")] = Prefix.BARE,
    gzip: Annotated[bool, typer.Option("--gzip", help="Pack the files (with --out).")] = False,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write what happened, an episode a line in JSON: host, times, attack or not, impact, lines."
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Write made-up Ollama logs to try the detection on: benign, noisy, under attack.

    Example: detect sample --out logs --hosts 5 --lines 20000 --scenario attack --scenario benign --truth truth.jsonl
    """
    span_ms = seconds_of("--span", span) * 1000
    plan = Plan(
        hosts=hosts,
        lines=lines,
        size=None if size is None else size_of(size),
        scenarios=tuple(scenario or DEFAULT_SCENARIOS),
        seed=seed,
        start=start_of_last(span_ms) if start is None else instant_of("--start", start),
        span=span_ms,
        utc_offset=offset_of(utc_offset),
        prefix=prefix,
    )
    if out is not None:
        _print_files(_to_files(out, plan, gzip), form)
    elif gzip:
        raise InputError("--gzip goes with --out; pack a stream with: detect sample | gzip")
    else:
        _to_stdout(plan)
    if truth is not None:
        note(f"{write_truth(truth, plan)} episodes in {truth}")
    if out is not None:
        note(f"Next: detect scan {quote(str(out))}/*/*")


def size_of(text: str) -> int:
    """Read a size such as 500MB or 1GiB, in bytes."""
    if not (match := _SIZE.fullmatch(text)) or match[2] not in _BYTES:
        raise InputError(f"--size {text!r} is not a size; write one such as 500MB or 1GiB")
    return int(match[1]) * _BYTES[match[2]]


def offset_of(text: str) -> timedelta:
    """Read an offset from UTC such as -05:00, or Z."""
    if text.upper() == "Z":
        return timedelta(0)
    if not (match := _OFFSET.fullmatch(text)):
        raise InputError(f"--utc-offset {text!r} is not an offset; write one such as -05:00, or Z")
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset


def _to_files(out: Path, plan: Plan, gzip: bool) -> list[SampleFile]:
    with progress("Writing", plan.total, size=plan.size is not None) as advance:
        return write_files(out, plan, gzip=gzip, progress=lambda lines, size: advance(lines if plan.size is None else size))


def _to_stdout(plan: Plan) -> None:
    at_work = nullcontext(lambda _: None) if sys.stdout.isatty() else progress("Writing", plan.total, size=plan.size is not None)
    lines = generate(plan)
    with at_work as advance:
        while chunk := [line for _, line in islice(lines, _CHUNK_LINES)]:
            data = "\n".join([*chunk, ""]).encode()
            sys.stdout.buffer.write(data)
            advance(len(chunk) if plan.size is None else len(data))
        sys.stdout.buffer.flush()


def _print_files(files: list[SampleFile], form: Format) -> None:
    if form is Format.JSON:
        print_json({"files": [asdict(file) | {"path": str(file.path)} for file in files]})
        return
    print_table(
        ["host", "file", "lines", "bytes"],
        [[file.host, str(file.path), f"{file.lines:,}", f"{file.bytes:,}"] for file in files],
    )
    note(f"{len(files)} files with {sum(file.lines for file in files):,} lines")
