"""What the objects on a cluster are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from integration.errors import InputError


@dataclass(frozen=True, slots=True)
class Dataset:
    """A kind of events, by its `event.dataset`, and what its objects on a cluster are called."""

    name: str

    @property
    def pipeline(self) -> str:
        """The ingest pipeline's id; its body is the file of that name in `ingest_pipelines/`."""
        return self.name

    @property
    def template(self) -> str:
        """The index template of its data streams."""
        return f"logs-{self.name}"

    @property
    def custom(self) -> str:
        """The user's own component template and ingest pipeline on Elasticsearch, named as Elastic's integrations name theirs."""
        return f"{self.template}@custom"

    @property
    def pattern(self) -> str:
        """The pattern of its data streams, one a namespace."""
        return f"{self.template}-*"


SERVER = Dataset("ollama.server")
"""The lines of Ollama's log, which the rules read."""
API = Dataset("ollama.api")
"""Events of Ollama's API in JSON, as Splunk's HTTP Event Collector gets them (ollama:api)."""
PROMPTS = Dataset("ollama.prompts")
"""Prompts and responses in JSON (ollama:prompts)."""
DATASETS = (SERVER, API, PROMPTS)

PIPELINE = SERVER.pipeline
EVENTS_TEMPLATE = SERVER.template
EVENTS_PATTERN = SERVER.pattern
RISK_TEMPLATE = "detect-risk"
RISK_PATTERN = "detect-risk-*"
STATE_PATTERN = "detect-state-*"

# What Elastic's naming scheme for data streams allows, without the dash that separates its parts.
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9_.]{0,99}")
_BACKING_INDEX = re.compile(r"\.ds-(.+?)(?:-[0-9]{4}\.[0-9]{2}\.[0-9]{2})?-[0-9]{6}")


def data_stream_of(index: str) -> str:
    """Return the data stream whose backing index this is; another index stands for itself."""
    backing = _BACKING_INDEX.fullmatch(index)
    return backing[1] if backing else index


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
        return self.stream(SERVER)

    def stream(self, dataset: Dataset) -> str:
        """Return the data stream of a dataset."""
        return f"{dataset.template}-{self.name}"

    @property
    def risk(self) -> str:
        """The index of risk events."""
        return f"detect-risk-{self.name}"

    @property
    def state(self) -> str:
        """The index of the scheduler's progress."""
        return f"detect-state-{self.name}"
