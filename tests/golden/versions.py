"""The version and the content of each shipped rule, as they were kept together last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.install.ownership import content_hash

KEPT = Path(__file__).parent / "versions.yml"


def entry(rule: Rule) -> dict[str, Any]:
    """The version of a rule and a hash of all else that it says; comments and layout are not part of it."""
    return {"version": rule.version, "content": content_hash(rule.model_dump(mode="json", exclude={"version"}, exclude_unset=True))}


def kept() -> dict[str, dict[str, Any]]:
    """The entries of the file, by the rule's id."""
    return yaml.safe_load(KEPT.read_text(encoding="utf-8")) or {}


def unraised(rule: Rule, before: dict[str, Any] | None) -> bool:
    """Return whether a rule says something else than before under the same version."""
    return before is not None and before != entry(rule) and before["version"] == rule.version


def write() -> None:
    """Keep each shipped rule as it is now; one whose version was not raised stays as it was, so that its test goes on failing."""
    before = kept()
    entries = {rule.id: before[rule.id] if unraised(rule, before.get(rule.id)) else entry(rule) for rule in load_rules()}
    KEPT.write_text(yaml.safe_dump(entries), encoding="utf-8", newline="\n")
