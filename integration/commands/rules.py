"""`detect rules`: what stands in rule files, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from integration.detection.cases import load_cases
from integration.detection.loading import read_rules
from integration.detection.model import Rule
from integration.errors import RuleError


def check(folders: Sequence[Path]) -> tuple[list[Rule], list[str]]:
    """Return the rules that can be read, and every fault of the files of rules and of their cases, one line each."""
    rules, faults = read_rules(folders)
    found = [rules[rule_id] for rule_id in sorted(rules)]
    return found, [*faults, *(fault for rule in found for fault in _faults_of_cases(rule))]


def changes(rule: Rule, configured: Rule) -> list[str]:
    """Return what the user's settings change of a rule: the top-level keys of its file."""
    before, after = rule.model_dump(), configured.model_dump()
    return [key for key in before if before[key] != after[key]]


def _faults_of_cases(rule: Rule) -> Iterator[str]:
    try:
        load_cases(rule)
    except RuleError as error:
        yield from str(error).splitlines()
