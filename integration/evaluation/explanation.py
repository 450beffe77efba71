"""Why a rule selects an event or not, and why it gets its label: each thing that a condition states, tried alone.

The tests are the reference's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from integration.detection.case import fold
from integration.detection.classification import EventClass
from integration.detection.columns import Kind
from integration.detection.conditions import LINE_KIND, AddressField, Condition, NumberField, TextCondition
from integration.detection.ladder import ColumnCondition
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.evaluation.reference import REGEX_FLAGS, Classifier, holds
from integration.findings.finding import Finding, Statistics
from integration.log.event import Event

# What is short to say, first.
_STATED = ("kind", "level", "not_level", "fields", "contains", "contains_all", "any_of", "matches")
_NEGATIONS = {"is": "is not", "is not": "is", "holds": "does not hold", "matches": "does not match"}
_MOST_TERMS = 8
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a condition states, in words; whether it holds of the event, and what was found there.

    `fails` says that it does not hold.
    """

    says: str
    holds: bool
    found: str = ""
    fails: str = field(default="", compare=False)

    @property
    def outcome(self) -> str:
        """What is so of the event: what the condition states, or that it does not hold, and what was found."""
        stated = self.says if self.holds else self.fails or f"does not hold: {self.says}"
        return f"{stated}: {self.found}" if self.found else stated


