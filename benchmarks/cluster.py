"""Ingest with and without the pipeline, and `run` and a monitor's search over hours of a large index, on a node started for it.

    python benchmarks/cluster.py --lines 1000000 --hourly 100000 --engine elasticsearch

Prints rows of a Markdown table. Both sides of a row are measured in the same run, one after the other, on the same node.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import islice, product
from random import Random
from typing import Any, cast

from measured import Spent
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
from integration.install.deployment import Deployment
from integration.install.objects import Connections
from integration.install.plan import install
from integration.install.shared_objects import shared_objects
from integration.log.documents import document
from integration.log.files import RawLine
from integration.names import Namespace
from integration.render.aggregation import BY_HOST, labels_name, window_search
from integration.sandbox.local import Node, NodeOptions, running_node
from integration.sandbox.sample import Plan, Scenario
from integration.targets.opensearch.body import monitor
from integration.times import parse_time

_START = parse_time("2026-11-24T00:00:00Z")
_HOUR_MS = 3_600_000
_HOURS = 4
_LARGE = Namespace("large")
_TURNS = 5
_TURN_SECONDS, _WARM_SECONDS = 2, 10
_ROUNDS = 2
_PART = 250_000  # lines held at a time


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--engine", default="opensearch", choices=("opensearch", "elasticsearch"))
    arguments.add_argument("--lines", type=int, default=1_000_000, help="lines sent with and without the pipeline; 0: skip")
    arguments.add_argument(
        "--hourly", type=int, default=100_000, help="lines an hour that is searched, one hour and two at a time; 0: skip"
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
            _measure_searches(node, engine, rules, given.hourly)


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


def _measure_searches(node: Node, engine: Engine, rules: Sequence[Rule], hourly: int) -> None:
    """Search windows that none has searched before, in turn with the same aggregation over indexed keywords, without scripts."""
    seconds = _send(engine, _LARGE.events, hourly * _HOURS, seed=7, hours=_HOURS)
    _say(f"{hourly * _HOURS:,} lines indexed in {seconds:.0f} s")
    engine.refresh(_LARGE.events)
    searches = {"`run`": _run, "its monitor's search": _search_of_its_monitor, "plain": _search_without_scripts}
    if engine.name != "opensearch":
        del searches["its monitor's search"]
    for rule, hours in product(rules, (1, 2)):
        sides = {name: partial(search, engine, rule) for name, search in searches.items()}
        windows = _windows(hours)
        spent: dict[str, list[Spent]] = {name: [] for name in sides}
        searched = dict.fromkeys(sides, 0)
        for turn, (name, side) in product(range(_TURNS + 1), sides.items()):
            begun = Spent.until_now(node)
            number = 0
            while not number or time.perf_counter() - begun.clock < (_TURN_SECONDS if turn else _WARM_SECONDS):
                side(next(windows))
                number += 1
            if turn:
                spent[name].append(Spent.until_now(node).since(begun))
                searched[name] += number
        means = {name: [sum(each) / searched[name] for each in zip(*turns, strict=True)] for name, turns in spent.items()}
        against = means.pop("plain")
        for name, mean in means.items():
            for how, this, plain in zip(("by the clock", "by processor time"), mean, against, strict=True):
                what = f"{hourly * hours:,} lines by `{rule.id}` on {engine.name}, {name} against its aggregation without scripts"
                row = f"{what}, {how}; mean of {searched[name]} windows"
                print(f"| {row} | {this:.3f} s | {plain:.3f} s | {this / plain:.1f} |", flush=True)


def _windows(hours: int) -> Iterator[Window]:
    """Yield windows of so many hours, wherever they begin: each is new to the caches."""
    drawn = Random(hours)
    while True:
        start = _START + drawn.randrange((_HOURS - hours) * _HOUR_MS)
        end = start + hours * _HOUR_MS
        yield Window(start, end, end)


def _run(engine: Engine, rule: Rule, window: Window) -> None:
    list(evaluate(engine, rule, _LARGE.events, window))


@cache
def _monitor(rule: Rule) -> dict[str, Any]:
    return monitor(rule, Deployment(_LARGE))


def _search_of_its_monitor(engine: Engine, rule: Rule, window: Window) -> None:
    search = _monitor(rule)["inputs"][0]["search"]["query"]
    times = {"gte": window.start, "lt": window.end, "format": "epoch_millis"}
    search["query"]["bool"]["filter"][0] = {"range": {"@timestamp": times}}
    engine.search(_LARGE.events, search)


def _search_without_scripts(engine: Engine, rule: Rule, window: Window) -> None:
    """Search what may be selected, with levels in the place of classes."""
    body = window_search(rule, engine.name, window.start, window.end)
    computed = next(name for name in ("derived", "runtime_mappings") if name in body)
    del body[computed]
    body["query"]["bool"]["filter"].pop()  # what asks for the class
    body["aggs"][BY_HOST]["aggs"][labels_name(rule)]["terms"]["field"] = "log.level"
    engine.search(_LARGE.events, body)


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
