"""`detect findings`: what was found so far, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from enum import StrEnum
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
from integration.cli.output import print_findings
from integration.engines.base import Engine
from integration.errors import InputError
from integration.finding import Finding
from integration.findings import Alert, Wanted, alert_findings, merged, opensearch_alert, risk_findings
from integration.names import Namespace
from integration.rule import Rule, Severity
from integration.run import count_events
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
    source: Annotated[Source, typer.Option("--source", help="Stored risk events, the engine's open alerts, or both.")] = Source.ALL,
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
    """List what was found: risk events, and open alerts of OpenSearch Alerting, each finding once.

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
    with cluster.open() as engine:
        sources: list[Iterable[Finding]] = []
        if source is not Source.ALERTS:
            sources.append(risk_findings(engine, cluster.namespace.risk, wanted))
        if source is not Source.RISK:
            sources += _alerts(engine, loaded, cluster.namespace, where, wanted, zone_of(timezone))
        found = merged(*sources)
        passed = settings.post_filter.kept(found)
        read = _events_read(engine, loaded, where, passed)
    print_findings(passed, {"read": read, "selected": sum(f.error_count for f in passed)}, form, max_spl_rows if spl_rows else None)
    note_filtered(len(found) - len(passed))
    if threshold is not None and any(finding.severity >= threshold for finding in passed):
        raise typer.Exit(1)


def _alerts(
    engine: Engine, rules: tuple[Rule, ...], namespace: Namespace, index: str, wanted: Wanted, zone: tzinfo
) -> Iterator[Iterator[Finding]]:
    """Give the findings of the open alerts of each rule's monitor, where the cluster runs the rules itself."""
    if not has_alerting(engine):
        return
    target = AlertingTarget(engine, namespace, index)
    for rule in rules:
        monitor = target.find(rule)
        if monitor is not None:
            alerts: list[Alert] = [found for alert in target.open_alerts(monitor.id) if (found := opensearch_alert(alert))]
            yield alert_findings(engine, rule, index, alerts, wanted, zone)


def _events_read(engine: Engine, rules: tuple[Rule, ...], index: str, found: list[Finding]) -> int:
    """Count the events in the span of the findings, once for each dataset."""
    if not found:
        return 0
    start, end = min(f.window_start for f in found), max(f.window_end for f in found)
    datasets = {rule.data_source.dataset: rule for rule in rules}
    return sum(count_events(engine, rule, index, start, end) for rule in datasets.values())


def _least(name: str) -> Severity:
    try:
        return Severity.parse(name)
    except ValueError as error:
        raise InputError(f"--severity: {error}") from error
