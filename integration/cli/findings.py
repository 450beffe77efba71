"""`detect findings list`, `show`: what was found so far, wherever it is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Annotated, Literal

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.instants import FromOption, ToOption, span_of
from integration.cli.options import IndexOption, TabularFormatOption, severity_of
from integration.cli.output import note
from integration.cli.report import Report, with_report
from integration.cli.tables import print_record
from integration.cli.verbs import ListingGroup, typer_app, verb_of
from integration.commands.losses import unseen
from integration.commands.recording_places import Places
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import InputError
from integration.evaluation.cluster import count_events
from integration.evaluation.history import AlertQuery, AlertState, FindingQuery, Skipped, risk_findings
from integration.evaluation.presence import has_events, no_events
from integration.findings.filter import FilterTally
from integration.findings.finding import Finding, in_zone
from integration.findings.store import FindingStore, stored_findings

_MOST_IDS = 10


Source = Literal["all", "risk", "alerts"]
findings = typer_app(
    cls=ListingGroup,
    help="List findings, or show one: risk events, and alerts of OpenSearch Alerting or Kibana.",
)
SourceOption = Annotated[Source, typer.Option("--source", help="Stored risk events, the engine's alerts, or both.")]


@verb_of(findings, "list")
@with_cluster
@with_report
def listed(
    cluster: ClusterOptions,
    report: Report,
    start: FromOption = None,
    end: ToOption = None,
    host: Annotated[list[str] | None, typer.Option("--host", metavar="GLOB", help="Of these machines only.")] = None,
    severity: Annotated[str, typer.Option("--severity", metavar="LEVEL", help="This severe or more.")] = "informational",
    source: SourceOption = "all",
    state: Annotated[AlertState, typer.Option("--state", help="Alerts that are open, over, or both.")] = AlertState.ALL,
    index: IndexOption = None,
    form: TabularFormatOption = "table",
) -> None:
    """List findings: risk events, and alerts of OpenSearch Alerting or Kibana.

    Each finding is listed once. Kibana's detection rules need --kibana-url. `detect findings` alone means this; `detect findings
    show ID` shows one in full.

    Example: detect findings --since yesterday --severity high --host 'gpu-*' --format json
    """
    where = index or cluster.namespace.events
    begins, ends = span_of(start, end)
    wanted = FindingQuery(
        rules={each.id: each for each in report.rules},
        start=begins,
        end=ends,
        hosts=tuple(host or ()),
        severity=severity_of("--severity", severity),
    )
    with _found(cluster, report, where, source, AlertQuery(wanted, state, Skipped(), report.zone)) as (engine, found):
        post_filter = report.settings.post_filter
        tally = FilterTally(post_filter, may=True)
        events = _events(engine, report.rules, where, filter(post_filter.may_pass, found))
        report.print(tally.kept(found), events, form)
        if not len(found):
            note("Listed are risk events (of `detect watch` and `detect run --write`) and alerts. `detect run` evaluates.")
        if not events["read"] and not has_events(engine, report.rules, where, wanted.start, wanted.end):
            note(no_events(engine, where, wanted.start, wanted.end))
        if index is None and (told := unseen(engine, where, wanted.start, wanted.end)):
            note(told)
    for line in tally.notes():
        note(line)
    report.end()


@verb_of(findings)
@with_cluster
@with_report
def show(
    cluster: ClusterOptions,
    report: Report,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The finding's id, or the beginning of it.")],
    source: SourceOption = "all",
    index: IndexOption = None,
    form: TabularFormatOption = "table",
) -> None:
    """Show one finding in full.

    Example: detect findings show c519d6a5b721
    """
    wanted = FindingQuery({each.id: each for each in report.rules}, id_begins=identifier.lower())
    asked = AlertQuery(wanted, AlertState.ALL, Skipped(), report.zone)
    where = index or cluster.namespace.events
    with _found(cluster, report, where, source, asked) as (engine, found):
        if len(found) != 1:
            ids = ", ".join(finding.id for finding in islice(found, _MOST_IDS))
            raise InputError(
                f"{len(found):,} findings have an id that begins with {identifier!r}: {ids}"
                if ids
                else f"no finding has an id that begins with {identifier!r}; `detect findings` lists them"
            )
        if form == "table":
            print_record(next(iter(found)))
        else:
            report.print(found, _events(engine, report.rules, where, found), form)


@contextmanager
def _found(
    cluster: ClusterOptions, report: Report, index: str, source: Source, asked: AlertQuery
) -> Iterator[tuple[Engine, FindingStore]]:
    """Yield the cluster and the findings that are asked for, each once, and tell of what could not be read."""
    with cluster.open() as engine, cluster.open_kibana() as kibana:
        sources: list[Iterable[Finding]] = []
        if source != "alerts":
            sources.append(risk_findings(engine, cluster.namespace.risk, asked.wanted, asked.left_out))
        if source != "risk":
            if kibana is not None:
                kibana.check()
            places = Places(engine, kibana, cluster.namespace, index)
            sources += [(each.finding for each in places.alerts(rule, asked)) for rule in report.rules]
        in_this_zone = (in_zone(each, report.zone) for each in chain.from_iterable(sources))
        with stored_findings(in_this_zone) as found:
            yield engine, found
    for line in asked.left_out.notes():
        note(line)


def _events(engine: Engine, rules: tuple[Rule, ...], index: str, found: Iterable[Finding]) -> dict[str, int]:
    """Count the events in the span of the findings, once for each dataset, and those that they tell of."""
    read = selected = 0
    start, end = sys.maxsize, -sys.maxsize
    for finding in found:
        start, end = min(start, finding.window_start), max(end, finding.window_end)
        selected += finding.events
    if start < end:
        datasets = {rule.data_source.dataset: rule for rule in rules}
        read = sum(count_events(engine, rule, index, start, end) for rule in datasets.values())
    return {"read": read, "selected": selected}
