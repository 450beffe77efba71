"""A rule's event fields in the index that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integration.detection.model import Rule


def name_in_index(rule: Rule, field: str) -> str:
    """Return the name that an event field has in the rule's index."""
    return rule.field_names.of(field)


def dataset_filter(rule: Rule) -> list[dict[str, Any]]:
    """Return the sourcetype of SPL 1 as filters of a query: none where the index holds nothing else."""
    if rule.field_names.any_dataset:
        return []
    return [{"term": {name_in_index(rule, "event.dataset"): rule.data_source.dataset}}]


def path_in_source(name: str) -> list[str]:
    """Return the steps to a field in a document as it was sent: `.keyword`, the usual second form of a text, is not in there."""
    return name.removesuffix(".keyword").split(".")


def value_in_source(source: Mapping[str, Any], field: str) -> object:
    """Read a field of a document as it was sent, nested or dotted; None where there is none."""
    if field in source:
        return source[field]
    at: object = source
    for part in path_in_source(field):
        at = at.get(part) if isinstance(at, Mapping) else None
    return at
