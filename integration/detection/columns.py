"""The columns of a finding, each once: JSON, CSV, rows, mapping, risk message, severity conditions and filter follow from them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Annotated, NamedTuple

from pydantic import AfterValidator


class Kind(Enum):
    """What a column holds."""

    TEXT = auto()
    SECOND = auto()
    """A time without a fraction."""
    MILLISECOND = auto()
    """A time with milliseconds."""
    COUNT = auto()
    """A count of SPL 8, which a severity condition may test."""
    LIST = auto()
    """The distinct values of an event field, which the rule names."""
    CLASSES = auto()
    """The distinct classes of the events, a list too."""
    SEVERITY = auto()
    SCORE = auto()
    PRODUCT = auto()
    """The product of the lists' lengths: computed, so no field of a finding."""


class Column(NamedTuple):
    """A column with its kind and its type in the mapping of risk events."""

    name: str
    kind: Kind
    mapping_type: str


COLUMNS = (
    Column("rule_id", Kind.TEXT, "keyword"),
    Column("host", Kind.TEXT, "keyword"),
    Column("window_start", Kind.SECOND, "date"),
    Column("window_end", Kind.SECOND, "date"),
    Column("error_count", Kind.COUNT, "long"),
    Column("first_error", Kind.TEXT, "keyword"),
    Column("last_error", Kind.TEXT, "keyword"),
    Column("first_seen", Kind.MILLISECOND, "date"),
    Column("last_seen", Kind.MILLISECOND, "date"),
    Column("error_messages", Kind.LIST, "keyword"),
    Column("error_details", Kind.LIST, "keyword"),
    Column("code_sources", Kind.LIST, "keyword"),
    Column("error_types", Kind.CLASSES, "keyword"),
    Column("unique_error_types", Kind.COUNT, "long"),
    Column("severity", Kind.SEVERITY, "keyword"),
    Column("attack_type", Kind.TEXT, "keyword"),
    Column("risk_score", Kind.SCORE, "long"),
    Column("risk_message", Kind.TEXT, "text"),
    Column("spl_row_count", Kind.PRODUCT, "double"),  # it can pass a long
)
"""All columns, in the order of a finding's JSON."""


def _named(*kinds: Kind) -> tuple[str, ...]:
    return tuple(column.name for column in COLUMNS if column.kind in kinds)


COUNTS = _named(Kind.COUNT)
LISTS = _named(Kind.LIST, Kind.CLASSES)
FIELD_LISTS = _named(Kind.LIST)
"""The lists whose event fields a rule names."""
NUMBERS = _named(Kind.COUNT, Kind.SCORE, Kind.PRODUCT)
MESSAGE_TOKENS = ("host", "attack_type", *COUNTS, *LISTS)
"""The columns that a risk message may name."""
SPL_COLUMNS = (
    "first_error",
    "last_error",
    "host",
    "code_sources",
    "error_count",
    "unique_error_types",
    "error_types",
    "error_messages",
    "error_details",
    "severity",
    "attack_type",
)
"""The columns that SPL 14 counts by, in its order."""


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    def checked(name: str) -> str:
        if name not in names:
            raise ValueError(f"{name!r} is not one of {', '.join(names)}")
        return name

    return checked


CountName = Annotated[str, AfterValidator(_one_of(COUNTS))]
ListName = Annotated[str, AfterValidator(_one_of(LISTS))]
NumberName = Annotated[str, AfterValidator(_one_of(NUMBERS))]
StatisticName = Annotated[str, AfterValidator(_one_of((*COUNTS, *LISTS)))]
