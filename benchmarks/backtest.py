"""A backtest of 30 days in one pass against a search for each of their 720 windows, on a node started for it.

    python benchmarks/backtest.py --lines 150000

Prints a row of a Markdown table for each rule: medians of three runs of each side in turn, after one of each for the JVM. Both
sides give the same findings, and the node's caches are cleared before each run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from sampled import shipped

from integration.commands.ingest import ingest
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.evaluation.backtest import Backtest
from integration.evaluation.cluster import evaluate
from integration.findings.finding import Finding, build_finding
from integration.install.objects import Connections
from integration.install.plan import install
from integration.install.shared_objects import shared_objects
from integration.names import Namespace
from integration.sandbox.local import NodeOptions, running_node
from integration.sandbox.sample import Plan, Scenario
from integration.times import parse_time

_START = parse_time("2026-10-01T00:00:00Z")
_DAY_MS = 86_400_000
_OFFSET_MS = 600_000  # the windows of the rules begin ten minutes before the hour
_DAYS = 30
_RUNS = 3
_Side = Callable[[], list[Finding]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--engine", default="opensearch", choices=("opensearch", "elasticsearch"))
    arguments.add_argument("--lines", type=int, default=150_000, help="lines of all hosts in 30 days")
    arguments.add_argument("--hosts", type=int, default=5)
    given = arguments.parse_args()
    rules = load_rules()
    index = Namespace("backtest").events
    plan = Plan(
        hosts=given.hosts,
        lines=given.lines,
        scenarios=(Scenario.MIXED, Scenario.BENIGN),
        start=_START,
        span=_DAYS * _DAY_MS,
    )
    options = NodeOptions(heap="2g", java=("-XX:TieredStopAtLevel=4",))  # as a node that runs for long
    with (
        running_node(given.engine, options=options, report=lambda message: print(message, file=sys.stderr)) as node,
        connect(Connection(node.url)) as engine,
    ):
        install(Connections(engine), shared_objects(rules, engine.name), on_step=lambda _: None)
        assert ingest(engine, shipped(plan), index).failed == 0
        engine.refresh(index)
        print("| what | this | against | ratio |\n|---|---|---|---|")
        for rule in rules:
            _compare(engine, rule, index, f"`backtest` of {_DAYS} days, {given.lines:,} lines")


def _compare(engine: Engine, rule: Rule, index: str, what: str) -> None:
    windows = list(rule.windows.within(_START - _OFFSET_MS, _START + _DAYS * _DAY_MS - _OFFSET_MS))

    def in_one_pass() -> list[Finding]:
        counted = Backtest(engine, rule, index, windows).statistics()
        return [found for window, host, each in counted if (found := build_finding(rule, host, window, each))]

    def one_by_one() -> list[Finding]:
        return [found for window in windows for found in evaluate(engine, rule, index, window)]

    seconds: dict[_Side, list[float]] = {in_one_pass: [], one_by_one: []}
    for _ in range(_RUNS + 1):
        found = [_timed(engine, index, side, times) for side, times in seconds.items()]
        assert found[0] == found[1]
    this, against = (sorted(times[1:])[_RUNS // 2] for times in seconds.values())  # the first is for the JVM
    what += f", {len(found[0])} findings by `{rule.id}`, against {len(windows)} searches"
    print(f"| {what} | {this:.2f} s | {against:.2f} s | {against / this:.0f} |", flush=True)


def _timed(engine: Engine, index: str, side: _Side, times: list[float]) -> list[Finding]:
    """Return what a side finds without caches, and add the seconds that it takes to `times`."""
    engine.request("POST", f"/{index}/_cache/clear")
    begun = time.perf_counter()
    found = side()
    times.append(time.perf_counter() - begun)
    return found


if __name__ == "__main__":
    main()
