"""How an object on a cluster shows that this project made it, from what content, and for which rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from integration import __version__
from integration.detection.model import Rule
from integration.names import Namespace

OWNER = "ollama-detect"
"""The mark of an object that this project made."""


def content_hash(body: dict[str, Any]) -> str:
    """Tell bodies apart: sixteen hex digits that are the same for the same content."""
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def mark(content: dict[str, Any], versions: Mapping[str, int]) -> dict[str, Any]:
    """Give the mark as metadata: of what content, and for which rules, their versions by id."""
    return {"managed_by": OWNER, "version": __version__, "hash": content_hash(content), "rules": dict(versions)}


def versions_of(rules: Sequence[Rule]) -> dict[str, int]:
    """Return the version of each rule that a shared object serves, in the order of the ids."""
    return {rule.id: rule.version for rule in sorted(rules, key=lambda rule: rule.id)}


def mark_text(content: dict[str, Any], versions: Mapping[str, int]) -> str:
    """Give the mark for the end of a description, where an object has no metadata."""
    served = ", ".join(f"{rule_id} {version}" for rule_id, version in versions.items())
    return f"[{OWNER} {__version__} {content_hash(content)}: {served}]"


def mark_of(rule: Rule, namespace: Namespace) -> dict[str, str]:
    """Give the part of the mark of one rule's own object that tells whose it is, whatever its name, version or content."""
    return {"managed_by": OWNER, "rule_id": rule.id, "namespace": namespace.name}


def rule_mark(rule: Rule, namespace: Namespace, content: dict[str, Any]) -> dict[str, Any]:
    """Give the mark of one rule's own object as metadata."""
    return mark_of(rule, namespace) | {"rule_version": rule.version, "hash": content_hash(content)}


def is_marked(metadata: object) -> bool:
    """Whether metadata that was read bears our mark."""
    return isinstance(metadata, dict) and metadata.get("managed_by") == OWNER


def is_marked_text(description: object) -> bool:
    """Whether a description that was read bears our mark."""
    return f"[{OWNER} " in str(description)
