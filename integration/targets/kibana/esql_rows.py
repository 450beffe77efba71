"""A row of the ES|QL query, read back to a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integration.detection.columns import LISTS, NUMBERS, Kind
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.findings.finding import Finding
from integration.times import parse_time

_PREFIX = "finding."


def finding_of_row(row: Mapping[str, Any], rule: Rule) -> Finding:
    """Read a row given as its columns by dotted name; a column of nulls may be missing.

    ES|QL gives one value as itself and several as a list. One of `history.UNREADABLE` when the row is not one of ours.
    """
    column: dict[str, Any] = {name.removeprefix(_PREFIX): value for name, value in row.items() if name.startswith(_PREFIX)}
    return Finding.checked(
        rule,
        {name: _READ.get(each.kind, _same)(column.get(name)) for name, each in rule.columns.items()},
        {name: int(column.get(f"truncated.{name}") or 0) for name in rule.field_lists},
        rule_id=column.get("rule_id"),
        host=column.get("host"),
        window_start=parse_time(column["window_start"]),
        window_end=parse_time(column["window_end"]),
        severity=Severity.parse(column["severity"]),
        attack_type=column.get("attack_type"),
        risk_score=int(column["risk_score"]),
        risk_message=column.get("risk_message"),
    )


def _same(value: Any) -> Any:
    return value


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


_READ: dict[Kind, Callable[[Any], Any]] = {Kind.TIME: parse_time, **dict.fromkeys(NUMBERS, int), **dict.fromkeys(LISTS, _listed)}
