"""Texts by which the lines that meet a condition are known: most lines have none of them, and need not be looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence

from integration.detection.conditions import NO_LEVEL, Condition, TextCondition
from integration.detection.model import Rule

_PLAIN = re.compile(r"[A-Za-z0-9_ .:=()*\[\];,/%'-]+")
# A redaction makes these: they are in the event, and perhaps not in the line.
_MADE = re.compile(r"redacted|(?:api[_-]?key|authorization|bearer)=", re.IGNORECASE)
_LEAST = 2


def needles_of_rule(rule: Rule) -> list[str]:
    """Return texts of which every line that a rule selects holds one, none when there are none.

    A record in JSON may hold its level in another way.
    """
    if levels := needles_of_level(rule):
        return levels
    found = [needles_of(each) for each in rule.classification.classes if not each.excuses]
    return [needle for each in found for needle in each] if all(found) and rule.classification.otherwise is None else []


def needles_of_level(rule: Rule) -> list[str]:
    """Return how a line that a rule selects says its level; none where it need not have one.

    No other text of a selection serves: a level is compared as ASCII, while a term that ignores case may be met by other letters.
    """
    levels = [level.lower() for alternative in rule.selection for level in alternative.level]
    return [f"level={level}" for level in levels] if all(each.level for each in rule.selection) and NO_LEVEL not in levels else []


def needles_of(condition: Condition) -> list[str]:
    """Return lower-case texts of which every line that meets a condition holds one in some case, none when there are none.

    They are the longest that it states.
    Of equally long ones the first stated.
    """
    choices = [_of_texts(condition)]
    if condition.any_of:
        parts = [_of_texts(part) for part in condition.any_of]
        choices.append([needle for each in parts for needle in each] if all(parts) else [])
    path = condition.fields.path
    if path is not None and not path.matches:
        choices.append(_plain((*path.equals, *path.begins, *path.contains)))
    if condition.kind == ("access",) and not any(choices):
        choices.append(["[gin]"])
    return max(choices, key=lambda choice: min(map(len, choice), default=0))


def _of_texts(condition: TextCondition) -> list[str]:
    choices = [_plain(condition.contains), *(_plain((term,)) for term in condition.contains_all)]
    return max(choices, key=lambda choice: min(map(len, choice), default=0))


def _plain(terms: Sequence[str]) -> list[str]:
    """Return of each term the longest part that no JSON writes in other ways; none where one is too short to tell lines apart.

    None, too, where a redaction may have made one.
    """
    parts = [max(_PLAIN.findall(term), key=len, default="") for term in terms]
    return [part.lower() for part in parts] if all(len(part) >= _LEAST and not _MADE.search(part) for part in parts) else []
