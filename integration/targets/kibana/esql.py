"""The rule as one ES|QL query: selection, classes, statistics, severity and risk message, one row a finding.

What ES|QL sees: a keyword's doc values. A line or a value longer than the mapping's `ignore_above` has none. The line's class comes
from the rule's runtime field, what is shown of the value from that of `long_values`; both read `_source`. A user's own index has no
such fields: there such a line goes unseen, and such a value is missing from the list.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence

from integration.detection.case import fold
from integration.detection.columns import FIELD_LISTS, LISTS
from integration.detection.fields import dataset_filter, name_in_index
from integration.detection.model import Alternative, Rule, StatCondition, TextCondition
from integration.detection.patterns import holding
from integration.detection.regexes import parsed
from integration.detection.risk_message import Column
from integration.detection.schedule import MINUTE_MS
from integration.errors import RuleError
from integration.findings.filter import NO_FILTER, Filter
from integration.targets.kibana import esql_lists
from integration.targets.kibana import esql_text as text
from integration.targets.kibana.esql_filter import RowFilter

MAX_VALUES = 100
"""Values of a list a row shows, the first in code-point order; how many distinct ones are beyond is counted."""
MAX_ROWS = 10_000
"""Findings a run gives at most, as many as ES|QL allows by default; the gravest come first."""
# CONCAT fails the whole query past a mebibyte, so that a hostile log could silence the rule. Four bytes a character at most.
_MESSAGE_CHARACTERS = 200_000


def query(rule: Rule, index: str, now: str = "NOW()", post_filter: Filter = NO_FILTER) -> str:
    """Give the query over `index` for the window of the last scheduled run at or before `now`, an ES|QL expression.

    So it covers exactly the windows of `Rule.windows`, whatever the minute in which Kibana runs it. Its rows are the findings that
    pass the filter; columns are `host.name`, `event.id` (the finding's id) and, under `finding.`, the JSON form of a finding.
    `RuleError` for a rule that ES|QL cannot say, `InputError` for such a filter.
    """
    _refuse_what_cannot_be_said(rule)
    row_filter = RowFilter(rule, post_filter)
    run = _last_run(rule, now)
    start, end = _minutes(run, rule.windows.earliest_ms), _minutes(run, rule.windows.latest_ms)
    commands = [
        f"FROM {text.index(index)}{row_filter.metadata}",
        f"WHERE {' AND '.join(_filters(rule, start, end))}",
        f"EVAL {text.field(rule.classification.field)} = {_classification(rule)}{_own_host(rule)}",
        f"WHERE {text.field(rule.classification.field)} IS NOT NULL AND host.name IS NOT NULL",
        f"STATS {_listed([*_statistics(rule), *row_filter.statistics])}\n    BY host.name",
        f"EVAL {_listed(_counts(row_filter.sizes))}",
        f"EVAL {_listed(_verdict(rule, start, end))}",
        *row_filter.commands,
        f"EVAL {_listed(_texts(rule))}",
        f"SORT rank DESC, finding.error_count DESC, host.name\n| LIMIT {MAX_ROWS}",
        "KEEP host.name, event.id, finding.*",
    ]
    return "\n| ".join(commands)


def _refuse_what_cannot_be_said(rule: Rule) -> None:
    for field, stated in _stated(rule):
        try:
            _regex(stated) if ".matches." in field else text.holding(fold(stated))
        except ValueError as error:
            raise RuleError(
                f"{rule.file or rule.id}: {field}: {stated[:100]!r} {error}, so this rule cannot go to Kibana; write it otherwise, "
                "or let `detect watch` or OpenSearch Alerting run the rule"
            ) from error


def _stated(rule: Rule) -> Iterator[tuple[str, str]]:
    """Give every text and regular expression that the rule looks for, with its place in the file, as `selection.0.contains.2`."""
    conditions: list[tuple[str, TextCondition]] = [(f"selection.{n}", each) for n, each in enumerate(rule.selection)]
    conditions += [(f"classification.classes.{n}", each) for n, each in enumerate(rule.classification.classes)]
    for place, condition in conditions:
        for name in ("contains", "contains_all", "matches"):
            yield from ((f"{place}.{name}.{n}", each) for n, each in enumerate(getattr(condition, name)))
    for n, step in enumerate(rule.severity):
        yield from ((f"severity.{n}.any.{m}.contains", c.contains) for m, c in enumerate(step.any) if c.contains is not None)


def _regex(regex: str) -> str:
    return text.rlike(holding(parsed(regex)))


def _last_run(rule: Rule, now: str) -> str:
    """The last scheduled run: runs that tile time come at even distances, so it is `now` cut to their span."""
    span = rule.windows.latest_ms - rule.windows.earliest_ms
    offset = rule.windows.last_run(0).run_at % span
    return _minutes(f"DATE_TRUNC({span // MINUTE_MS} minutes, {_minutes(now, -offset)})", offset)


def _minutes(moment: str, millis: int) -> str:
    return f"{moment} {'-' if millis < 0 else '+'} {abs(millis) // MINUTE_MS} minutes" if millis else moment


def _filters(rule: Rule, start: str, end: str) -> Iterator[str]:
    """SPL 1 as far as indexed fields tell it: the window, the sourcetype, the level where every alternative asks for one."""
    time = text.field(name_in_index(rule, "@timestamp"))
    yield f"{time} >= {start} AND {time} < {end}"
    for condition in dataset_filter(rule):
        for name, dataset in condition["term"].items():
            yield f"{text.field(name)} == {text.literal(dataset)}"
    if all(alternative.level for alternative in rule.selection):
        yield _levels(rule, [level for alternative in rule.selection for level in alternative.level])


def _levels(rule: Rule, levels: Sequence[str]) -> str:
    field = text.field(name_in_index(rule, "log.level"))
    return _any([f"{field} RLIKE {text.ignoring_ascii_case(level)}" for level in dict.fromkeys(map(str.upper, levels))])


def _classification(rule: Rule) -> str:
    """SPL 1 and 6: the class of a selected event, null for any other."""
    line = text.field(name_in_index(rule, "event.original"))
    selected = _any([_alternative(rule, alternative) for alternative in rule.selection])
    cases = [f"{_condition(c, line)}, {text.literal(c.name)}" for c in rule.classification.classes]
    long_line = "null" if rule.field_names.own_index else text.field(rule.classification.field)
    branches = [f"{line} IS NULL, {long_line}", f"NOT COALESCE({selected}, false), null", *cases]
    return "CASE(\n      " + ",\n      ".join([*branches, text.literal(rule.classification.otherwise)]) + ")"


def _own_host(rule: Rule) -> str:
    """The user's name for the host brought to ours: Kibana tells alerts apart by the column after BY."""
    name = name_in_index(rule, "host.name")
    return "" if name == "host.name" else f",\n    host.name = {text.field(name)}"


def _alternative(rule: Rule, alternative: Alternative) -> str:
    parts = [_levels(rule, alternative.level)] if alternative.level else []
    if alternative.stated:
        line = text.field(name_in_index(rule, "event.original"))
        parts.append(_condition(alternative, line, ignore_case=True))
    return f"({' AND '.join(parts)})"


def _condition(condition: TextCondition, line: str, *, ignore_case: bool = False) -> str:
    """A condition on the line. Regular expressions keep their case."""
    shown, compared = (text.folded(line), fold) if ignore_case else (line, str)
    parts = [_any([f"{shown} LIKE {text.holding(compared(term))}" for term in condition.contains])] if condition.contains else []
    parts += [f"{shown} LIKE {text.holding(compared(term))}" for term in condition.contains_all]
    if condition.matches:
        parts.append(_any([f"{line} RLIKE {_regex(regex)}" for regex in condition.matches]))
    return " AND ".join(parts)


def _statistics(rule: Rule) -> Iterator[str]:
    """SPL 8."""
    time = text.field(name_in_index(rule, "@timestamp"))
    yield "finding.error_count = COUNT(*)"
    yield f"finding.first_seen = MIN({time})"
    yield f"finding.last_seen = MAX({time})"
    for name in LISTS:
        yield f"finding.{name} = MV_SORT(VALUES({esql_lists.value(rule, name)}))"
    for position, condition in enumerate(rule.list_conditions):
        yield f"condition_{position} = MAX(CASE({esql_lists.holds(rule, condition.stat, str(condition.contains))}, 1, 0))"


def _counts(sizes: Iterable[str]) -> Iterator[str]:
    """How many values there are, and what is shown of them; `sizes` are of whole lists, too."""
    for name in LISTS:
        yield f"number_of_{name} = COALESCE(MV_COUNT(finding.{name}), 0)"
    yield from sizes
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
    most = _MESSAGE_CHARACTERS // max(1, sum(isinstance(part, Column) for part in parts))
    shown = [_column(rule, part.name, most) if isinstance(part, Column) else text.literal(part) for part in parts]
    return f"CONCAT({', '.join(shown)})" if len(shown) > 1 else shown[0]


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


def _any(tests: Sequence[str]) -> str:
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def _listed(columns: Iterable[str]) -> str:
    return ",\n    ".join(columns)
