"""Ingest with and without the pipeline, and `run` over hours of a large index, on a node started for it.

    python benchmarks/cluster.py --lines 1000000 --hourly 100000 --engine elasticsearch

Prints rows of a Markdown table. Both sides of a row are measured in the same run, one after the other, on the same node.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Any, cast

from sampled import shipped

from integration.commands.ingest import ingest
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.detection.schedule import Window
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
from integration.names import Namespace
from integration.render.aggregation import BY_HOST, labels_name, window_search
from integration.sandbox.local import NodeOptions, running_node
from integration.sandbox.sample import Plan, Scenario
from integration.times import parse_time

_START = parse_time("2026-11-24T00:00:00Z")
_HOUR_MS = 3_600_000
_RUNS = 5
_ROUNDS = 2
_PART = 250_000  # lines held at a time


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--engine", default="opensearch", choices=("opensearch", "elasticsearch"))
    arguments.add_argument("--lines", type=int, default=1_000_000, help="lines sent with and without the pipeline; 0: skip")
    arguments.add_argument(
        "--hourly", type=int, default=100_000, help="lines an hour that `run` is measured on, by one and by two hours; 0: skip"
    )
    arguments.add_argument("--heap", default="2g")
    given = arguments.parse_args()
    rules = load_rules()
    with (
        # As a node that runs for long.
        running_node(given.engine, options=NodeOptions(heap=given.heap, java=("-XX:TieredStopAtLevel=4",)), report=_say) as node,
        connect(Connection(node.url)) as engine,
    ):
        install(Connections(engine), shared_objects(rules, engine.name), on_step=lambda _: None)
        print("| what | this | against | ratio |\n|---|---|---|---|")
        if given.lines:
            _measure_ingest(engine, given.lines)
        if given.hourly:
            _measure_run(engine, rules, given.hourly)


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


def _measure_run(engine: Engine, rules: Sequence[Rule], hourly: int) -> None:
    """Evaluate windows that no cache has seen, in turn with the same aggregation over indexed keywords, which runs no script."""
    index = Namespace("large").events
    seconds = _send(engine, index, hourly * (_RUNS + 2), seed=7, hours=_RUNS + 2)
    _say(f"{hourly * (_RUNS + 2):,} lines indexed in {seconds:.0f} s")
    engine.refresh(index)
    for rule, hours in product(rules, (1, 2)):
        evaluated, plain, findings = [], [], 0
        for number in range(_RUNS + 1):  # the first one is for the JVM and is not counted
            start = _START + number * _HOUR_MS
            end = start + hours * _HOUR_MS
            window = Window(start, end, end)
            if number % 2:
                plain.append(_searched_without_scripts(engine, rule, index, window))
            begun = time.perf_counter()
            findings += len(list(evaluate(engine, rule, index, window)))
            evaluated.append(time.perf_counter() - begun)
            if not number % 2:
                plain.append(_searched_without_scripts(engine, rule, index, window))
        this, against = (sorted(times[1:])[_RUNS // 2] for times in (evaluated, plain))
        what = f"{hourly * hours:,} lines by `{rule.id}` on {engine.name} ({findings} findings), against without scripts"
        print(f"| {what}; median of {_RUNS} windows | {this:.3f} s | {against:.3f} s | {this / against:.1f} |", flush=True)


def _searched_without_scripts(engine: Engine, rule: Rule, index: str, window: Window) -> float:
    """Return the seconds that the search over what may be selected takes, with levels in the place of classes."""
    body = window_search(rule, engine.name, window.start, window.end)
    computed = next(name for name in ("derived", "runtime_mappings") if name in body)
    del body[computed]
    body["query"]["bool"]["filter"].pop()  # what asks for the class
    body["aggs"][BY_HOST]["aggs"][labels_name(rule)]["terms"]["field"] = "log.level"
    begun = time.perf_counter()
    engine.search(index, body)
    return time.perf_counter() - begun


class _Plain:
    """An engine whose bulk requests skip the pipeline: the same client, template and documents."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def bulk_create(self, index: str, documents: Iterable[Any], *, chunk: int, pipeline: str) -> Iterator[ItemResult]:  # noqa: ARG002
        return self._engine.bulk_create(index, documents, chunk=chunk, pipeline="_none")


def _lines(count: int, seed: int, hours: int = 24) -> Iterator[tuple[str, RawLine]]:
    plan = Plan(hosts=20, lines=count, scenarios=(Scenario.MIXED, Scenario.BENIGN), seed=seed, start=_START, span=hours * _HOUR_MS)
    return shipped(plan)


def _send(engine: Engine, index: str, count: int, seed: int, hours: int = 24) -> float:
    """Send lines that were made beforehand, and give the seconds until all are stored."""
    seconds = 0.0
    done = 0
    lines = _lines(count, seed, hours)
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
