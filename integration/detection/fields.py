"""Bring your own index: a rule whose events lie in an index with field names of its own."""

from __future__ import annotations

from typing import Any

from integration.detection.model import EVENT_FIELDS, Rule

MAPPABLE = ("@timestamp", "event.original", "event.dataset", "host.name", *EVENT_FIELDS)
"""The event fields that a user may have under other names."""


class MappedRule(Rule):
    """A rule with the names that its event fields have in the user's index; a field not named keeps its own.

    With `any_dataset` every document of the index is one of the rule's events, whatever its `event.dataset`.
    """

    field_names: dict[str, str]
    any_dataset: bool


def unmapped(rule: Rule) -> Rule:
    """Give the rule with our own names, as the template of our own data streams needs it."""
    if not isinstance(rule, MappedRule):
        return rule
    return Rule.model_construct(**{name: getattr(rule, name) for name in Rule.model_fields})


def name_in_index(rule: Rule, field: str) -> str:
    """Give the name that an event field has in the rule's index."""
    return rule.field_names.get(field, field) if isinstance(rule, MappedRule) else field


def dataset_filter(rule: Rule) -> list[dict[str, Any]]:
    """The sourcetype of SPL 1 as filters of a query: none when the index holds nothing else."""
    if isinstance(rule, MappedRule) and rule.any_dataset:
        return []
    return [{"term": {name_in_index(rule, "event.dataset"): rule.data_source.dataset}}]


def path_in_source(name: str) -> list[str]:
    """Give the steps to a field in a document as it was sent: `.keyword`, the usual second form of a text, is not in there."""
    return name.removesuffix(".keyword").split(".")
