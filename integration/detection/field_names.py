"""The names that event fields have in an index: ours, or those of a user's own index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EVENT_FIELDS = (
    "ollama.msg",
    "ollama.err",
    "ollama.source",
    "ollama.level",
    "log.level",
    "error.message",
    "log.origin.file.name",
    "source.ip",
    "url.path",
    "http.request.method",
    "http.response.status_code",
)
"""The event fields that a list may be made of."""
MAPPABLE = ("@timestamp", "event.original", "event.dataset", "host.name", "ollama.line", "event.duration", *EVENT_FIELDS)
"""The event fields that a user may have under other names."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The names of event fields in an index; a field that is not named keeps ours.

    With `own_index` the index is the user's own, with a mapping that is not ours. With `any_dataset` every document in it is one of
    the rule's events, whatever its `event.dataset`.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    own_index: bool = False
    any_dataset: bool = False

    def of(self, event_field: str) -> str:
        """Return the name of an event field in the index."""
        return self.names.get(event_field, event_field)
