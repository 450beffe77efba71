"""Objects on a cluster that several rules share: what those need that are installed and not at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import InputError
from integration.install.ownership import is_marked
from integration.names import EVENTS_TEMPLATE
from integration.render.aggregation import DYNAMIC_FIELDS


@dataclass(frozen=True, slots=True)
class OtherRule:
    """A rule that came from another folder: its version, and its computed fields as the events template has them."""

    version: int
    fields: Mapping[str, Any]


Others = Mapping[str, OtherRule]
"""By the rules' ids."""


def others_on(engine: Engine, rules: Sequence[Rule]) -> Others:
    """Read which rules besides these the events template on the cluster serves; what somebody broke in it is not seen."""
    at_hand = {rule.id for rule in rules}
    template = engine.get_template(EVENTS_TEMPLATE) or {}
    return {rule_id: other for rule_id, other in _rules_of(template, engine.name) if rule_id not in at_hand}


def versions_of(rules: Sequence[Rule], others: Others) -> dict[str, int]:
    """Give the version of each rule that a shared object serves, in the order of the ids."""
    versions = {rule_id: other.version for rule_id, other in others.items()} | {rule.id: rule.version for rule in rules}
    return dict(sorted(versions.items()))


def check_fields(rules: Sequence[Rule], others: Others) -> None:
    """`InputError` when a rule's computed field is another one's already."""
    for rule in rules:
        field = rule.classification.field
        if taken := [rule_id for rule_id, other in others.items() if field in other.fields]:
            raise InputError(
                f"rule {rule.id}: classification.field: {field!r} is already the field of rule {taken[0]} on the cluster; "
                f"give it another name, or uninstall {taken[0]} first"
            )


def _rules_of(template: Mapping[str, Any], engine: str) -> Iterator[tuple[str, OtherRule]]:
    meta = template.get("_meta") or {}
    if not is_marked(meta):
        return
    computed = template.get("template", {}).get("mappings", {}).get(DYNAMIC_FIELDS[engine], {})
    versions, fields = meta.get("rules"), meta.get("computed_fields")
    if not isinstance(versions, dict) or not isinstance(fields, dict):
        return
    for rule_id, names in fields.items():
        version = str(versions.get(rule_id))
        if version.isdecimal() and isinstance(names, list):
            known = [name for name in names if isinstance(name, str) and name in computed]
            yield rule_id, OtherRule(int(version), {name: computed[name] for name in known})
