"""What a cluster answers, in the small shapes that the verbs use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integration.engines.faults import reason

Json = dict[str, Any]
"""A JSON object, as the clients take and give it."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The two numbers that name one state of a document."""

    seq_no: int
    primary_term: int


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one document of a bulk request."""

    id: str
    index: str
    status: int
    """The HTTP status the document would have got alone."""
    result: str
    """`created`, `updated`, `noop`; empty on an error."""
    reason: str
    """The cluster's words on an error, else empty."""

    @classmethod
    def read(cls, action: Json) -> ItemResult:
        """Read one element of the `items` of a bulk answer."""
        (item,) = action.values()
        return cls(
            id=item.get("_id", ""),
            index=item.get("_index", ""),
            status=item["status"],
            result=item.get("result", ""),
            reason=reason(item["error"]) if "error" in item else "",
        )

    @property
    def ok(self) -> bool:
        """Whether the document is stored as asked."""
        return self.status < 300
