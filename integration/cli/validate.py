"""`detect validate`: the cluster's findings, and those that alerts recorded, against the reference."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import tzinfo

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.export_validation import ExportRequest, LogOption, SplunkExportOption, validate_export
from integration.cli.junit import TestCase, junit
from integration.cli.logs import HostFromOption, HostOption
from integration.cli.losses import loss_cases, note_losses
from integration.cli.options import Form, ResultFormatOption, RuleOptions, TimezoneOption, with_rules, zone_of
from integration.cli.output import escaped, note, print_json, progress
from integration.cli.tables import print_table
from integration.cli.windows import AtOption, FromOption, ToOption, told, windows_of
from integration.commands.losses import Loss, losses
from integration.commands.recording_places import Places
from integration.commands.run import Plan
from integration.commands.validate import Place, Validation
from integration.commands.validate import validate as validate_rule
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.errors import InputError
from integration.evaluation.causes import Causes
from integration.evaluation.comparison import Difference
from integration.evaluation.presence import no_events
from integration.findings.filter import Filter
from integration.times import rfc3339

Results = Sequence[tuple[Rule, Validation]]

_MAX_CELL = 300


@with_cluster
@with_rules
def validate(
    cluster: ClusterOptions,
    options: RuleOptions,
    at: AtOption = None,
    start: FromOption = None,
    end: ToOption = None,
    timezone: TimezoneOption = "UTC",
    splunk_export: SplunkExportOption = None,
    log: LogOption = None,
    host: HostOption = None,
    host_from: HostFromOption = None,
    form: ResultFormatOption = "table",
) -> None:
    """Compare the cluster's findings with the Python reference over the same lines.

    The raw lines of the windows are fetched and evaluated by the reference. What alerts and risk events recorded is compared, too.
    Ends with 1 when any two differ, when there are no events to compare them over, and when documents in the windows did not become
    events that the rules see, or name no machine. With each difference come the events behind it.

    With --splunk-export, rows that Splunk printed are compared with ours instead: of the cluster, or of --log files without a
    cluster. --from and --to are then the time range of Splunk's search, and --timezone is the zone of who exported the rows.

    Example: detect validate --since 7d --format junit > validation.xml

    Or: detect validate --splunk-export results.csv --log server.log --host gpu-1 --timezone Europe/Berlin
    """
    zone, deployment = zone_of(timezone), options.deployment(cluster.namespace)
    where, post_filter = deployment.events, deployment.filter
    if splunk_export is not None:
        span = (at, start, end)
        request = ExportRequest(splunk_export, options.rules, zone, post_filter, *span, log or (), host, host_from)
        validate_export(cluster, where, request, form)
        return
    if log is not None or host is not None or host_from is not None:
        raise InputError("--log, --host and --host-from go with --splunk-export; `detect scan` evaluates log files alone")
    plan = [(each, windows_of(each, at, start, end)) for each in options.rules]
    _validate(cluster, where, plan, zone, post_filter, form)


def _validate(cluster: ClusterOptions, where: str, plan: Plan, zone: tzinfo, post_filter: Filter, form: Form) -> None:
    results: list[tuple[Rule, Validation]] = []
    unanswered: list[str] = []
    span = (sys.maxsize, 0)
    with cluster.open() as engine, cluster.open_kibana() as kibana, progress("Comparing", len(plan)) as advance:
        if kibana is not None:
            kibana.check()
        places = Places(engine, kibana, cluster.namespace, where, zone)
        for each, windows in plan:
            with closing(places.records(each, windows)) as records:
                results.append((each, validate_rule(engine, each, where, windows, zone, post_filter, records)))
            advance(1)
            if not results[-1][1].events:
                unanswered.append(no_events(engine, where, windows[0].start, windows[-1].end))
            if not each.field_names.own_index:
                span = (min(span[0], windows[0].start), max(span[1], windows[-1].end))
        lost = losses(engine, where, *span) if span[1] else []
    note(told(plan))
    not_compared = list(dict.fromkeys([*places.unread, *places.left_out.notes()]))
    for message in dict.fromkeys([*unanswered, *not_compared]):
        note(message)
    _note_recorded(results)
    note_losses(lost, where)
    print_results(results, lost, form, not_compared)
    if not all(result.agrees for _, result in results) or any(loss.fault for loss in lost):
        raise typer.Exit(1)


def _note_recorded(results: list[tuple[Rule, Validation]]) -> None:
    """Say where no recorded finding could be compared."""
    outlived = sum(result.comparison.outlived for _, result in results)
    if outlived:
        note(f"{outlived:,} recorded findings are not compared: the events of their windows are deleted.")
    if not any(result.recorded for _, result in results):
        note("There is no alert or risk event in this range: only the reference and the cluster were compared.")


def print_results(results: Results, losses: Sequence[Loss], form: Form, not_compared: Sequence[str] = ()) -> None:
    """Write the verdict for each rule with every difference, and the documents that did not become events as they should.

    `not_compared` says what was recorded and could not be read.
    """
    if form == "json":
        agrees = all(result.agrees for _, result in results)
        counted = {loss.kind: loss.count for loss in losses}
        rules = [_json(*pair) for pair in results]
        print_json({"agrees": agrees, "rules": rules, "documents": counted, "not_compared": list(not_compared)})
    elif form == "junit":
        suites = {f"{rule.id} on the cluster": list(_cases(rule, result)) for rule, result in results}
        print(junit(suites | ({"documents": list(loss_cases(losses))} if losses else {})))  # noqa: T201
    else:
        print_validation(results)


def print_validation(results: Results) -> None:
    """Write the verdict for each rule, and every difference with the events behind it."""
    for rule, result in results:
        windows = f"{len(result.windows):,} window{'s' * (len(result.windows) != 1)}"
        findings = f"{result.comparison.findings:,} finding{'s' * (result.comparison.findings != 1)}"
        recorded = f", and {result.recorded:,} recorded ones" if result.recorded else ""
        compared = (
            f"{findings} in {windows}, from {result.selected:,} selected of "
            f"{result.events:,} events: every statistic, the severity and the SPL rows{recorded}"
        )
        if not result.events:
            print(f"Nothing was compared: there is no event in {windows}. ({rule.id})")  # noqa: T201
        elif result.comparison.agrees:
            print(f"The Python reference agrees with the cluster: {compared}. ({rule.id})")  # noqa: T201
        elif any(each.reference != each.cluster for each in result.comparison.differences) or result.comparison.left_out:
            print(f"The Python reference and the cluster DIFFER: {compared}. ({rule.id})")  # noqa: T201
        else:
            told = "The Python reference agrees with the cluster, but what was RECORDED DIFFERS"
            print(f"{told}: {compared}. ({rule.id})")  # noqa: T201
        _print_differences(result)


def _print_differences(result: Validation) -> None:
    differences = result.comparison.differences
    if not differences:
        return
    places = list(dict.fromkeys(place for difference in differences for place in difference.recorded))
    rows = [
        [
            *(rfc3339(d.window_start, millis=False), d.host, d.field),
            *(_value(value) for value in (d.reference, d.cluster, *(d.recorded.get(place, "") for place in places))),
        ]
        for d in differences
    ]
    print_table(["window start", "host", "field", "reference", "cluster", *places], rows)
    if left_out := result.comparison.left_out:
        print(f"{left_out:,} more differences.")  # noqa: T201
    for place, causes in result.causes.items():
        _print_causes(place, causes)
    if unexplained := len({Place(d.window_start, d.host) for d in differences}) - len(result.causes):
        print(f"The events behind {unexplained:,} more findings are not shown.")  # noqa: T201


def _print_causes(place: Place, causes: Causes) -> None:
    print("\n" + escaped(f"{rfc3339(place.window_start, millis=False)}, {place.host}: {causes.reason}."))  # noqa: T201
    if causes.events:
        rows = [[rfc3339(e.time, millis=True), e.id, escaped(e.says, _MAX_CELL), escaped(e.line, _MAX_CELL)] for e in causes.events]
        print_table(["time", "document", "read as", "line"], rows)
    if causes.left_out:
        print(f"{causes.left_out:,} more of these events.")  # noqa: T201


def _value(value: object) -> str:
    return value if value == "" and isinstance(value, str) else escaped(repr(value), _MAX_CELL)


def _cases(rule: Rule, result: Validation) -> Iterator[TestCase]:
    """Yield a case for each window, and one that fails where nothing was compared, or more differs than is kept."""
    if not result.events:
        yield TestCase("events", rule.id, ("nothing was compared: there is no event in these windows",))
        return
    differing: dict[int, list[Difference]] = {}
    for difference in result.comparison.differences:
        differing.setdefault(difference.window_start, []).append(difference)
    for window in result.windows:
        faults = tuple(_faults(window, differing.pop(window.start, ()), result))
        start, end = (rfc3339(time, millis=False) for time in (window.start, window.end))
        yield TestCase(f"window {start} to {end}", rule.id, faults)
    beyond = [f"{left_out:,} more differences" for left_out in (result.comparison.left_out,) if left_out]
    beyond += [_in_words(each) for rest in differing.values() for each in rest]
    if beyond:
        yield TestCase("other differences", rule.id, tuple(beyond))


def _faults(window: Window, differences: Iterable[Difference], result: Validation) -> Iterator[str]:
    hosts: dict[str, None] = {}
    for difference in differences:
        hosts.setdefault(difference.host)
        yield _in_words(difference)
    for host in hosts:
        if (causes := result.causes.get(Place(window.start, host))) is not None:
            yield f"{host}: {causes.reason}"
            yield from (f"{rfc3339(e.time, millis=True)} {e.id} ({e.says}): {e.line}" for e in causes.events)


def _in_words(difference: Difference) -> str:
    sides = {"reference": difference.reference, "cluster": difference.cluster, **difference.recorded}
    said = ", ".join(f"{side} {escaped(repr(value), _MAX_CELL)}" for side, value in sides.items())
    return f"{difference.host}: {difference.field}: {said}"


def _json(rule: Rule, result: Validation) -> dict[str, object]:
    return {
        "rule_id": rule.id,
        "agrees": result.agrees,
        "windows": len(result.windows),
        "findings": result.comparison.findings,
        "recorded": result.recorded,
        "recorded_outlived_events": result.comparison.outlived,
        "events": {"read": result.events, "selected": result.selected},
        "differences": [_difference_json(each) for each in result.comparison.differences],
        "differences_left_out": result.comparison.left_out,
        "causes": [
            {
                "window_start": rfc3339(place.window_start, millis=False),
                "host": place.host,
                "reason": causes.reason,
                "events": [asdict(event) | {"time": rfc3339(event.time, millis=True)} for event in causes.events],
                "events_left_out": causes.left_out,
            }
            for place, causes in result.causes.items()
        ],
    }


def _difference_json(difference: Difference) -> dict[str, object]:
    record = asdict(difference) | {"window_start": rfc3339(difference.window_start, millis=False)}
    return {name: value for name, value in record.items() if name != "rule_id"}
