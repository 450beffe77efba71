"""The rule as one ES|QL query: statistics, severity and risk message of the events that the classifier selects, one row a finding.

No condition on a line stands here: the rule's computed field selects and classifies, and reads lines of any length. The lists are
made of what ES|QL sees of a keyword: values no longer than its `ignore_above`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

from integration.detection.case import fold
from integration.detection.columns import Kind
from integration.detection.fields import dataset_filter, name_in_index
from integration.detection.ladder import ColumnCondition, Step
from integration.detection.model import Rule
from integration.detection.risk import OF_UNKNOWN_HOST, Token
from integration.detection.schedule import MINUTE_MS
from integration.detection.severity import Severity
from integration.findings.filter import NO_FILTER, Action, Filter
from integration.log.event import UNKNOWN_HOST
from integration.render.post_filter import joined, passing
from integration.targets.kibana import esql_text as text

MAX_VALUES = 100
"""Values of a list a row shows, the first in code-point order; how many distinct ones are beyond is counted."""
MAX_ROWS = 10_000
"""Findings a run gives at most, as many as ES|QL allows by default; the most severe come first."""
# Event fields that are no keywords in our mapping, so that their values are made texts.
_NO_KEYWORDS = ("source.ip", "http.response.status_code")
_NOTHING = text.literal("")
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
        f"EVAL {_listed(_counts(rule))}",
        f"EVAL {_listed(_verdict(rule, start, end))}",
        *(["WHERE rank IS NOT NULL"] if rule.severity[-1].conditions else []),
        *([] if passes is None else [f"WHERE {passes}"]),
        f"EVAL {_listed(_texts(rule))}",
        f"SORT rank DESC, {''.join(f'finding.{name} DESC, ' for name in _counted(rule))}host.name\n| LIMIT {MAX_ROWS}",
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

    def count(self, column: str, comparison: str, bound: int) -> str:
        return f"finding.{column} {comparison} {bound}"


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


def _counted(rule: Rule) -> Iterator[str]:
    return (name for name, column in rule.columns.items() if column.kind is Kind.EVENTS)


def _list_field(rule: Rule, name: str) -> str:
    """The field that a list is made of, as text."""
    event_field = rule.field_lists.get(name)
    field = text.field(rule.classification.field if event_field is None else name_in_index(rule, event_field))
    return f"TO_STRING({field})" if event_field in _NO_KEYWORDS else field


def _seen(rule: Rule, *, first: bool) -> str:
    """The column of the first or the last time, a hidden one where the rule has none of the time itself."""
    exact = (name for name, column in rule.columns.items() if column.kind is Kind.TIME and bool(column.first) is first)
    return next((f"finding.{name}" for name in exact), "first" if first else "last")


def _statistics(rule: Rule) -> Iterator[str]:
    """SPL 8."""
    time = text.field(name_in_index(rule, "@timestamp"))
    yield from (f"finding.{name} = COUNT(*)" for name in _counted(rule))
    yield f"{_seen(rule, first=True)} = MIN({time})"
    yield f"{_seen(rule, first=False)} = MAX({time})"
    for name, column in rule.columns.items():
        if column.kind in (Kind.LIST, Kind.LABELS):
            yield f"finding.{name} = MV_SORT(VALUES({_list_field(rule, name)}))"
    for position, condition in enumerate(rule.list_conditions):
        holds = f"{_list_field(rule, str(condition.column))} LIKE {text.holding(str(condition.contains))}"
        yield f"condition_{position} = MAX(CASE({holds}, 1, 0))"
    if rule.counts_labels:
        field = text.field(rule.classification.field)
        for label in rule.classification.names:
            yield f"{_events_of(rule, label)} = COUNT(*) WHERE {field} == {text.literal(label)}"


def _events_of(rule: Rule, label: str) -> str:
    return f"label_{rule.classification.names.index(label)}"


def _counts(rule: Rule) -> Iterator[str]:
    """How many values there are, and what is shown of them."""
    for name, column in rule.columns.items():
        if column.kind is Kind.COUNTS:
            yield f"finding.{name} = {_counts_by_label(rule)}"
    for name in rule.lists:
        yield f"number_of_{name} = COALESCE(MV_COUNT(finding.{name}), 0)"
    for name, column in rule.columns.items():
        if column.kind is Kind.DISTINCT:
            of = str(column.distinct)
            yield f"finding.{name} = {f'number_of_{of}' if of in rule.field_lists else f'MV_COUNT(finding.{of})'}"
        elif column.kind is Kind.SCORE:
            yield f"finding.{name} = {_score(rule)}"
    for name in rule.field_lists:
        yield f"finding.{name} = MV_SLICE(finding.{name}, 0, {MAX_VALUES - 1})"


def _counts_by_label(rule: Rule) -> str:
    """The classes with their counts; a comma stands before each, and none in a class's name."""
    shown = [_NOTHING]
    for label in sorted(rule.classification.names):
        events = _events_of(rule, label)
        shown.append(f"CASE({events} > 0, CONCAT({text.literal(f',{label}=')}, TO_STRING({events})), {_NOTHING})")
    return f'SPLIT(SUBSTRING(CONCAT({", ".join(shown)}), 2), ",")'


