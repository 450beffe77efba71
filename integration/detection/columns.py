"""The columns of a finding: those that every finding has, and those that a rule names itself."""

from __future__ import annotations

from enum import Enum, auto
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from integration.detection.field_names import EVENT_FIELDS
from integration.detection.texts import Model, Name, like

BEFORE = ("rule_id", "host", "window_start", "window_end")
"""The columns of every finding that stand before the rule's own."""
AFTER = ("severity", "attack_type", "risk_score", "risk_message", "spl_row_count")
"""The columns of every finding that stand after the rule's own."""
SHARED_NUMBERS = ("risk_score", "spl_row_count")
TAKEN = frozenset((*BEFORE, *AFTER, "truncated", "spl_rows", "count"))
"""Names that a rule's own column cannot have."""
LABEL = "label"
"""What `values` calls the class of an event."""

_SPAN_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Kind(Enum):
    """What a column holds."""

    EVENTS = auto()
    """How many events the rule selected."""
    TIME = auto()
    """A time with milliseconds."""
    FLOORED = auto()
    """A time as SPL prints it, floored to a span."""
    LIST = auto()
    """The distinct values of an event field."""
    LABELS = auto()
    """The distinct classes of the events, a list too."""
    COUNTS = auto()
    """The classes with how many events each has, as `class=3`, a list too."""
    DISTINCT = auto()
    """How many values a list has."""
    SCORE = auto()
    """The sum of the weights of the classes."""


LISTS = frozenset((Kind.LIST, Kind.LABELS, Kind.COUNTS))
NUMBERS = frozenset((Kind.EVENTS, Kind.DISTINCT, Kind.SCORE))
"""What a severity condition may test by `greater_than`."""


def _listable(field: str) -> str:
    if field not in (*EVENT_FIELDS, LABEL):
        raise ValueError(f"{field!r} is not an event field; use one of {', '.join(EVENT_FIELDS)}, or {LABEL} for the class")
    return field


class Column(Model):
    """One column of a rule: exactly one of `count`, `first`, `last`, `values`, `distinct`, `score` and `counts` is stated.

    `floor` is the span to which `first` or `last` is floored (SPL's `bin _time`), which makes it a text.
    """

    count: Literal["events"] | None = None
    first: Literal["@timestamp"] | None = None
    last: Literal["@timestamp"] | None = None
    values: Annotated[str, AfterValidator(_listable)] | None = None
    distinct: Name | None = None
    score: Literal["label"] | None = None
    counts: Literal["label"] | None = None
    floor: Annotated[str, like(r"[1-9][0-9]{0,3}[mhd]", "a span such as 30m, 1h or 1d")] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        stated = [name for name in Column.model_fields if name != "floor" and getattr(self, name) is not None]
        if len(stated) != 1:
            raise ValueError("states exactly one of `count`, `first`, `last`, `values`, `distinct`, `score` and `counts`")
        if self.floor is not None and stated[0] not in ("first", "last"):
            raise ValueError("`floor` goes with `first` or `last` alone")
        return self

    @cached_property
    def kind(self) -> Kind:
        """What the column holds."""
        if self.first or self.last:
            return Kind.TIME if self.floor is None else Kind.FLOORED
        if self.values:
            return Kind.LABELS if self.values == LABEL else Kind.LIST
        if self.distinct:
            return Kind.DISTINCT
        if self.count:
            return Kind.EVENTS
        return Kind.SCORE if self.score else Kind.COUNTS

    @cached_property
    def floor_ms(self) -> int:
        """The span of `floor` in milliseconds, 1 where none is stated."""
        return 1 if self.floor is None else int(self.floor[:-1]) * _SPAN_MS[self.floor[-1]]

    @property
    def mapping_type(self) -> str:
        """The type of the column in the mapping of risk events."""
        return "date" if self.kind is Kind.TIME else "long" if self.kind in NUMBERS else "keyword"


class Rows(Model):
    """The rows that Splunk prints of a finding.

    `by` is SPL 14's `stats count by`: one for each combination of the lists' values, none where a list is empty. `table` is one
    row, lists and all.
    """

    by: tuple[Name, ...] | None = None
    table: tuple[Name, ...] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.by is None) == (self.table is None):
            raise ValueError("states exactly one of `by` and `table`")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of a row."""
        return self.by or self.table or ()
