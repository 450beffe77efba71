"""What a line costs against another commit: the same documents into what either commit installs, in turn, on one node.

    python benchmarks/pipeline.py --against 2e9d57a --engine elasticsearch

Each side has the pipeline and the index template of its commit. Prints a row of a Markdown table for each shape of documents, and
one for all. A side's time is the sum of its rounds; every round has documents that no round before had. Beside the ratio of the
rates stands that of the node's processor time, which other work on the machine changes less. How Java compiles a script differs
from one start of a node to the next by some percent: run it several times.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measured import Spent

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.install.objects import Connections
from integration.install.plan import install
from integration.install.shared_objects import shared_objects
from integration.log.documents import document
from integration.log.files import RawLine
from integration.log.line import read
from integration.names import PIPELINE, Namespace
from integration.sandbox.local import Node, NodeOptions, running_node
from integration.sandbox.sample import Plan, Scenario, generate
from integration.times import parse_time

_START = parse_time("2026-11-24T00:00:00Z")
_HOUR_MS = 3_600_000
_BEFORE = "before"
_WARM_UP = 24  # rounds, as a node that runs for long

Shape = Callable[[str, RawLine], dict[str, Any]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--against", required=True, metavar="COMMIT")
    arguments.add_argument("--engine", default="opensearch", choices=("opensearch", "elasticsearch"))
    arguments.add_argument("--lines", type=int, default=5_000, help="lines of a round")
    arguments.add_argument("--rounds", type=int, default=30)
    given = arguments.parse_args()
    options = NodeOptions(heap="2g", java=("-XX:TieredStopAtLevel=4",))  # as a node that runs for long
    with (
        running_node(given.engine, options=options, report=lambda message: print(message, file=sys.stderr)) as node,
        connect(Connection(node.url)) as engine,
    ):
        install(Connections(engine), shared_objects(load_rules(), engine.name), on_step=lambda _: None)
        _put_before(engine, given.against)
        print(f"| documents, on {engine.name} | now | {given.against} | ratio | by processor time |\n|---|---|---|---|---|")
        sums = dict.fromkeys((PIPELINE, _BEFORE), Spent(0.0, 0.0))
        for name, shape in SHAPES.items():
            spent = _measured(engine, node, shape, given.lines, given.rounds)
            sums = {pipeline: sums[pipeline].plus(spent[pipeline]) for pipeline in sums}
            _row(name, given.lines * given.rounds, spent)
        _row("all of these", given.lines * given.rounds * len(SHAPES), sums)


def _put_before(engine: Engine, commit: str) -> None:
    """Put what the other commit installs for events, under names beside ours."""
    with TemporaryDirectory() as folder:
        archive = subprocess.run(("git", "archive", commit), cwd=Path(__file__).parent.parent, capture_output=True, check=True)
        subprocess.run(("tar", "-x", "-C", folder), input=archive.stdout, check=True)
        export = (sys.executable, "-m", "integration", "export", "bodies", "--engine", engine.name)
        subprocess.run(export, cwd=folder, env=os.environ | {"PYTHONPATH": folder}, stdout=subprocess.DEVNULL, check=True)
        bodies = Path(folder, "bodies", engine.name)
        pipeline = json.loads((bodies / f"ingest_pipeline.{PIPELINE}.json").read_text(encoding="utf-8"))
        template = json.loads((bodies / f"index_template.logs-{PIPELINE}.json").read_text(encoding="utf-8"))
    engine.put_pipeline(_BEFORE, pipeline)
    template |= {"index_patterns": [Namespace(_BEFORE).events], "priority": template["priority"] + 1}
    engine.request("PUT", f"/_index_template/{_BEFORE}", template)


def _row(name: str, lines: int, spent: dict[str, Spent]) -> None:
    now, before = spent[PIPELINE], spent[_BEFORE]
    rates = " | ".join(f"{lines / each.clock:,.0f} lines/s" for each in (now, before))
    print(f"| {name} | {rates} | {before.clock / now.clock:.2f} | {before.processors / now.processors:.2f} |", flush=True)


def _measured(engine: Engine, node: Node, shape: Shape, lines: int, rounds: int) -> dict[str, Spent]:
    """Return what each pipeline took for all rounds but the first ones, which are for the JVM."""
    spent = dict.fromkeys((PIPELINE, _BEFORE), Spent(0.0, 0.0))
    for number in range(_WARM_UP + rounds):
        # Made beforehand, as texts: the client's work is no part of it.
        documents = [
            (f"{shape.__name__}-{number}-{at}", json.dumps(each)) for at, each in enumerate(_documents(shape, lines, seed=number))
        ]
        sides = (PIPELINE, _BEFORE) if number % 2 else (_BEFORE, PIPELINE)
        for side in sides:
            begun = Spent.until_now(node, client=False)
            results = list(engine.bulk_create(Namespace(side.removeprefix("ollama.")).events, documents, pipeline=side))
            if number >= _WARM_UP:
                spent[side] = spent[side].plus(Spent.until_now(node, client=False).since(begun))
            assert all(result.ok for result in results), results[0].reason
    return spent


def _documents(shape: Shape, lines: int, seed: int) -> Iterator[dict[str, Any]]:
    plan = Plan(hosts=20, lines=lines, scenarios=(Scenario.MIXED, Scenario.BENIGN), seed=seed, start=_START, span=24 * _HOUR_MS)
    for number, (host, text) in enumerate(generate(plan), 1):
        yield shape(host, RawLine(text, f"{host}/{seed}.log", number, number, _START, read(text)))


def _ingested(host: str, line: RawLine) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(document(host, line).source)
    return made


def _filebeat(host: str, line: RawLine) -> dict[str, Any]:
    """Return what Filebeat's filestream input sends with its default processors."""
    return {
        "@timestamp": "2026-11-24T08:50:12.412Z",
        "message": line.text,
        "log": {"file": {"path": "/var/log/ollama/server.log", "inode": "1234", "device_id": "2049"}, "offset": line.offset},
        "input": {"type": "filestream"},
        "ecs": {"version": "8.0.0"},
        "agent": {"type": "filebeat", "version": "9.4.3", "id": "3f2a", "ephemeral_id": "77c1", "name": host},
        "host": {"name": host, "hostname": host, "os": {"type": "linux", "family": "debian"}, "ip": ["10.0.0.7"]},
    }


def _docker(host: str, line: RawLine) -> dict[str, Any]:
    """Return a record of Docker's `json-file` driver as a shipper sends it that does not read it."""
    record = json.dumps({"log": f"{line.text}\n", "stream": "stderr", "time": "2026-11-24T08:50:12.412345678Z"})
    return _filebeat(host, line) | {"message": record}


SHAPES: dict[str, Shape] = {
    "lines as `detect ingest` sends them": _ingested,
    "lines as Filebeat sends them": _filebeat,
    "Docker's JSON records by Filebeat": _docker,
}


if __name__ == "__main__":
    main()
