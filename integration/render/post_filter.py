"""SPL 15 as one expression in the language of what runs a rule, by the same logic as `filter.Filter` has in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from integration.detection.columns import ListName, NumberName
from integration.detection.model import Rule, Severity
from integration.errors import InputError
from integration.findings.filter import Action, Filter, FilterEntry

Test = str | bool
"""An expression, or what it is for every finding of the rule."""
_IN_A_ROW = 64


class Language(Protocol):
    """How a target says what an entry states; an expression is never null and may be joined with others as it is.

    Where the target cannot know, `action` says which way to err, so that no finding is hidden that the reference shows: an
    `exclude` holds only if it surely does, a `keep` if it may. `ValueError` says what cannot be said there.
    """

    name: str
    conjunction: str
    disjunction: str
    negation: str

    def host(self, globs: tuple[str, ...], action: Action) -> Test:
        """One of the globs matches the host."""

    def severity(self, comparison: str, level: Severity, action: Action) -> Test:
        """The severity is at least (`>=`) or at most (`<=`) a level."""

    def count(self, stat: NumberName, comparison: str, bound: int, action: Action) -> Test:
        """A count is greater (`>`) or less (`<`) than a bound."""

    def contains(self, name: ListName, texts: tuple[str, ...], action: Action) -> Test:
        """Some value of a list holds one of the texts."""

    def all_contain(self, name: ListName, texts: tuple[str, ...], action: Action) -> Test:
        """A list is complete, not empty, and every value of it holds one of the texts."""


def passing(post_filter: Filter, rule: Rule, language: Language) -> Test:
    """Say that a finding of the rule passes; `InputError` names the entry that the target cannot be told, and the target."""
    found: dict[Action, list[Test]] = {"exclude": [], "keep": []}
    for number, entry in enumerate(post_filter.entries):
        try:
            found[entry.action].append(_entry(entry, rule, language))
        except ValueError as error:
            reason = f", {entry.reason!r}" if entry.reason else ""
            raise InputError(
                f"detect.toml: filter.{number} ({entry.action}{reason}): {error}, so the filter cannot go to {language.name}; "
                "change the entry, or let `detect watch` run the rules, which applies any filter"
            ) from error
    keeps = _some(found["keep"], language) if found["keep"] else True
    return _every([_negated(_some(found["exclude"], language), language), keeps], language)


def joined(tests: Sequence[str], operator: str) -> str:
    """Join expressions; very many in halves: ES|QL allows an expression 300 levels, and is slow where parentheses nest."""
    if len(tests) == 1:
        return tests[0]
    if len(tests) > _IN_A_ROW:
        half = len(tests) // 2
        tests = [joined(tests[:half], operator), joined(tests[half:], operator)]
    return f"({f' {operator} '.join(tests)})"


def _entry(entry: FilterEntry, rule: Rule, language: Language) -> Test:
    known = list(_known(entry, rule))
    return _every([*known, *_asked(entry, language)], language) if all(known) else False


def _known(entry: FilterEntry, rule: Rule) -> Iterator[bool]:
    """What the rule alone answers."""
    yield entry.rule is None or rule.id in entry.rule
    score = rule.risk.score
    yield score > entry.greater_than.get("risk_score", score - 1)
    yield score < entry.less_than.get("risk_score", score + 1)


def _asked(entry: FilterEntry, language: Language) -> Iterator[Test]:
    if entry.host is not None:
        yield language.host(entry.host, entry.action)
    for comparison, level in ((">=", entry.severity_at_least), ("<=", entry.severity_at_most)):
        if level is not None:
            yield language.severity(comparison, level, entry.action)
    for comparison, bounds in ((">", entry.greater_than), ("<", entry.less_than)):
        for stat, bound in bounds.items():
            if stat != "risk_score":
                yield language.count(stat, comparison, bound, entry.action)
    for name, texts in entry.contains.items():
        yield language.contains(name, texts, entry.action)
    for name, texts in entry.all_contain.items():
        yield language.all_contain(name, texts, entry.action)


def _every(tests: Iterable[Test], language: Language) -> Test:
    return _combined(tests, language.conjunction, neutral=True)


def _some(tests: Iterable[Test], language: Language) -> Test:
    return _combined(tests, language.disjunction, neutral=False)


def _combined(tests: Iterable[Test], operator: str, *, neutral: bool) -> Test:
    """Join tests; the neutral value among them changes nothing, the other one decides."""
    asked = [test for test in tests if test is not neutral]
    texts = [test for test in asked if isinstance(test, str)]
    if len(texts) < len(asked):
        return not neutral
    return joined(texts, operator) if texts else neutral


def _negated(test: Test, language: Language) -> Test:
    return not test if isinstance(test, bool) else f"{language.negation}({test})"
