"""`detect run` and `detect validate`: scheduled windows, on the cluster and against the reference."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import islice
from typing import Annotated

import typer

from integration.cli.config import ConfigOption, IndexOption, configured, note_filtered
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.options import Format, FormatOption, RuleOption, RulesOption, TimezoneOption, zone_of
from integration.cli.output import inert, note, print_json, print_table, progress
from integration.cli.report import Report, with_report
from integration.commands.validate import Validation
from integration.commands.validate import validate as validate_rule
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.errors import InputError
from integration.evaluation.cluster import count_events, evaluate
from integration.evaluation.risk_events import Written
from integration.evaluation.risk_events import write as write_risk
from integration.findings.filter import Passed
from integration.findings.finding import Finding
from integration.findings.store import stored_findings
from integration.times import parse_time, rfc3339

_MAX_WINDOWS = 100_000  # eleven years, hour by hour

AtOption = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="The scheduled run then, or the last before (default: now).")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="With --to: every scheduled window wholly in between.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME")]


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


@with_cluster
def validate(
    cluster: ClusterOptions,
    at: AtOption = None,
    start: FromOption = None,
    end: ToOption = None,
    timezone: TimezoneOption = "UTC",
    rule: RuleOption = None,
    rules: RulesOption = None,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Prove it: fetch the windows' raw lines, evaluate the Python reference, and compare with what the cluster says.

    Ends with 1 when they differ.

    Example: detect validate --from 2026-11-24 --to 2026-11-25
    """
    settings, loaded = configured(config, rules, rule)
    zone, where = zone_of(timezone), index or cluster.namespace.events
    results: list[tuple[Rule, Validation]] = []
    with cluster.open() as engine, progress("Comparing", len(loaded)) as advance:
        for each in loaded:
            windows = windows_of(each, at, start, end)
            results.append((each, validate_rule(engine, each, where, windows, zone, settings.post_filter)))
            advance(1)
    if form is Format.JSON:
        print_json({"agrees": all(result.agrees for _, result in results), "rules": [_validation_json(*pair) for pair in results]})
    else:
        print_validation(results)
    if not all(result.agrees for _, result in results):
        raise typer.Exit(1)


def windows_of(rule: Rule, at: str | None, start: str | None, end: str | None) -> list[Window]:
    """Give the windows that --at, or --from and --to, mean for a rule."""
    if (start is None) != (end is None) or (at is not None and start is not None):
        raise InputError("give --from and --to together, or --at, or neither for the last scheduled run")
    if start is None or end is None:
        return [rule.windows.last_run(parse_time(at) if at is not None else int(time.time() * 1000))]
    windows = list(islice(rule.windows.within(parse_time(start), parse_time(end)), _MAX_WINDOWS + 1))
    if len(windows) > _MAX_WINDOWS:
        raise InputError(
            f"--from {start} and --to {end} are more than {_MAX_WINDOWS:,} windows of {rule.id} apart: is the year right? If so, "
            "ask for one part after the other"
        )
    if not windows:
        raise InputError(f"no scheduled window of {rule.id} lies wholly between {start} and {end}")
    return windows


def print_validation(results: Sequence[tuple[Rule, Validation]]) -> None:
    """Write the verdict for each rule, and every difference."""
    for rule, result in results:
        compared = (
            f"{result.comparison.findings} findings in {result.windows} windows, from {result.selected:,} selected of "
            f"{result.events:,} events: every statistic, the severity and the SPL rows"
        )
        if result.agrees:
            print(f"The Python reference agrees with the cluster: {compared}. ({rule.id})")  # noqa: T201
            continue
        print(f"The Python reference and the cluster DIFFER: {compared}. ({rule.id})")  # noqa: T201
        rows = [
            [rfc3339(d.window_start, millis=False), d.host, d.field, inert(repr(d.reference), 300), inert(repr(d.cluster), 300)]
            for d in result.comparison.differences
        ]
        print_table(["window start", "host", "field", "reference", "cluster"], rows)
        if left_out := result.comparison.left_out:
            print(f"{left_out:,} more differences.")  # noqa: T201


def _validation_json(rule: Rule, result: Validation) -> dict[str, object]:
    return {
        "rule_id": rule.id,
        "agrees": result.agrees,
        "windows": result.windows,
        "findings": result.comparison.findings,
        "events": {"read": result.events, "selected": result.selected},
        "differences": [
            {
                "window_start": rfc3339(d.window_start, millis=False),
                "host": d.host,
                "field": d.field,
                "reference": d.reference,
                "cluster": d.cluster,
            }
            for d in result.comparison.differences
        ],
        "differences_left_out": result.comparison.left_out,
    }


def _widest(plan: Sequence[tuple[Rule, list[Window]]]) -> list[tuple[Rule, list[Window]]]:
    """One rule a dataset, so that events are not counted once for each rule that reads them."""
    by_dataset = {rule.data_source.dataset: (rule, windows) for rule, windows in plan}
    return list(by_dataset.values())
