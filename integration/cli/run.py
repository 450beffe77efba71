"""`detect run`: scheduled windows, evaluated by the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Annotated

import typer

from integration.cli.config import IndexOption, note_filtered
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.output import note, progress
from integration.cli.report import Report, with_report
from integration.cli.windows import AtOption, FromOption, ToOption, windows_of
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.cluster import count_events, evaluate
from integration.evaluation.risk_events import Written
from integration.evaluation.risk_events import write as write_risk
from integration.findings.filter import Passed
from integration.findings.finding import Finding
from integration.findings.store import stored_findings


@with_cluster
@with_report
def run(
    cluster: ClusterOptions,
    report: Report,
    at: AtOption = None,
    start: FromOption = None,
    end: ToOption = None,
    write: Annotated[bool, typer.Option("--write", help="Store the findings as risk events.")] = False,
    index: IndexOption = None,
) -> None:
    """Let the cluster evaluate scheduled windows and print the findings.

    Example: detect run --from 2026-11-24 --to 2026-11-25 --write --url https://localhost:9200
    """
    plan = [(each, windows_of(each, at, start, end)) for each in report.rules]
    where, passed = index or cluster.namespace.events, Passed(report.settings.post_filter.passes)
    written: Written | None = None
    with cluster.open() as engine, stored_findings(passed.of(_evaluated(engine, plan, where, report.zone))) as findings:
        read = sum(count_events(engine, each, where, windows[0].start, windows[-1].end) for each, windows in _widest(plan))
        if write:
            written = write_risk(engine, cluster.namespace.risk, {each.id: each for each in report.rules}, findings)
        report.print(findings, {"read": read, "selected": passed.events})
    note_filtered(passed.filtered)
    if written is not None:
        note(
            f"Risk events in {cluster.namespace.risk}: {written.created} created, {written.updated} updated, "
            f"{written.unchanged} unchanged; each read back and compared."
        )
    report.end(passed.gravest)


def _evaluated(engine: Engine, plan: Sequence[tuple[Rule, list[Window]]], index: str, zone: tzinfo) -> Iterator[Finding]:
    with progress("Windows", sum(len(windows) for _, windows in plan)) as advance:
        for rule, windows in plan:
            for window in windows:
                yield from evaluate(engine, rule, index, window, zone)
                advance(1)


def _widest(plan: Sequence[tuple[Rule, list[Window]]]) -> list[tuple[Rule, list[Window]]]:
    """One rule a dataset, so that events are not counted once for each rule that reads them."""
    by_dataset = {rule.data_source.dataset: (rule, windows) for rule, windows in plan}
    return list(by_dataset.values())