@dataclass(frozen=True, slots=True)
class Trial:
    """An alternative of the selection, or a class, tried on an event."""

    name: str
    holds: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule makes of an event, and why: the alternatives, and the classes up to the one that takes it.

    `label` is None for an event that the rule does not select. `remark` says what the class does besides: to a score, or to the
    label.
    """

    rule: Rule
    label: str | None
    alternatives: tuple[Trial, ...]
    classes: tuple[Trial, ...]
    window: Window
    remark: str = ""


def verdict(rule: Rule, event: Event) -> Verdict:
    """Return what a rule makes of an event, and why."""
    alternatives = tuple(
        _trial(f"alternative {number}", each, event, ignore_case=True) for number, each in enumerate(rule.selection, 1)
    )
    classes: list[Trial] = []
    taking: EventClass | None = None
    if any(trial.holds for trial in alternatives):
        for each in rule.classification.classes:
            classes.append(_trial(each.name, each, event, ignore_case=False))
            if classes[-1].holds:
                taking = each
                break
    label = Classifier(rule).classify(event)
    remark = _adds(rule, taking) if taking else ""
    if not taking and label is None and classes:
        remark = "no class takes it, and the rule has none for the rest"
    return Verdict(rule, label, alternatives, tuple(classes), rule.windows.window_of(event.time), remark)


def _adds(rule: Rule, taking: EventClass) -> str:
    """Return what a class does besides naming an event."""
    if taking.excuses:
        return "the class excuses it: it gets no label"
    score = next((name for name, column in rule.columns.items() if column.kind is Kind.SCORE), None)
    if score is None:
        return ""
    most = "" if taking.cap is None else f", {taking.cap} times at most" if taking.cap > 1 else ", once"
    context = "; it is context: alone it makes no score" * taking.context
    return f"it adds {taking.weight} to {score}{most}{context}"


def reasons(rule: Rule, statistics: Statistics, finding: Finding) -> Iterator[Part]:
    """Yield the conditions of SPL 12 as they are tried, up to the step that holds, with what the host has."""
    test = rule.condition_test({name: finding[name] for name in rule.numbers}, statistics.labels, statistics.holding)
    for step in rule.severity:
        for condition in step.conditions:
            begin = f"{step.level}{', with the others' * (condition in step.all and len(step.all) > 1)}: "
            found = _has(rule, condition, statistics, finding)
            yield Part(begin + _asked(condition, ""), test(condition), found, begin + _asked(condition, "not "))
        if step.holds(test):
            if not step.conditions:
                yield Part(f"{step.level}: whatever is left", holds=True)
            return


def _asked(condition: ColumnCondition, negation: str) -> str:
    """Return a condition in words, with a `not ` as its negation."""
    if condition.labels:
        return f"{negation}more than {condition.bound} events are {_either(condition.labels)}"
    if condition.contains is not None:
        return f"{condition.column} has {'no' if negation else 'a'} value that contains {_quoted(condition.contains)}"
    return f"{condition.column} is {negation}greater than {condition.bound}"


def _has(rule: Rule, condition: ColumnCondition, statistics: Statistics, finding: Finding) -> str:
    if condition.labels:
        return f"there are {sum(statistics.labels.get(label, 0) for label in condition.labels)}"
    if condition.contains is not None:
        return ""
    name = str(condition.column)
    shares = rule.classification.shares(statistics.labels) if rule.columns[name].kind is Kind.SCORE else {}
    return f"it is {finding[name]}" + f" ({', '.join(f'{label} {share}' for label, share in shares.items())})" * bool(shares)


def _trial(name: str, condition: Condition, event: Event, *, ignore_case: bool) -> Trial:
    parts = tuple(_parts(condition, event, ignore_case=ignore_case))
    return Trial(name, all(part.holds for part in parts), parts)


def _parts(condition: Condition, event: Event, *, ignore_case: bool) -> Iterator[Part]:
    stated = condition.model_dump(include=set(_STATED), exclude_defaults=True)

    def alone(key: str, value: Any) -> bool:
        return holds(Condition.model_validate({key: value}), ignore_case=ignore_case)(event)

    for key, value in sorted(stated.items(), key=lambda pair: _STATED.index(pair[0])):
        if key == "kind":
            yield _part("its line", "is", f"of the kind {_either(value)}", alone(key, value), f"it is {event.value(LINE_KIND)}")
        elif key == "level":
            yield _part("its level", "is", _either(value), alone(key, value), _level(event))
        elif key == "not_level":
            yield _part("its level", "is not", _either(value), alone(key, value), _level(event))
        elif key == "contains":
            there = [_place(event, term, ignore_case=ignore_case) for term in value if alone(key, (term,))]
            yield _part("it", "holds", _either(map(_quoted, value)), alone(key, value), ", ".join(there))
        elif key == "contains_all":
            for term in value:
                there = [_place(event, term, ignore_case=ignore_case)] if (is_there := alone(key, (term,))) else []
                yield _part("it", "holds", _quoted(term), is_there, ", ".join(there))
        elif key == "any_of":
            there = [_in_words(part) for part in condition.any_of if alone(key, (part,))]
            yield Part("; or ".join(map(_in_words, condition.any_of)), alone(key, value), there[0] if there else "")
        elif key == "fields":
            for name, asked in condition.fields.stated.items():
                value_there = event.value(name)
                found = "it has none" if value_there is None else f"it is {_quoted(str(value_there))}"
                yield Part(_asked_of(name, asked), alone(key, {name: asked}), found)
        else:
            there = [_match(event, pattern) for pattern in value if alone(key, (pattern,))]
            yield _part("it", "matches", _either(map(_quoted, value)), alone(key, value), ", ".join(there))


def _part(subject: str, verb: str, rest: str, is_so: bool, found: str) -> Part:
    """Return a part with its words; `is_so` says whether it holds."""
    return Part(f"{subject} {verb} {rest}", is_so, found, f"{subject} {_NEGATIONS[verb]} {rest}")


def _in_words(part: TextCondition) -> str:
    says = []
    if part.contains:
        says.append(f"it holds {_either(map(_quoted, part.contains))}")
    if part.contains_all:
        says.append(f"it holds all of {', '.join(map(_quoted, part.contains_all))}")
    if part.matches:
        says.append(f"it matches {_either(map(_quoted, part.matches))}")
    return " and ".join(says)


def _asked_of(field: str, asked: BaseModel) -> str:
    """Return a condition on a field in words, such as `url.path begins /api/blobs/`."""
    stated = asked.model_dump(exclude_defaults=True, by_alias=True)
    between = ", " if isinstance(asked, NumberField | AddressField) else " or "
    says = [
        f"{name.replace('_', ' ')} {_either(map(_quoted, value)) if isinstance(value, tuple) else value}"
        for name, value in stated.items()
    ]
    return f"{field} {between.join(says)}"


def _level(event: Event) -> str:
    level = event.value("log.level")
    return "it has none" if level is None else f"it is {level}"


def _place(event: Event, term: str, *, ignore_case: bool) -> str:
    line, text = (fold(event.original), fold(term)) if ignore_case else (event.original, term)
    return f"{_quoted(term)} at character {line.find(text) + 1:,}"


def _match(event: Event, pattern: str) -> str:
    found = re.search(pattern, event.original, REGEX_FLAGS)
    return f"{_quoted(pattern)} by {_quoted(found[0])} at character {found.start() + 1:,}" if found else _quoted(pattern)


def _quoted(text: str) -> str:
    return f"`{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}`"


def _either(names: Iterable[str]) -> str:
    """Return names with `or` before the last; of many the first."""
    shown = list(names)
    more = len(shown) - _MOST_TERMS
    shown = [*shown[:_MOST_TERMS], f"{more} more"] if more > 0 else shown
    return f"{', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else shown[0]
