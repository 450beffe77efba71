"""A backtest of 30 days in one pass against a search for each of their 720 windows, on a node started for it.

    python benchmarks/backtest.py --lines 150000

Prints rows of a Markdown table for each rule: medians of three runs of each side in turn, by the clock and by the processor time
of node and client, which other work on the machine changes less (Linux). Each side has run for some seconds before, for the JVM.
Both sides give the same findings, and the node's caches are cleared before each run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from measured import Spent
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
from integration.sandbox.local import Node, NodeOptions, running_node
from integration.sandbox.sample import Plan, Scenario
from integration.times import parse_time

_START = parse_time("2026-10-01T00:00:00Z")
_DAY_MS = 86_400_000
_OFFSET_MS = 600_000  # the windows of the rules begin ten minutes before the hour
_DAYS = 30
_RUNS = 3
_WARM_SECONDS = 20
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
            _compare(node, engine, rule, index, f"`backtest` of {_DAYS} days, {given.lines:,} lines")


def _compare(node: Node, engine: Engine, rule: Rule, index: str, what: str) -> None:
    windows = list(rule.windows.within(_START - _OFFSET_MS, _START + _DAYS * _DAY_MS - _OFFSET_MS))

    def in_one_pass() -> list[Finding]:
        counted = Backtest(engine, rule, index, windows).statistics()
        return [found for window, host, each in counted if (found := build_finding(rule, host, window, each))]

    def one_by_one() -> list[Finding]:
        return [found for window in windows for found in evaluate(engine, rule, index, window)]

    spent: dict[_Side, list[Spent]] = {in_one_pass: [], one_by_one: []}
    for side in spent:
        begun = time.perf_counter()
        while time.perf_counter() - begun < _WARM_SECONDS:
            _run(node, engine, index, side)
    for _ in range(_RUNS):
        found = []
        for side, times in spent.items():
            findings, seconds = _run(node, engine, index, side)
            found.append(findings)
            times.append(seconds)
        assert found[0] == found[1]
    for number, clock in enumerate(("", " by processor time")):
        this, against = (sorted(each[number] for each in times)[_RUNS // 2] for times in spent.values())
        where = f"{what}{clock}, {len(found[0])} findings by `{rule.id}`, against {len(windows)} searches"
        print(f"| {where} | {this:.2f} s | {against:.2f} s | {against / this:.1f} |", flush=True)


def _run(node: Node, engine: Engine, index: str, side: _Side) -> tuple[list[Finding], Spent]:
    """Return what a side finds without caches, and what that takes."""
    engine.request("POST", f"/{index}/_cache/clear")
    begun = Spent.until_now(node)
    found = side()
    return found, Spent.until_now(node).since(begun)


if __name__ == "__main__":
    main()
