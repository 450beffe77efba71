"""The ownership tag: how an object on a cluster shows that this project made it, from what content, and for which rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from integration import __version__
from integration.detection.model import Rule
from integration.names import Namespace

OWNER = "ollama-detect"
"""The name in the ownership tag of each object that this project made."""


def content_hash(body: dict[str, Any]) -> str:
    """Return sixteen hex digits that are the same for the same content."""
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def shared_tag(content: dict[str, Any], rules: Sequence[Rule]) -> dict[str, Any]:
    """Return the tag of an object that rules share as metadata: its content's hash, and the rules' versions by id."""
    return {"managed_by": OWNER, "version": __version__, "hash": content_hash(content), "rules": _versions(rules)}


def shared_tag_text(content: dict[str, Any], rules: Sequence[Rule]) -> str:
    """Return the same tag for the end of a description, where an object has no metadata."""
    served = ", ".join(f"{rule_id} {version}" for rule_id, version in _versions(rules).items())
    return f"[{OWNER} {__version__} {content_hash(content)}: {served}]"


def owner_of(rule: Rule, namespace: Namespace) -> dict[str, str]:
    """Return the part of the tag of one rule's own object that says whose it is, whatever its name, version or content."""
    return {"managed_by": OWNER, "rule_id": rule.id, "namespace": namespace.name}


def rule_tag(rule: Rule, namespace: Namespace, content: dict[str, Any]) -> dict[str, Any]:
    """Return the tag of one rule's own object as metadata."""
    return owner_of(rule, namespace) | {"rule_version": rule.version, "hash": content_hash(content)}


def has_tag(metadata: object) -> bool:
    """Whether metadata that was read holds an ownership tag."""
    return isinstance(metadata, dict) and metadata.get("managed_by") == OWNER


def tagged_rules(found: object) -> frozenset[str]:
    """Return the ids of the rules that a shared object which was read serves; none where it is not ours or has no metadata."""
    metadata = found.get("_meta") if isinstance(found, dict) else None
    rules = metadata.get("rules") if isinstance(metadata, dict) and has_tag(metadata) else None
    return frozenset(rules) if isinstance(rules, dict) else frozenset()


def has_tag_text(description: object) -> bool:
    """Whether a description that was read holds an ownership tag."""
    return f"[{OWNER} " in str(description)


def untagged(count: int) -> str:
    """Return what is said of so many objects that may be another hand's, or ours with the tag edited away."""
    one = "bears no ownership tag of detect: somebody else made it, or its tag was edited away"
    return one if count == 1 else "bear no ownership tag of detect: somebody else made them, or their tags were edited away"


def manager(found: object) -> str | None:
    """Return who manages an object that was read and does not bear our tag, None where it does not say."""
    body = found if isinstance(found, dict) else {}
    for metadata in (body.get("_meta"), body.get("metadata")):
        if isinstance(metadata, dict) and (
            name := metadata.get("managed_by") or (metadata.get("managed") and "the cluster itself")
        ):
            return str(name)
    return None


def _versions(rules: Sequence[Rule]) -> dict[str, int]:
    return {rule.id: rule.version for rule in sorted(rules, key=lambda rule: rule.id)}
