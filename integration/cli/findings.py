"""`detect findings`: what was found so far, wherever it is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Annotated

import typer

from integration.alerting import AlertingTarget, has_alerting
from integration.cli.config import ConfigOption, IndexOption, configured, note_filtered
from integration.cli.options import (
    DEFAULT_ROWS,
    ClusterOptions,
    FailOnOption,
    MaxSplRowsOption,
    RuleOption,
    RulesOption,
    SplRowsOption,
    TabularFormat,
    TabularFormatOption,
    TimezoneOption,
    severity_of,
    with_cluster,
    zone_of,
)
from integration.cli.output import note, print_findings
from integration.engines.base import Engine
from integration.errors import InputError
from integration.filter import Passed
from integration.finding import Finding
from integration.findings import AlertState, Asked, LeftOut, Wanted, risk_findings
from integration.kibana import Kibana
from integration.kibana_alerts import kibana_findings
from integration.names import Namespace
from integration.opensearch_alerts import alerts, monitor_findings
from integration.rule import Rule, Severity
from integration.run import count_events
from integration.spool import spooled
from integration.times import parse_time


class Source(StrEnum):
    """Where findings are read from."""

    ALL = "all"
    RISK = "risk"
    ALERTS = "alerts"


@with_cluster
def findings(
    cluster: ClusterOptions,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Windows that begin then or later.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Windows that end by then.")] = None,
    host: Annotated[list[str] | None, typer.Option("--host", metavar="GLOB", help="Of these machines only.")] = None,
    severity: Annotated[str, typer.Option("--severity", help="This severe or more.")] = "informational",
    source: Annotated[Source, typer.Option("--source", help="Stored risk events, the engine's alerts, or both.")] = Source.ALL,
    state: Annotated[AlertState, typer.Option("--state", help="Alerts that are open, over, or both.")] = AlertState.ALL,
    timezone: TimezoneOption = "UTC",
    rule: RuleOption = None,
    rules: RulesOption = None,
    fail_on: FailOnOption = None,
    spl_rows: SplRowsOption = False,
    max_spl_rows: MaxSplRowsOption = DEFAULT_ROWS,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: TabularFormatOption = TabularFormat.TABLE,
) -> None:
    """List what was found: risk events, and alerts of OpenSearch Alerting or of Kibana (--kibana-url), each finding once.

    Example: detect findings --from 2026-11-24 --severity high --host 'gpu-*' --format json
    """
    settings, loaded = configured(config, rules, rule)
    threshold, where = severity_of(fail_on), index or cluster.namespace.events
    wanted = Wanted(
        rule_ids=frozenset(each.id for each in loaded),
        start=None if start is None else parse_time(start),
        end=None if end is None else parse_time(end),
        hosts=tuple(host or ()),
        severity=_least(severity),
    )
    left_out = LeftOut()
    with cluster.open() as engine, cluster.open_kibana() as kibana:
        sources: list[Iterable[Finding]] = []
        if source is not Source.ALERTS:
            sources.append(risk_findings(engine, cluster.namespace.risk, wanted))
        if source is not Source.RISK:
            if kibana is not None:
                kibana.check()
            asked = Asked(wanted, state, left_out, zone_of(timezone))
            sources += _alerts(engine, kibana, loaded, cluster.namespace, where, asked)
        passed = Passed(settings.post_filter)
        with spooled(chain.from_iterable(sources)) as found:
            events = _events(engine, loaded, where, settings.post_filter.kept(found))
            print_findings(passed.of(found), events, form, max_spl_rows if spl_rows else None)
    note_filtered(passed.filtered)
    for line in left_out.notes():
        note(line)
    if passed.reaches(threshold):
        raise typer.Exit(1)


def _alerts(
    engine: Engine, kibana: Kibana | None, rules: tuple[Rule, ...], namespace: Namespace, index: str, asked: Asked
) -> Iterator[Iterator[Finding]]:
    """Give the findings of the alerts of each rule, wherever the rules run by themselves."""
    target = AlertingTarget(engine, namespace, index) if has_alerting(engine) else None
    for rule in rules:
        monitor = target.find(rule) if target else None
        if monitor is not None:
            listed = alerts(engine, monitor.id, asked.state, asked.left_out)
            yield monitor_findings(engine, rule, index, listed, asked)
        if kibana is not None and engine.name == "elasticsearch":
            yield kibana_findings(engine, kibana, rule, namespace, index, asked)


def _events(engine: Engine, rules: tuple[Rule, ...], index: str, found: Iterable[Finding]) -> dict[str, int]:
    """Count the events in the span of the findings, once for each dataset, and those that they tell of."""
    read = selected = 0
    start, end = sys.maxsize, -sys.maxsize
    for finding in found:
        start, end = min(start, finding.window_start), max(end, finding.window_end)
        selected += finding.error_count
    if start < end:
        datasets = {rule.data_source.dataset: rule for rule in rules}
        read = sum(count_events(engine, rule, index, start, end) for rule in datasets.values())
    return {"read": read, "selected": selected}


def _least(name: str) -> Severity:
    try:
        return Severity.parse(name)
    except ValueError as error:
        raise InputError(f"--severity: {error}") from error
