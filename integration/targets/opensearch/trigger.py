"""SPL 12 and SPL 15 as the condition of a monitor's trigger, on the hosts' buckets of `aggregation.statistics`."""

from __future__ import annotations

import re
from typing import Any

from integration.detection.case import fold
from integration.detection.columns import CountName
from integration.detection.model import Rule, Severity, StatCondition
from integration.findings.filter import Action, Filter
from integration.render import painless
from integration.render.aggregation import condition_name
from integration.render.post_filter import passing

_COUNTS = {"error_count": "_count", "unique_error_types": "error_types._bucket_count"}


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

    def count(self, stat: CountName, comparison: str, bound: int) -> str:
        """A count of SPL 8."""
        return f"{self._read(stat, _COUNTS[stat])} {comparison} {painless.number(bound)}"

    def _read(self, name: str, path: str) -> str:
        self.paths[name] = path
        return f"params.{name}"


def severity_script(rule: Rule) -> tuple[dict[str, str], str]:
    """Return the paths in a bucket that SPL 12 reads, and the expression in Painless whose value is the severity."""
    paths = {"error_count": "_count"}
    code = ""
    for step in rule.severity[:-1]:
        tests = []
        for condition in step.any:
            name, path = _operand(rule, condition)
            paths[name] = path
            tests.append(f"params.{name} > {painless.number(condition.greater_than or 0)}")
        code += f"{' || '.join(tests)} ? {int(step.level)} : "
    return paths, f"({code}{int(rule.severity[-1].level)})"


def _operand(rule: Rule, condition: StatCondition) -> tuple[str, str]:
    if condition.stat in _COUNTS:
        return condition.stat, _COUNTS[condition.stat]
    name = condition_name(rule, condition)
    return name, f"{name}._count" if condition.stat == "error_types" else name
