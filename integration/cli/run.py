"""`detect run`: scheduled windows, evaluated by the cluster."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.options import IndexOption, TabularFormatOption
from integration.cli.output import note, progress
from integration.cli.report import Report, with_report
from integration.cli.windows import AtOption, FromOption, ToOption, told, windows_of
from integration.commands.losses import unseen
from integration.commands.run import Run, count_read, spanned
from integration.detection.model import Rule
from integration.evaluation.presence import newest_event, no_events
from integration.evaluation.risk_events import write as write_risk
from integration.findings.filter import FilterTally
from integration.findings.store import stored_findings
from integration.times import rfc3339


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
    form: TabularFormatOption = "table",
) -> None:
    """Let the cluster evaluate scheduled windows and print the findings.

    Example: detect run --since 30d --write --url https://localhost:9200
    """
    plan = [(each, windows_of(each, at, start, end)) for each in report.rules]
    where = index or cluster.namespace.events
    tally, written = FilterTally(report.settings.post_filter), None
    with cluster.open() as engine, ExitStack() as stack:
        with progress("Windows", sum(len(windows) for _, windows in plan)) as advance:
            running = Run(engine, plan, where, report.zone)
            findings = stack.enter_context(stored_findings(tally.kept(running.findings(advance))))
        read = count_read(engine, plan, where)
        told_unseen = None if index else unseen(engine, where, *spanned(plan))
        if write:
            written = write_risk(engine, cluster.namespace.risk, {each.id: each for each in report.rules}, findings)
        report.print(findings, {"read": read, "selected": running.selected}, form)
        note(told(plan))
        if not read:
            note(no_events(engine, where, *spanned(plan)))
        if told_unseen:
            note(told_unseen)
        if not len(findings) and (newest := newest_event(engine, report.rules, where)) is not None:
            note(_told_newest(report.rules[0], where, newest, spanned(plan)))
    for line in tally.notes():
        note(line)
    if written is not None:
        note(
            f"Risk events in {cluster.namespace.risk}: {written.created} created, {written.updated} updated, "
            f"{written.unchanged} unchanged; each read back and compared."
        )
    report.end()


def _told_newest(rule: Rule, index: str, newest: int, span: tuple[int, int]) -> str:
    """Return of when the newest event is, and where it is in none of the windows, which run evaluates it."""
    told = f"The newest event in {index} is of {rfc3339(newest, millis=False)}"
    if span[0] <= newest < span[1]:
        return f"{told}."
    run_at = rfc3339(rule.windows.window_of(newest).run_at, millis=False)
    return f"{told}. It is in the window of the run at {run_at}: `detect run --at {run_at}` evaluates what is there by now."
