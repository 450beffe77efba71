"""Ingest with and without the pipeline, and `run` over one hour of a large index, on a node started for it.

    python benchmarks/cluster.py --lines 1000000 --index 5000000

Prints rows of a Markdown table. Both sides of a row are measured in the same run, one after the other, on the same node.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, cast

from integration.commands.ingest import ingest
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.engines.answers import ItemResult
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.evaluation.cluster import evaluate
from integration.install.objects import Connections
from integration.install.plan import install
from integration.install.shared_objects import shared_objects
from integration.log.documents import document
from integration.log.files import RawLine
from integration.log.line import read
from integration.names import Namespace
from integration.sandbox.local import NodeOptions, running_node
from integration.sandbox.sample import Plan, Scenario, generate
from integration.times import parse_time

_START = parse_time("2026-11-24T00:00:00Z")
_HOUR_MS = 3_600_000
_RUNS = 5
_ROUNDS = 2
_PART = 250_000  # lines held at a time


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--lines", type=int, default=1_000_000, help="lines sent with and without the pipeline; 0: skip")
    arguments.add_argument("--index", type=int, default=5_000_000, help="lines in the index that `run` is measured on; 0: skip")
    arguments.add_argument("--heap", default="2g")
    given = arguments.parse_args()
    (rule,) = load_rules(ids=["ollama_possible_rce_via_model_loading"])
    with (
        # As a node that runs for long.
        running_node(options=NodeOptions(heap=given.heap, java=("-XX:TieredStopAtLevel=4",)), report=_say) as node,
        connect(Connection(node.url)) as engine,
    ):
        install(Connections(engine), shared_objects([rule], engine.name), on_step=lambda _: None)
        print("| what | this | against | ratio |\n|---|---|---|---|")
        if given.lines:
            _measure_ingest(engine, given.lines)
        if given.index:
            _measure_run(engine, rule, given.index)


def _measure_ingest(engine: Engine, lines: int) -> None:
    """Alternate the sides, smaller parts first, so that none gets the warm JVM alone."""
    plain = cast("Engine", _Plain(engine))
    sides = {
        "piped": (engine, Namespace("piped").events),
        "plain": (plain, Namespace("plain").events),
        "default": (plain, "lines-of-no-template"),
    }
    for through, index in sides.values():
        _send(through, index, lines // 10, seed=99)
    seconds = dict.fromkeys(sides, 0.0)
    for part in range(_ROUNDS):
        for side, (through, index) in sides.items():
            seconds[side] += _send(through, index, lines // _ROUNDS, seed=part)
    for side, (_, index) in sides.items():
        engine.refresh(index)
        parsed = lines // 10 + lines // _ROUNDS * _ROUNDS if side == "piped" else 0
        assert engine.count(index, {"exists": {"field": "event.dataset"}}) == parsed
    prepared = _prepare(lines // 5) * 5
    rates = {side: lines / spent for side, spent in seconds.items()}
    against = {
        "plain": "the same bulk into the same mapping without it",
        "default": "the same bulk into an index without any template",
    }
    for side, what in against.items():
        what = f"ingest of {lines:,} lines through the pipeline, against {what}"
        print(f"| {what} | {rates['piped']:,.0f} lines/s | {rates[side]:,.0f} lines/s | {rates['piped'] / rates[side]:.2f} |")
    what = "the CLI alone making the same documents, against the node taking them without the pipeline"
    print(
        f"| {what} | {lines / prepared:,.0f} lines/s | {rates['plain']:,.0f} lines/s | {lines / prepared / rates['plain']:.1f} |",
        flush=True,
    )


def _measure_run(engine: Engine, rule: Rule, lines: int) -> None:
    index = Namespace("large").events
    seconds = _send(engine, index, lines, seed=7)
    _say(f"{lines:,} lines indexed in {seconds:.0f} s")
    engine.refresh(index)
    window = rule.windows.window_of(_START + 12 * _HOUR_MS)
    times = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        findings = list(evaluate(engine, rule, index, window))
        times.append(time.perf_counter() - begun)
    selected = sum(finding["error_count"] for finding in findings)
    median = sorted(times)[_RUNS // 2]
    what = f"`run` over one hour of {lines:,} lines ({len(findings)} hosts, {selected:,} selected), median of {_RUNS}"
    print(f"| {what} | {median:.3f} s (first: {times[0]:.3f} s) | 1 s | {median:.3f} |")


class _Plain:
    """An engine whose bulk requests skip the pipeline: the same client, template and documents."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def bulk_create(self, index: str, documents: Iterable[Any], *, chunk: int, pipeline: str) -> Iterator[ItemResult]:  # noqa: ARG002
        return self._engine.bulk_create(index, documents, chunk=chunk, pipeline="_none")


def _lines(count: int, seed: int) -> Iterator[tuple[str, RawLine]]:
    plan = Plan(hosts=20, lines=count, scenarios=(Scenario.MIXED, Scenario.BENIGN), seed=seed, start=_START, span=24 * _HOUR_MS)
    for number, (host, text) in enumerate(generate(plan), 1):
        yield host, RawLine(text, f"{host}/{seed}.log", number, number, _START, read(text))


def _send(engine: Engine, index: str, count: int, seed: int) -> float:
    """Send lines that were made beforehand, and give the seconds until all are stored."""
    seconds = 0.0
    done = 0
    lines = _lines(count, seed)
    while done < count:
        part = list(islice(lines, _PART))
        gc.collect()
        begun = time.perf_counter()
        report = ingest(engine, part, index)
        seconds += time.perf_counter() - begun
        assert report.failed == 0, report.failures
        done += len(part)
    return seconds


def _prepare(count: int) -> float:
    part = list(_lines(count, seed=3))
    begun = time.perf_counter()
    for host, line in part:
        document(host, line)
    return time.perf_counter() - begun


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
