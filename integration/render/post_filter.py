"""SPL 15 as one expression in the language of a target, by the same logic as `filter.Filter` has in Python.

A target is told what every target can say exactly: `rule`, `host` with `*` and `?`, severities, and the rule's own numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from integration.detection.columns import SHARED_NUMBERS
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.errors import InputError
from integration.findings.filter import Action, Filter, FilterEntry

MOST_CHARACTERS = 100
MOST_WILDCARDS = 6
"""How long a pattern of a host may be, and how many `*` and `?` it may have after its first `*`.

Lucene makes an automaton of a pattern and gives up on one with too many states; Painless gives up after a million steps.
"""
_IN_A_ROW = 64


class Language(Protocol):
    """How a target says what an entry of the filter states; an expression is never null and may be joined with others as it is."""

    name: str
    conjunction: str
    disjunction: str
    negation: str

    def host(self, patterns: tuple[str, ...], action: Action) -> str:
        """Return the test whether one of the patterns matches the host."""

    def severity(self, comparison: str, level: Severity) -> str:
        """Return the test whether the severity is at least (`>=`) or at most (`<=`) a level."""

    def count(self, column: str, comparison: str, bound: int) -> str:
        """Return the test whether a number of the rule is greater (`>`) or less (`<`) than a bound."""


def passing(post_filter: Filter, rule: Rule, language: Language) -> str | None:
    """Return the test whether a finding of the rule passes, None where every finding does.

    `InputError` names the entry that targets are not told, and what to use instead.
    """
    tests: dict[Action, list[str]] = {"exclude": [], "keep": []}
    for number, entry in enumerate(post_filter.entries, 1):
        if not entry.fits(rule):
            continue
        for condition in _not_told(entry):
            reason = f", {entry.reason!r}" if entry.reason else ""
            raise InputError(
                f"detect.toml: [[filter]] {number} ({entry.action}{reason}): {language.name} cannot be told {condition}; change "
                "the entry, or let `detect run` or `detect watch` run the rules, which apply any filter"
            )
        tests[entry.action].append(joined(list(_stated(entry, language)), language.conjunction) or "true")
    every = [f"{language.negation}({joined(tests['exclude'], language.disjunction)})"] if tests["exclude"] else []
    if any(entry.action == "keep" for entry in post_filter.entries):
        every.append(joined(tests["keep"], language.disjunction) or "false")
    return joined(every, language.conjunction) or None


def joined(tests: Sequence[str], operator: str) -> str:
    """Join expressions; very many in halves: ES|QL allows an expression 300 levels, and is slow where parentheses nest."""
    if len(tests) < 2:
        return "".join(tests)
    if len(tests) > _IN_A_ROW:
        half = len(tests) // 2
        tests = [joined(tests[:half], operator), joined(tests[half:], operator)]
    return f"({f' {operator} '.join(tests)})"


def _not_told(entry: FilterEntry) -> Iterator[str]:
    """Yield the conditions of an entry that not every target can say exactly."""
    for name in ("contains", "all_contain"):
        yield from (f"`{name}.{column}`" for column in getattr(entry, name))
    for name in ("greater_than", "less_than"):
        yield from (f"`{name}.{column}`" for column in getattr(entry, name) if column in SHARED_NUMBERS)
    for pattern in entry.host or ():
        if "[" in pattern or "{{" in pattern:
            yield f"the host pattern {pattern[:MOST_CHARACTERS]!r}, only `*` and `?`, and no `{{{{`"
        elif len(pattern) > MOST_CHARACTERS or len(re.findall(r"[*?]", pattern.partition("*")[2])) > MOST_WILDCARDS:
            yield (
                f"the host pattern {pattern[:MOST_CHARACTERS]!r}, which has more than {MOST_CHARACTERS} characters or more than "
                f"{MOST_WILDCARDS} `*` and `?` after its first `*`"
            )


def _stated(entry: FilterEntry, language: Language) -> Iterator[str]:
    if entry.host is not None:
        yield language.host(entry.host, entry.action)
    for comparison, level in ((">=", entry.severity_at_least), ("<=", entry.severity_at_most)):
        if level is not None:
            yield language.severity(comparison, level)
    for comparison, bounds in ((">", entry.greater_than), ("<", entry.less_than)):
        yield from (language.count(stat, comparison, bound) for stat, bound in bounds.items())
