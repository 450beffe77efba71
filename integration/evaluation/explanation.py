"""Why a rule selects an event or not, and why it gets its label: each thing that a condition states, tried alone.

The tests are the reference's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from integration.detection.case import fold
from integration.detection.conditions import LINE_KIND, Condition
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.evaluation.reference import _REGEX_FLAGS, Classifier, holds
from integration.log.event import Event

_STATED = set(Condition.model_fields)
_MOST_TERMS = 8
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a condition states, in words; whether it holds of the event, and what was found there."""

    says: str
    holds: bool
    found: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """An alternative of the selection, or a class, tried on an event."""

    name: str
    holds: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule makes of an event, and why: the alternatives, and the classes up to the one that takes it.

    `label` is None for an event that the rule does not select.
    """

    rule: Rule
    label: str | None
    alternatives: tuple[Trial, ...]
    classes: tuple[Trial, ...]
    window: Window


def verdict(rule: Rule, event: Event) -> Verdict:
    """Return what a rule makes of an event, and why."""
    alternatives = tuple(
        _trial(f"alternative {number}", each, event, ignore_case=True) for number, each in enumerate(rule.selection, 1)
    )
    classes: list[Trial] = []
    if any(trial.holds for trial in alternatives):
        for each in rule.classification.classes:
            classes.append(_trial(each.name, each, event, ignore_case=False))
            if classes[-1].holds:
                break
    return Verdict(rule, Classifier(rule).classify(event), alternatives, tuple(classes), rule.windows.window_of(event.time))


def _trial(name: str, condition: Condition, event: Event, *, ignore_case: bool) -> Trial:
    parts = tuple(_parts(condition, event, ignore_case=ignore_case))
    return Trial(name, all(part.holds for part in parts), parts)


def _parts(condition: Condition, event: Event, *, ignore_case: bool) -> Iterator[Part]:
    stated = condition.model_dump(include=_STATED, exclude_defaults=True)

    def alone(key: str, value: Any) -> bool:
        return holds(Condition.model_validate({key: value}), ignore_case=ignore_case)(event)

    for key, value in stated.items():
        if key == "kind":
            yield Part(f"its line is of the kind {_either(value)}", alone(key, value), f"it is {event.value(LINE_KIND)}")
        elif key == "level":
            yield Part(f"its level is {_either(value)}", alone(key, value), _level(event))
        elif key == "not_level":
            yield Part(f"its level is not {_either(value)}", alone(key, value), _level(event))
        elif key == "contains":
            there = [_place(event, term, ignore_case=ignore_case) for term in value if alone(key, (term,))]
            yield Part(f"it holds {_either(map(_quoted, value))}", alone(key, value), ", ".join(there))
        elif key == "contains_all":
            for term in value:
                there = [_place(event, term, ignore_case=ignore_case)] if (is_there := alone(key, (term,))) else []
                yield Part(f"it holds {_quoted(term)}", is_there, ", ".join(there))
        elif key == "any_of":
            yield Part(f"one of {len(value)} descriptions of its text holds", alone(key, value))
        elif key == "fields":
            for field, asked in condition.fields.stated.items():
                says = f"{field} is as asked ({_quoted(str(asked.model_dump(exclude_defaults=True)))})"
                found = event.value(field)
                yield Part(says, alone(key, {field: asked}), "it has none" if found is None else f"it is {_quoted(str(found))}")
        else:
            there = [_match(event, pattern) for pattern in value if alone(key, (pattern,))]
            yield Part(f"it matches {_either(map(_quoted, value))}", alone(key, value), ", ".join(there))


def _level(event: Event) -> str:
    level = event.value("log.level")
    return "it has none" if level is None else f"it is {level}"


def _place(event: Event, term: str, *, ignore_case: bool) -> str:
    line, text = (fold(event.original), fold(term)) if ignore_case else (event.original, term)
    return f"{_quoted(term)} at character {line.find(text) + 1:,}"


def _match(event: Event, pattern: str) -> str:
    found = re.search(pattern, event.original, _REGEX_FLAGS)
    return f"{_quoted(pattern)} by {_quoted(found[0])} at character {found.start() + 1:,}" if found else _quoted(pattern)


def _quoted(text: str) -> str:
    return f"`{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}`"


def _either(names: Iterable[str]) -> str:
    """Return names with `or` before the last; of many the first."""
    shown = list(names)
    more = len(shown) - _MOST_TERMS
    shown = [*shown[:_MOST_TERMS], f"{more} more"] if more > 0 else shown
    return f"{', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else shown[0]
