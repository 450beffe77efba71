"""What many tests make: events, rules with other conditions, findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

from integration.detection.loading import load_rules, rule_of
from integration.detection.model import Rule
from integration.evaluation.reference import Reference
from integration.findings.finding import Finding
from integration.findings.store import stored_findings
from integration.log.event import Event, parse
from integration.times import parse_time

RULE = load_rules(ids=["ollama_possible_rce_via_model_loading"])[0]


def event(line: str, host: str = "gpu-1", at: str = "2026-11-24T09:00:00Z") -> Event:
    """An event of a line; `at` is its time unless the line has a stamp."""
    return parse(line, host=host, shipped_at=parse_time(at))


def error(rest: str, at: str = "2026-11-24T09:00:00.000Z", level: str = "ERROR") -> str:
    """A slog line."""
    return f"time={at} level={level} {rest}"


def findings_of(lines: list[Event], rule: Rule = RULE) -> list[Finding]:
    """What the reference finds in events."""
    reference = Reference(rule)
    try:
        for each in lines:
            reference.add(each)
        return list(reference.findings())
    finally:
        reference.close()


def merged(*sources: Iterable[Finding]) -> list[Finding]:
    """Findings of several sources as `detect findings` puts them together."""
    with stored_findings(chain.from_iterable(sources)) as found:
        return list(found)


def with_columns(finding: Finding, **columns: Any) -> Finding:
    """A finding with other values in some columns of its rule."""
    return replace(finding, columns={**finding.columns, **columns})


def rule_with(**changes: Any) -> Rule:
    """The shipped rule with some top-level keys changed, checked anew."""
    return rule_of(RULE.model_dump() | {"id": "other_rule"} | changes)
