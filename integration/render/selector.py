"""SPL 12 and SPL 15 for a bucket selector on the hosts' buckets of `aggregation.statistics`, with what it needs in them besides."""

from __future__ import annotations

from typing import Any

from integration.detection.case import fold
from integration.detection.columns import LISTS, ListName, NumberName
from integration.detection.model import Rule, Severity, StatCondition
from integration.findings.filter import Action, Filter
from integration.findings.values import MAX_BYTES, MAX_VALUES
from integration.render import painless
from integration.render.aggregation import condition_name
from integration.render.post_filter import Test, passing

_SURELY_FEW = 1_000
"""Distinct values up to which a list counts as complete by the engine's estimate, which is as good as exact there.

A tenth of `MAX_VALUES`, so that no error makes a list complete that is cut in the reference; and cheap, with 16 KiB a host.
"""
_BYTES_A_UNIT = 3
"""The most that one of a Java string's UTF-16 units takes in UTF-8."""


class Selector:
    """The filter for one rule as a script in Painless.

    `script` is its condition, `paths` what of a bucket it reads, `aggregations` what a bucket must have besides
    `aggregation.statistics` with lists of up to `max_values`. `InputError` for a filter that cannot be said; it names `place`, what
    the selector is for.
    """

    def __init__(self, rule: Rule, post_filter: Filter, max_values: int, place: str) -> None:
        severity_paths, self.severity = severity_script(rule)
        conditions = _Conditions(rule, self.severity, max_values, place)
        passes = passing(post_filter, rule, conditions)
        self.script = str(passes).lower() if isinstance(passes, bool) else passes
        self.passes_all = passes is True
        self.paths = severity_paths | conditions.paths
        self.aggregations = conditions.aggregations


def severity_script(rule: Rule) -> tuple[dict[str, str], str]:
    """SPL 12 as a Painless expression whose value is a severity, and the paths in a bucket of what it reads."""
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


_COUNTS = {"error_count": "_count", "unique_error_types": "error_types._bucket_count"}


class _Conditions:
    """The `Language` of bucket selectors. A sub-aggregation `filter_N` answers what counts do not; equal questions share one."""

    conjunction = "&&"
    disjunction = "||"
    negation = "!"

    def __init__(self, rule: Rule, severity: str, max_values: int, place: str) -> None:
        self.name = place
        self.aggregations: dict[str, Any] = {}
        self.paths: dict[str, str] = {}
        self._rule = rule
        self._severity = severity
        self._max_values = max_values

    def host(self, globs: tuple[str, ...], action: Action) -> Test:
        """A bucket's host is not at hand, those of its events are: all must match, or one, should an event have several."""
        params = {"globs": [painless.glob(fold(glob)) for glob in globs]}
        metric = "min" if action == "exclude" else "max"
        script = painless.script(painless.host_matches(self._rule), params)
        return f"params.{self._asked({metric: {'script': script}})} == 1"

    def severity(self, comparison: str, level: Severity, action: Action) -> Test:  # noqa: ARG002
        """The ladder's value."""
        return f"{self._severity} {comparison} {int(level)}"

    def count(self, stat: NumberName, comparison: str, bound: int, action: Action) -> Test:
        """The product of SPL 14 is known exactly as long as every list is shown whole; else between two bounds."""
        if stat != "spl_row_count":
            return f"{self._read(stat, _COUNTS[stat])} {comparison} {painless.number(bound)}"
        low = (comparison == ">") == (action == "exclude")
        rows = " * ".join(self._fewest(name) if low else self._most(name) for name in LISTS)
        return f"{rows} {comparison} {painless.number(bound)}"

    def contains(self, name: ListName, texts: tuple[str, ...], action: Action) -> Test:
        """Of a list that is cut, the reference sees the first values only."""
        if name == "error_types":
            return self._types([n for n in self._rule.classification.names if _holds(n, texts)])
        held = f"{self._held(name, texts, otherwise=0)} == 1"
        return f"({held} && {self._complete(name)})" if action == "exclude" else held

    def all_contain(self, name: ListName, texts: tuple[str, ...], action: Action) -> Test:
        """Every value is looked at, also of a list that is cut."""
        if name == "error_types":
            others = self._types([n for n in self._rule.classification.names if not _holds(n, texts)])
            return f"!({others})" if isinstance(others, str) else not others
        held = f"{self._held(name, texts, otherwise=2)} == 1"
        return f"({held} && {self._complete(name)})" if action == "exclude" else held

    def _types(self, names: list[str]) -> Test:
        """Some event is of one of these classes."""
        if not names:
            return False
        name = self._asked({"filter": {"terms": {self._rule.classification.field: names}}}, "._count")
        return f"params.{name} > 0"

    def _held(self, name: ListName, texts: tuple[str, ...], otherwise: int) -> str:
        """1 where a value holds one of the texts and no value has scored more, `otherwise` being the score of one that does not."""
        source = painless.value_holds(self._rule, self._rule.stats.values[name])
        params = {"texts": [painless.parts(fold(text)) for text in texts], "otherwise": otherwise}
        return f"params.{self._asked({'max': {'script': painless.script(source, params)}})}"

    def _complete(self, name: ListName) -> str:
        """No more distinct values, and no longer ones, than the reference shows whole.

        As there are no more events, or by the engine's estimate, which may be wrong by half without harm; were all as long as the
        longest.
        """
        field = self._rule.stats.values[name]
        value = painless.script(painless.value(self._rule, field))
        length = painless.script(painless.value_length(self._rule, field))
        self.aggregations[f"distinct_{name}"] = {"cardinality": {"script": value, "precision_threshold": _SURELY_FEW}}
        self.aggregations[f"longest_{name}"] = {"max": {"script": length}}
        events = self._read("error_count", _COUNTS["error_count"])
        distinct, longest = (self._read(asked, asked) for asked in (f"distinct_{name}", f"longest_{name}"))
        room = MAX_BYTES // _BYTES_A_UNIT
        return (
            f"({events} <= {MAX_VALUES} && {events} * {longest} <= {room}"
            f" || {distinct} <= {_SURELY_FEW} && 2 * {distinct} * {longest} <= {room})"
        )

    def _fewest(self, name: str) -> str:
        path = f"{name}._bucket_count"
        return self._read("unique_error_types" if name == "error_types" else f"number_of_{name}", path)

    def _most(self, name: str) -> str:
        shown = self._fewest(name)
        if name == "error_types":
            return shown
        return f"({shown} < {self._max_values} ? {shown} : {self._read('error_count', _COUNTS['error_count'])})"

    def _read(self, name: str, path: str) -> str:
        self.paths[name] = path
        return f"params.{name}"

    def _asked(self, aggregation: dict[str, Any], value: str = "") -> str:
        for name, other in self.aggregations.items():
            if other == aggregation:
                return name
        name = f"filter_{len(self.aggregations)}"
        self.aggregations[name] = aggregation
        self.paths[name] = f"{name}{value}"
        return name


def _holds(value: str, texts: tuple[str, ...]) -> bool:
    return any(fold(text) in fold(value) for text in texts)
