"""How a validation is written: as tables, as JSON, or as JUnit's XML for CI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from integration.cli.junit import TestCase, junit
from integration.cli.losses import loss_cases
from integration.cli.options import Form
from integration.cli.output import escaped, print_json
from integration.cli.tables import print_table
from integration.commands.losses import Loss
from integration.commands.validate import Place, Validation
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.evaluation.causes import Causes
from integration.evaluation.comparison import Difference
from integration.times import rfc3339

Results = Sequence[tuple[Rule, Validation]]

_MAX_CELL = 300


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
        else:
            print(f"{_sides_that_differ(result)}: {compared}. ({rule.id})")  # noqa: T201
        _print_differences(result)


def _sides_that_differ(result: Validation) -> str:
    if any(each.reference != each.cluster for each in result.comparison.differences) or result.comparison.left_out:
        return "The Python reference and the cluster DIFFER"
    return "The Python reference agrees with the cluster, but what was RECORDED DIFFERS"


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
    print(escaped(f"\n{rfc3339(place.window_start, millis=False)}, {place.host}: {causes.reason}."))  # noqa: T201
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
        "differences": [
            {
                "window_start": rfc3339(d.window_start, millis=False),
                "host": d.host,
                "field": d.field,
                "reference": d.reference,
                "cluster": d.cluster,
                "recorded": dict(d.recorded),
            }
            for d in result.comparison.differences
        ],
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
