"""Entries of a filter that would take away the most findings, and what each would hide."""

from __future__ import annotations

import glob
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from integration.detection.columns import Kind
from integration.detection.severity import Severity
from integration.findings.filter import FilterEntry
from integration.findings.finding import Finding
from integration.findings.severity_counts import MAX_KEYS

# Of the lists of values those that say what happened: addresses and paths are an attacker's own.
_MESSAGES = ("ollama.msg", "error.message")
_MOST_TRIED = 50
_MOST_TEXTS = 5
_MAX_CHARACTERS = 1024

Candidate = tuple[str, str, tuple[str, ...]]
"""A rule and one of its lists with the texts that its values hold, or `host` with a pattern, whatever the rule."""


@dataclass
class Suggestion:
    """An entry that excludes findings: which it `hides`, by severity, and the worst of them."""

    stated: dict[str, Any]
    hides: Counter[Severity] = field(default_factory=Counter)
    worst: Finding | None = None

    def __post_init__(self) -> None:
        self._entry = FilterEntry.model_validate(self.stated)

    def add(self, finding: Finding) -> None:
        """Count a finding that the entry matches."""
        if self._entry.matches(finding):
            self.hides[finding.severity] += 1
            if self.worst is None or _gravity(finding) > _gravity(self.worst):
                self.worst = finding

    @property
    def toml(self) -> str:
        """Return the entry as detect.toml writes it."""
        return "\n".join(["[[filter]]", *(f"{name} = {_toml(value)}" for name, value in self.stated.items())])


def suggested(findings: Iterable[Finding], most: int) -> list[Suggestion]:
    """Return the entries that hide the most findings, which are iterated twice; those that hide no high or critical one go first.

    Each excludes a host, or findings whose messages or labels are all among some: with any other beside them it stays.
    """
    counted: Counter[Candidate] = Counter()
    for finding in findings:
        for candidate in _candidates(finding):
            if candidate in counted or len(counted) < MAX_KEYS:
                counted[candidate] += 1
    tried = [Suggestion(_stated(candidate)) for candidate, _ in counted.most_common(_MOST_TRIED)]
    for finding in findings:
        for suggestion in tried:
            suggestion.add(finding)
    return sorted((each for each in tried if each.hides), key=_harmless_first)[:most]


def _harmless_first(suggestion: Suggestion) -> tuple[bool, int, Severity]:
    worst = max(suggestion.hides)
    return worst >= Severity.HIGH, -suggestion.hides.total(), worst


def _gravity(finding: Finding) -> tuple[Severity, int]:
    return finding.severity, finding.risk_score


def _candidates(finding: Finding) -> Iterator[Candidate]:
    """Yield what would exclude a finding; not what a filter cannot state."""
    cut = dict(finding.truncated)
    if _can_be_stated(pattern := glob.escape(finding.host)):
        yield "", "host", (pattern,)
    for name in finding.rule.lists:
        column = finding.rule.columns[name]
        if column.kind is Kind.LIST and column.values not in _MESSAGES:
            continue
        counts = column.kind is Kind.COUNTS
        texts = tuple(f"{value}=" if counts else value for value in finding.values(name))
        if name not in cut and 0 < len(texts) <= _MOST_TEXTS and all(map(_can_be_stated, texts)):
            yield finding.rule_id, name, texts


def _can_be_stated(text: str) -> bool:
    """Return whether a filter may state a text: TOML has no half of a surrogate pair."""
    return 0 < len(text) <= _MAX_CHARACTERS and text.encode(errors="replace").decode() == text


def _stated(candidate: Candidate) -> dict[str, Any]:
    rule, name, texts = candidate
    if name == "host":
        return {"action": "exclude", "host": texts[0]}
    return {"action": "exclude", "rule": rule, "all_contain": {name: list(texts)}}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in json.dumps(value, ensure_ascii=False))
