"""What an installation's rules look at and let through."""

from __future__ import annotations

from dataclasses import dataclass

from integration.findings.filter import NO_FILTER, Filter
from integration.names import Namespace


@dataclass(frozen=True, slots=True)
class Deployment:
    """A namespace, an index of the user's own in place of the namespace's events, and the user's filter on findings."""

    namespace: Namespace
    index: str | None = None
    filter: Filter = NO_FILTER

    @property
    def events(self) -> str:
        """The index, data stream or pattern that holds the events."""
        return self.index or self.namespace.events
