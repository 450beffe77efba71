"""The rule as one ES|QL query: statistics, severity and risk message of the events that the classifier selects, one row a finding.

No condition on a line stands here: the rule's computed field selects and classifies, and reads lines of any length. The lists are
made of what ES|QL sees of a keyword: values no longer than its `ignore_above`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

from integration.detection.case import fold
from integration.detection.columns import FIELD_LISTS, LISTS, CountName
from integration.detection.fields import dataset_filter, name_in_index
from integration.detection.model import Rule, Severity, StatCondition
from integration.detection.risk_message import OF_UNKNOWN_HOST, Token
from integration.detection.schedule import MINUTE_MS
from integration.findings.filter import NO_FILTER, Action, Filter
from integration.log.event import UNKNOWN_HOST
from integration.render.post_filter import joined, passing
from integration.targets.kibana import esql_text as text

MAX_VALUES = 100
"""Values of a list a row shows, the first in code-point order; how many distinct ones are beyond is counted."""
MAX_ROWS = 10_000
"""Findings a run gives at most, as many as ES|QL allows by default; the most severe come first."""
# CONCAT fails the whole query past a mebibyte, so that a hostile log could silence the rule. Four bytes a character at most.
_MESSAGE_CHARACTERS = 200_000


def query(rule: Rule, index: str, now: str = "NOW()", post_filter: Filter = NO_FILTER) -> str:
    """Return the query over `index` for the window of the last scheduled run at or before `now`, an ES|QL expression.

    So it covers exactly the windows of `Rule.windows`, whatever the minute in which Kibana runs it. Its rows are the findings that
    pass the filter; columns are `host.name`, `event.id` (the finding's id) and, under `finding.`, the JSON form of a finding.
    It fails where no index has the rule's computed field. `InputError` for a filter that ES|QL is not told.
    """
    passes = passing(post_filter, rule, _Rows())
    run = _last_run(rule, now)
    start, end = _minutes(run, rule.windows.earliest_ms), _minutes(run, rule.windows.latest_ms)
    commands = [
        f"FROM {text.index(index)}",
        f"WHERE {' AND '.join(_selection(rule, start, end))}",
        *_own_host(rule),
        f"STATS {_listed(_statistics(rule))}\n    BY host.name",
        f"EVAL {_listed(_counts())}",
        f"EVAL {_listed(_verdict(rule, start, end))}",
        *([] if passes is None else [f"WHERE {passes}"]),
        f"EVAL {_listed(_texts(rule))}",
        f"SORT rank DESC, finding.error_count DESC, host.name\n| LIMIT {MAX_ROWS}",
        "KEEP host.name, event.id, finding.*",
    ]
    return "\n| ".join(commands)


class _Rows:
    """The filter's `Language` for rows that have their statistics and `rank`."""

    name = "Kibana"
    conjunction = "AND"
    disjunction = "OR"
    negation = "NOT "

    def host(self, patterns: tuple[str, ...], action: Action) -> str:  # noqa: ARG002
        return joined([f"{text.folded('host.name')} LIKE {text.wildcards(fold(each))}" for each in patterns], self.disjunction)

    def severity(self, comparison: str, level: Severity) -> str:
        return f"rank {comparison} {int(level)}"

    def count(self, stat: CountName, comparison: str, bound: int) -> str:
        return f"finding.{stat} {comparison} {bound}"


def _last_run(rule: Rule, now: str) -> str:
    """The last scheduled run: runs that tile time come at even distances, so it is `now` cut to their span."""
    span = rule.windows.latest_ms - rule.windows.earliest_ms
    offset = rule.windows.last_run(0).run_at % span
    return _minutes(f"DATE_TRUNC({span // MINUTE_MS} minutes, {_minutes(now, -offset)})", offset)


def _minutes(moment: str, millis: int) -> str:
    return f"{moment} {'-' if millis < 0 else '+'} {abs(millis) // MINUTE_MS} minutes" if millis else moment


def _selection(rule: Rule, start: str, end: str) -> Iterator[str]:
    """SPL 1: the window, the sourcetype, and that the rule gives the event a class."""
    time = text.field(name_in_index(rule, "@timestamp"))
    yield f"{time} >= {start} AND {time} < {end}"
    for condition in dataset_filter(rule):
        for name, dataset in condition["term"].items():
            yield f"{text.field(name)} == {text.literal(dataset)}"
    for name in (rule.classification.field, name_in_index(rule, "host.name")):
        yield f"{text.field(name)} IS NOT NULL"


def _own_host(rule: Rule) -> Iterator[str]:
    """The user's name for the host brought to ours: Kibana tells alerts apart by the column after BY."""
    name = name_in_index(rule, "host.name")
    if name != "host.name":
        yield f"EVAL host.name = {text.field(name)}"


def _list_field(rule: Rule, stat: str) -> str:
    """The field that a list is made of."""
    return text.field(rule.classification.field if stat == "error_types" else name_in_index(rule, rule.stats.values[stat]))


def _statistics(rule: Rule) -> Iterator[str]:
    """SPL 8."""
    time = text.field(name_in_index(rule, "@timestamp"))
    yield "finding.error_count = COUNT(*)"
    yield f"finding.first_seen = MIN({time})"
    yield f"finding.last_seen = MAX({time})"
    for name in LISTS:
        yield f"finding.{name} = MV_SORT(VALUES({_list_field(rule, name)}))"
    for position, condition in enumerate(rule.list_conditions):
        holds = f"{_list_field(rule, condition.stat)} LIKE {text.holding(str(condition.contains))}"
        yield f"condition_{position} = MAX(CASE({holds}, 1, 0))"


def _counts() -> Iterator[str]:
    """How many values there are, and what is shown of them."""
    for name in LISTS:
        yield f"number_of_{name} = COALESCE(MV_COUNT(finding.{name}), 0)"
    yield "finding.unique_error_types = MV_COUNT(finding.error_types)"
    for name in FIELD_LISTS:
        yield f"finding.{name} = MV_SLICE(finding.{name}, 0, {MAX_VALUES - 1})"


def _verdict(rule: Rule, start: str, end: str) -> Iterator[str]:
    """SPL 12, the window, and what the rule says of every finding."""
    branches = [f"{' OR '.join(_stat_condition(rule, c) for c in step.any)}, {int(step.level)}" for step in rule.severity[:-1]]
    otherwise = str(int(rule.severity[-1].level))
    yield f"rank = CASE({', '.join([*branches, otherwise])})" if branches else f"rank = {otherwise}"
    yield f"finding.rule_id = {text.literal(rule.id)}"
    yield "finding.host = host.name"
    yield f"finding.window_start = {start}"
    yield f"finding.window_end = {end}"
    yield f"finding.attack_type = {text.literal(rule.attack_type)}"
    yield f"finding.risk_score = {rule.risk.score}"
    # A product that can pass a long.
    yield f"finding.spl_row_count = {' * '.join(f'TO_DOUBLE(number_of_{name})' for name in LISTS)}"
    for name in FIELD_LISTS:
        yield f"finding.truncated.{name} = GREATEST(number_of_{name} - {MAX_VALUES}, 0)"


def _stat_condition(rule: Rule, condition: StatCondition) -> str:
    if condition.greater_than is not None:
        return f"finding.{condition.stat} > {condition.greater_than}"
    return f"condition_{rule.list_conditions.index(condition)} > 0"


def _texts(rule: Rule) -> Iterator[str]:
    levels = dict.fromkeys(step.level for step in rule.severity)
    names = [f"rank == {int(level)}, {text.literal(str(level))}" for level in levels]
    yield f"finding.severity = CASE({', '.join(names)})"
    span = f"{rule.stats.bin_ms // MINUTE_MS} minutes"
    for column, seen in (("first_error", "first_seen"), ("last_error", "last_seen")):
        yield f'finding.{column} = DATE_FORMAT("yyyy-MM-dd HH:mm:ss", DATE_TRUNC({span}, finding.{seen}))'
    yield f"finding.risk_message = {_risk_message(rule)}"
    yield f"event.id = {_finding_id(rule)}"


def _risk_message(rule: Rule) -> str:
    parts = rule.risk.message_parts
    most = _MESSAGE_CHARACTERS // max(1, sum(isinstance(part, Token) for part in parts))
    shown = [_column(rule, part.name, most) if isinstance(part, Token) else text.literal(part) for part in parts]
    shown.append(f'CASE(host.name == {text.literal(UNKNOWN_HOST)}, {text.literal(OF_UNKNOWN_HOST)}, "")')
    return f"CONCAT({', '.join(shown)})"


def _column(rule: Rule, name: str, most: int) -> str:
    if name in LISTS:
        return f'COALESCE(SUBSTRING(MV_CONCAT(finding.{name}, ", "), 1, {most}), "")'
    if name == "attack_type":
        return text.literal(rule.attack_type)
    return "host.name" if name == "host" else f"TO_STRING(finding.{name})"


def _finding_id(rule: Rule) -> str:
    """`Finding.id`: the parts with their lengths, NUL between them; ES|QL has no other way to write a NUL."""
    start = "finding.window_start"
    before, between = _decoded(f"{len(rule.id)}:{rule.id}\0"), _decoded("\0")
    host = 'TO_STRING(LENGTH(host.name)), ":", host.name'
    when = f'TO_STRING(LENGTH(TO_STRING({start}))), ":", TO_STRING({start})'
    return f"SUBSTRING(SHA256(CONCAT({before}, {host}, {between}, {when})), 1, 32)"


def _decoded(part: str) -> str:
    return f"FROM_BASE64({text.literal(base64.b64encode(part.encode()).decode())})"


def _listed(columns: Iterable[str]) -> str:
    return ",\n    ".join(columns)
