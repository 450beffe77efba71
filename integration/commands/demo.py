"""`detect demo`: the whole way once, on a real node that is started for it and removed again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from integration.commands.ingest import IngestReport, ingest
from integration.commands.scan import scan
from integration.commands.validate import Validation, validate
from integration.detection.model import Rule
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.evaluation.cluster import evaluate
from integration.evaluation.comparison import Difference, compare
from integration.findings.finding import Finding
from integration.install.objects import Connections
from integration.install.plan import install
from integration.install.shared_objects import shared_objects
from integration.log.documents import Tally, with_host
from integration.log.files import read_lines
from integration.log.hosts import Hosts
from integration.names import Namespace
from integration.sandbox.local import running_node
from integration.sandbox.sample import write_files

_NAMESPACE = Namespace("demo")


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo saw.

    The validation of each rule holds the cluster against the reference over the raw lines that the cluster gives back;
    `file_differences` against the reference over the files themselves, so that the pipeline is tested too.
    """

    ingested: IngestReport
    findings: tuple[Finding, ...]
    validations: tuple[tuple[Rule, Validation], ...]
    file_differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether both comparisons found the two sides alike."""
        return all(validation.agrees for _, validation in self.validations) and not self.file_differences


def run_demo(rules: Sequence[Rule], engine: str, say: Callable[[str], None]) -> Demo:
    """Start a node, install, send sample logs, evaluate every window of theirs, and hold it against the reference twice."""
    with (
        tempfile.TemporaryDirectory(prefix="detect-demo-") as folder,
        running_node(engine, report=say) as node,
        connect(Connection(url=node.url)) as cluster,
    ):
        say(f"{cluster.name} {cluster.version_text} is up at {cluster.url}")
        files = write_files(Path(folder))
        say(
            f"{len(files)} sample logs of {len({file.host for file in files})} hosts written, {sum(f.lines for f in files):,} lines"
        )
        paths = [str(file.path) for file in files]
        hosts = Hosts(paths, host_from="path:-2")
        objects = shared_objects(rules, cluster.name)
        install(Connections(cluster), objects, on_step=lambda step: say(f"{step.kind} {step.name}: {step.action}"))
        index = _NAMESPACE.events
        ingested = ingest(cluster, with_host(chain.from_iterable(map(read_lines, paths)), hosts, Tally()), index)
        cluster.refresh(index)
        say(f"{ingested.created:,} lines sent through the pipeline into {index}")
        found: list[Finding] = []
        validations: list[tuple[Rule, Validation]] = []
        differences: list[Difference] = []
        with closing(scan(rules, paths, hosts=hosts)) as scanned:  # of the files themselves, which have seen no cluster
            for reference in scanned.references:
                rule, expected = reference.rule, list(reference.findings())
                # From the first finding's to the last one's.
                windows = list(rule.windows.within(expected[0].window_start, expected[-1].window_end)) if expected else []
                findings = [finding for window in windows for finding in evaluate(cluster, rule, index, window)]
                differences += compare(expected, findings).differences
                validations.append((rule, validate(cluster, rule, index, windows)))
                found += findings
        return Demo(ingested, tuple(found), tuple(validations), tuple(differences))
