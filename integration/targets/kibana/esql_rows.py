"""A row of the rule's ES|QL query, as Elasticsearch answers it or as Kibana keeps it in an alert, read back to a finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integration.detection.model import LIST_STATS, Severity
from integration.findings.finding import Finding
from integration.times import parse_time

_PREFIX = "finding."


def finding_of_row(row: Mapping[str, Any]) -> Finding:
    """Read a row given as its columns by dotted name; a column of nulls may be missing.

    ES|QL gives one value as itself and several as a list. One of `findings.UNREADABLE` when the row is none of ours.
    """
    column = {name.removeprefix(_PREFIX): value for name, value in row.items() if name.startswith(_PREFIX)}
    beyond = {name: int(column.get(f"truncated.{name}") or 0) for name in LIST_STATS}
    return Finding.checked(
        rule_id=column["rule_id"],
        host=column["host"],
        window_start=parse_time(column["window_start"]),
        window_end=parse_time(column["window_end"]),
        error_count=int(column["error_count"]),
        first_error=column["first_error"],
        last_error=column["last_error"],
        first_seen=parse_time(column["first_seen"]),
        last_seen=parse_time(column["last_seen"]),
        error_messages=_listed(column.get("error_messages")),
        error_details=_listed(column.get("error_details")),
        code_sources=_listed(column.get("code_sources")),
        error_types=_listed(column.get("error_types")),
        unique_error_types=int(column["unique_error_types"]),
        severity=Severity.parse(column["severity"]),
        attack_type=column["attack_type"],
        risk_score=int(column["risk_score"]),
        risk_message=column["risk_message"],
        truncated=tuple(sorted((name, count) for name, count in beyond.items() if count)),
    )


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)