def _score(rule: Rule) -> str:
    added, alone = ["0"], ["0"]
    for each in rule.classification.scored:
        events = _events_of(rule, each.name)
        added.append(f"{each.weight} * {events if each.cap is None else f'LEAST({events}, {each.cap})'}")
        if not each.context:
            alone.append(events)
    return f"CASE({' + '.join(alone)} > 0, {' + '.join(added)}, 0)"


def _verdict(rule: Rule, start: str, end: str) -> Iterator[str]:
    """SPL 12 and 13, the window, and what the rule says of every finding."""
    branches = [f"{_step(rule, step)}, {int(step.level)}" for step in rule.severity if step.conditions]
    branches += [str(int(step.level)) for step in rule.severity if not step.conditions]
    yield f"rank = CASE({', '.join(branches)})" if len(branches) > 1 or rule.severity[-1].conditions else f"rank = {branches[0]}"
    yield f"finding.rule_id = {text.literal(rule.id)}"
    yield "finding.host = host.name"
    yield f"finding.window_start = {start}"
    yield f"finding.window_end = {end}"
    yield f"finding.attack_type = {_attack_type(rule)}"
    yield f"finding.risk_score = {_risk_score(rule)}"
    # A product that can pass a long.
    multiplied = [f"TO_DOUBLE(number_of_{name})" for name in rule.lists if name in (rule.rows.by or ())]
    yield f"finding.spl_row_count = {' * '.join(multiplied) or '1.0'}"
    for name in rule.field_lists:
        yield f"finding.truncated.{name} = GREATEST(number_of_{name} - {MAX_VALUES}, 0)"


def _step(rule: Rule, step: Step) -> str:
    tests = [_test(rule, condition) for condition in step.any]
    if step.all:
        every = " AND ".join(_test(rule, condition) for condition in step.all)
        tests.append(f"({every})" if tests else every)
    return " OR ".join(tests)


def _test(rule: Rule, condition: ColumnCondition) -> str:
    labels = rule.labels_asked(condition)
    if labels is not None:
        return f"{' + '.join(['0', *(_events_of(rule, label) for label in labels)])} > {condition.bound}"
    if condition.contains is not None:
        return f"condition_{rule.list_conditions.index(condition)} > 0"
    return f"finding.{condition.column} > {condition.bound}"


def _attack_type(rule: Rule) -> str:
    if isinstance(rule.attack_type, str):
        return text.literal(rule.attack_type)
    branches = [f"{_test(rule, step.when)}, {text.literal(step.called)}" for step in rule.attack_type if step.when]
    last = text.literal(rule.attack_type[-1].called)
    return f"CASE({', '.join([*branches, last])})" if branches else last


def _risk_score(rule: Rule) -> str:
    if isinstance(rule.risk.score, int):
        return str(rule.risk.score)
    levels = dict.fromkeys(step.level for step in rule.severity)
    return f"CASE({', '.join(f'rank == {int(level)}, {rule.risk.score_of(level)}' for level in levels)})"


def _texts(rule: Rule) -> Iterator[str]:
    levels = dict.fromkeys(step.level for step in rule.severity)
    names = [f"rank == {int(level)}, {text.literal(str(level))}" for level in levels]
    yield f"finding.severity = CASE({', '.join(names)})"
    for name, column in rule.columns.items():
        if column.kind is Kind.FLOORED:
            floored = f"DATE_TRUNC({column.floor_ms // MINUTE_MS} minutes, {_seen(rule, first=bool(column.first))})"
            yield f'finding.{name} = DATE_FORMAT("yyyy-MM-dd HH:mm:ss", {floored})'
    yield f"finding.risk_message = {_risk_message(rule)}"
    yield f"event.id = {_finding_id(rule)}"


def _risk_message(rule: Rule) -> str:
    parts = rule.risk.message_parts
    most = _MESSAGE_CHARACTERS // max(1, sum(isinstance(part, Token) for part in parts))
    shown = [_column(rule, part.name, most) if isinstance(part, Token) else text.literal(part) for part in parts]
    shown.append(f'CASE(host.name == {text.literal(UNKNOWN_HOST)}, {text.literal(OF_UNKNOWN_HOST)}, "")')
    return f"CONCAT({', '.join(shown)})"


def _column(rule: Rule, name: str, most: int) -> str:
    if name in rule.lists:
        return f'COALESCE(SUBSTRING(MV_CONCAT(finding.{name}, ", "), 1, {most}), "")'
    if name == "attack_type":
        return _attack_type(rule)
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
