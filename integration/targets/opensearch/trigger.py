"""SPL 12 and SPL 15 as the condition of a monitor's trigger, on the hosts' buckets of `aggregation.statistics`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from integration.detection.case import fold
from integration.detection.columns import Kind
from integration.detection.ladder import ColumnCondition, Step
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.findings.filter import Action, Filter
from integration.render import painless
from integration.render.aggregation import condition_name, labels_name
from integration.render.post_filter import passing


class TriggerCondition:
    """What the triggers of a rule's monitor ask of a bucket; the filter's `Language` for it.

    `ladder` is the severity as a number and `passes` the test whether the filter lets the finding through, None where it lets
    through all. `paths` is what of a bucket they read, `aggregations` what a bucket must have besides the statistics.
    `InputError` for a filter that Alerting is not told.
    """

    name = "OpenSearch Alerting"
    conjunction = "&&"
    disjunction = "||"
    negation = "!"

    def __init__(self, rule: Rule, post_filter: Filter) -> None:
        self._rule = rule
        self.paths, self.ladder = severity_script(rule)
        self.aggregations: dict[str, Any] = {}
        self.passes = passing(post_filter, rule, self)

    def host(self, patterns: tuple[str, ...], action: Action) -> str:
        """A bucket's host is not at hand, those of its events are: all must match, or one, should an event have several."""
        params = {"patterns": [re.findall(r"[*?]|[^*?]+", fold(pattern)) for pattern in patterns]}
        metric = "min" if action == "exclude" else "max"
        aggregation = {metric: {"script": painless.script(painless.host_matches(self._rule), params)}}
        known = (name for name, other in self.aggregations.items() if other == aggregation)
        name = next(known, f"host_{len(self.aggregations)}")
        self.aggregations[name] = aggregation
        return f"{self._read(name, name)} == 1"

    def severity(self, comparison: str, level: Severity) -> str:
        """The ladder ends at a level."""
        return f"{self.ladder} {comparison} {int(level)}"

    def count(self, column: str, comparison: str, bound: int) -> str:
        """A number of the rule."""
        return f"{_number(self._rule, column, self.paths)} {comparison} {painless.number(bound)}"

    def _read(self, name: str, path: str) -> str:
        self.paths[name] = path
        return f"params.{name}"


def severity_script(rule: Rule) -> tuple[dict[str, str], str]:
    """Return the paths in a bucket that SPL 12 reads, and the expression in Painless whose value is the severity.

    It is -1 where there is no finding.
    """
    paths: dict[str, str] = {}
    code, last = "", "-1"
    for step in rule.severity:
        if step.conditions:
            code += f"{_step(rule, step, paths)} ? {int(step.level)} : "
        else:
            last = str(int(step.level))
    numbers_first = dict(sorted(paths.items(), key=lambda path: path[0] not in rule.numbers))
    return numbers_first, f"({code}{last})"


def _step(rule: Rule, step: Step, paths: dict[str, str]) -> str:
    tests = [_test(rule, condition, paths) for condition in step.any]
    if step.all:
        every = " && ".join(_test(rule, condition, paths) for condition in step.all)
        tests.append(f"({every})" if tests else every)
    return " || ".join(tests)


def _test(rule: Rule, condition: ColumnCondition, paths: dict[str, str]) -> str:
    labels = rule.labels_asked(condition)
    if labels is not None:
        return f"{_sum([_events_of(rule, label, paths) for label in labels])} > {painless.number(condition.bound)}"
    if condition.contains is not None:
        name = condition_name(rule, condition)
        paths[name] = name
        return f"params.{name} > 0"
    return f"{_number(rule, str(condition.column), paths)} > {painless.number(condition.bound)}"


def _number(rule: Rule, name: str, paths: dict[str, str]) -> str:
    """Return the expression for a column that is a number."""
    column = rule.columns[name]
    if column.kind is Kind.SCORE:
        return _score(rule, paths)
    paths[name] = "_count" if column.kind is Kind.EVENTS else f"{_list_name(rule, str(column.distinct))}._bucket_count"
    return f"params.{name}"


def _list_name(rule: Rule, name: str) -> str:
    return name if name in rule.field_lists else labels_name(rule)


def _score(rule: Rule, paths: dict[str, str]) -> str:
    """The score of a host, 0 while all its labels are context."""
    added, alone = [], []
    for each in rule.classification.scored:
        events = _events_of(rule, each.name, paths)
        capped = events if each.cap is None else f"Math.min({events}, {each.cap})"
        added.append(f"{each.weight} * {capped}")
        if not each.context:
            alone.append(events)
    return f"({_sum(alone)} > 0 ? {_sum(added)} : 0)"


def _events_of(rule: Rule, label: str, paths: dict[str, str]) -> str:
    """How many events have a label. Without one the bucket is missing, and so is the parameter."""
    name = f"label_{rule.classification.names.index(label)}"
    paths[name] = f"{labels_name(rule)}['{label}']>_count"
    return f"(params.{name} == null ? 0 : params.{name})"


def _sum(terms: Sequence[str]) -> str:
    return f"({' + '.join(terms)})" if terms else "0"
