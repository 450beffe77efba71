"""How an object on a cluster shows that this project made it, and from what content."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

OWNER = "ollama-detect"
"""The mark of an object that this project made."""


def content_hash(body: dict[str, Any]) -> str:
    """Tell bodies apart: sixteen hex digits that are the same for the same content."""
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
