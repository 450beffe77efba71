"""What the lists of SPL 8 are made of in ES|QL: doc values and, in our own indices, what is shown of values too long for one."""

from __future__ import annotations

from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.render.long_values import shortened_name
from integration.render.shortened import MARK_LENGTH
from integration.targets.kibana import esql_text as text


def column(rule: Rule, stat: str) -> str:
    """Give the field that a list is made of; it is null where an event has no value, or one too long for a keyword."""
    if stat == "error_types":
        return text.field(rule.classification.field)
    return text.field(name_in_index(rule, rule.stats.values[stat]))


def shortened(rule: Rule, stat: str) -> str | None:
    """Give the field of the values of a list that are too long; None where there is none."""
    if stat == "error_types" or rule.field_names.own_index:
        return None
    return text.field(shortened_name(rule, rule.stats.values[stat]))


def value(rule: Rule, stat: str) -> str:
    """Give the expression for what an event adds to a list."""
    long = shortened(rule, stat)
    return f"COALESCE({column(rule, stat)}, {long})" if long else column(rule, stat)


def holds(rule: Rule, stat: str, term: str) -> str:
    """Give the test whether what an event adds to a list holds a term of the rule's severity; case counts."""
    long = shortened(rule, stat)
    searched = column(rule, stat)
    if long:
        searched = f"COALESCE({searched}, LEFT({long}, LENGTH({long}) - {MARK_LENGTH}))"
    return f"{searched} LIKE {text.holding(term)}"
