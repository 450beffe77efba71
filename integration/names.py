"""What the objects on a cluster are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from integration.errors import InputError

PIPELINE = "ollama.server"
"""The ingest pipeline's id; its body is the file of that name in `ingest_pipelines/`."""
EVENTS_TEMPLATE = "logs-ollama.server"
RISK_TEMPLATE = "detect-risk"
EVENTS_CUSTOM = "logs-ollama.server@custom"
"""The user's own component template and ingest pipeline on Elasticsearch, named as Elastic's integrations name theirs."""
EVENTS_PATTERN = "logs-ollama.server-*"
RISK_PATTERN = "detect-risk-*"
STATE_PATTERN = "detect-state-*"

# What Elastic's naming scheme for data streams allows, without the dash that separates its parts.
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9_.]{0,99}")


@dataclass(frozen=True, slots=True)
class Namespace:
    """The names of a namespace's data stream and indices; `InputError` for a name that cannot be one."""

    name: str

    def __post_init__(self) -> None:
        if not _NAMESPACE.fullmatch(self.name):
            raise InputError(
                f"namespace {self.name!r}: use lower-case letters, digits, `_` and `.`, beginning with a letter or digit"
            )

    @property
    def events(self) -> str:
        """The data stream of Ollama's lines."""
        return f"logs-ollama.server-{self.name}"

    @property
    def risk(self) -> str:
        """The index of risk events."""
        return f"detect-risk-{self.name}"

    @property
    def state(self) -> str:
        """The index of the scheduler's progress."""
        return f"detect-state-{self.name}"
