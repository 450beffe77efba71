"""A row of the rule's ES|QL query, as Elasticsearch answers it or as Kibana keeps it in an alert, read back to a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integration.detection.columns import COLUMNS, FIELD_LISTS, Kind
from integration.detection.model import Severity
from integration.findings.finding import Finding
from integration.times import parse_time

_PREFIX = "finding."


def finding_of_row(row: Mapping[str, Any]) -> Finding:
    """Read a row given as its columns by dotted name; a column of nulls may be missing.

    ES|QL gives one value as itself and several as a list. One of `history.UNREADABLE` when the row is not one of ours.
    """
    column = {name.removeprefix(_PREFIX): value for name, value in row.items() if name.startswith(_PREFIX)}
    beyond = {name: int(column.get(f"truncated.{name}") or 0) for name in FIELD_LISTS}
    columns = {each.name: _READ.get(each.kind, _same)(column.get(each.name)) for each in COLUMNS if each.kind is not Kind.PRODUCT}
    return Finding.checked(**columns, truncated=tuple(sorted((name, count) for name, count in beyond.items() if count)))


def _same(value: Any) -> Any:
    return value


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


_READ: dict[Kind, Callable[[Any], Any]] = {
    Kind.SECOND: parse_time,
    Kind.MILLISECOND: parse_time,
    Kind.COUNT: int,
    Kind.SCORE: int,
    Kind.LIST: _listed,
    Kind.CLASSES: _listed,
    Kind.SEVERITY: Severity.parse,
}
