"""`detect validate`: the cluster's findings against the reference."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from integration.cli.config import ConfigOption, IndexOption, configured
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.losses import note_losses
from integration.cli.options import Format, FormatOption, RuleOption, RulesOption, TimezoneOption, zone_of
from integration.cli.output import escaped, note, print_json, print_table, progress
from integration.cli.windows import AtOption, FromOption, ToOption, told, windows_of
from integration.commands.losses import losses
from integration.commands.validate import Validation
from integration.commands.validate import validate as validate_rule
from integration.detection.model import Rule
from integration.evaluation.presence import no_events
from integration.times import rfc3339


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
    """Compare the cluster's findings with the Python reference over the same lines.

    The raw lines of the windows are fetched and evaluated by the reference. Ends with 1 when the two differ, when there are no
    events to compare them over, and when documents in the windows did not become events that the rules see, or name no machine.

    Example: detect validate --since 7d
    """
    settings, loaded = configured(config, rules, rule)
    zone, where = zone_of(timezone), index or cluster.namespace.events
    results: list[tuple[Rule, Validation]] = []
    unanswered: list[str] = []
    span = (sys.maxsize, 0)
    plan = [(each, windows_of(each, at, start, end)) for each in loaded]
    with cluster.open() as engine, progress("Comparing", len(plan)) as advance:
        for each, windows in plan:
            results.append((each, validate_rule(engine, each, where, windows, zone, settings.post_filter)))
            advance(1)
            if not results[-1][1].events:
                unanswered.append(no_events(engine, where, windows[0].start, windows[-1].end))
            if not each.field_names.own_index:
                span = (min(span[0], windows[0].start), max(span[1], windows[-1].end))
        lost = losses(engine, where, *span) if span[1] else []
    note(told(plan))
    for message in dict.fromkeys(unanswered):
        note(message)
    note_losses(lost, where)
    if form is Format.JSON:
        agrees = all(result.agrees for _, result in results)
        counted = {loss.kind: loss.count for loss in lost}
        print_json({"agrees": agrees, "rules": [_validation_json(*pair) for pair in results], "documents": counted})
    else:
        print_validation(results)
    if not all(result.agrees for _, result in results) or any(loss.fault and loss.count for loss in lost):
        raise typer.Exit(1)


def print_validation(results: Sequence[tuple[Rule, Validation]]) -> None:
    """Write the verdict for each rule, and every difference."""
    for rule, result in results:
        compared = (
            f"{result.comparison.findings} findings in {result.windows} windows, from {result.selected:,} selected of "
            f"{result.events:,} events: every statistic, the severity and the SPL rows"
        )
        if not result.events:
            print(f"Nothing was compared: there is no event in {result.windows} windows. ({rule.id})")  # noqa: T201
            continue
        if result.agrees:
            print(f"The Python reference agrees with the cluster: {compared}. ({rule.id})")  # noqa: T201
            continue
        print(f"The Python reference and the cluster DIFFER: {compared}. ({rule.id})")  # noqa: T201
        rows = [
            [rfc3339(d.window_start, millis=False), d.host, d.field, escaped(repr(d.reference), 300), escaped(repr(d.cluster), 300)]
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
