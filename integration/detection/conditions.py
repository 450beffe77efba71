"""What a rule asks of one event: of its line, its level, what kind of line it is, and its fields."""

from __future__ import annotations

import re
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from integration.detection.texts import LevelName, Model, Pattern, Term

LINE_KIND = "ollama.line"
"""The event field that says what kind of line an event is."""
LineKind = Literal["record", "access", "panic", "frame", "native", "other"]
NO_LEVEL = "none"
"""What `level` and `not_level` call the level of an event that has none."""

_NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"(\d{1,6})(ns|us|ms|s|m|h)", re.ASCII)


class TextCondition(Model):
    """What a line must hold: any of `contains`, all of `contains_all`, any of the regexes `matches`; all that is stated."""

    contains: tuple[Term, ...] = ()
    contains_all: tuple[Term, ...] = ()
    matches: tuple[Pattern, ...] = ()

    @property
    def stated(self) -> bool:
        """Whether the condition says anything about the line."""
        return bool(self.contains or self.contains_all or self.matches)


class LinePart(TextCondition):
    """One of `any_of`."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.stated:
            raise ValueError("states no condition on the line")
        return self


class TextField(Model):
    """A field that is text; case counts.

    It holds where the value is one of `equals`, begins with one of `begins`, holds one of `contains`, or matches one of `matches`.
    """

    equals: tuple[Term, ...] = ()
    begins: tuple[Term, ...] = ()
    contains: tuple[Term, ...] = ()
    matches: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.equals or self.begins or self.contains or self.matches):
            raise ValueError("states none of `equals`, `begins`, `contains` and `matches`")
        return self


class NumberField(Model):
    """A field that is a number: `from` and `to` are included, `below` is not."""

    least: Annotated[int, Field(ge=0, le=2**53)] | None = Field(None, alias="from")
    most: Annotated[int, Field(ge=0, le=2**53)] | None = Field(None, alias="to")
    below: Annotated[int, Field(ge=0, le=2**53)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.least is None and self.most is None and self.below is None:
            raise ValueError("states none of `from`, `to` and `below`")
        return self

    def holds(self, value: int) -> bool:
        """Return whether a value lies within."""
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )


def _nanoseconds(value: object) -> object:
    """Read `10ms`; a number is nanoseconds."""
    if not isinstance(value, str):
        return value
    if (match := _DURATION.fullmatch(value)) is None:
        raise ValueError(f"{value!r} is not a duration such as 10ms; units are {', '.join(_NANOSECONDS)}")
    return int(match[1]) * _NANOSECONDS[match[2]]


def _durations(value: object) -> object:
    return {key: _nanoseconds(bound) for key, bound in value.items()} if isinstance(value, dict) else value


def _network(text: str) -> str:
    ip_network(text)
    return text


Network = Annotated[str, AfterValidator(_network)]


class AddressField(Model):
    """A field that is an address: in one of the networks `within`, and in none of `not_in` (CIDR)."""

    within: tuple[Network, ...] = Field((), alias="in")
    not_in: tuple[Network, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.within or self.not_in):
            raise ValueError("states none of `in` and `not_in`")
        return self

    @cached_property
    def networks(self) -> tuple[tuple[IPv4Network | IPv6Network, ...], tuple[IPv4Network | IPv6Network, ...]]:
        """The networks that an address must be in, and those that it must not be in."""
        return tuple(map(ip_network, self.within)), tuple(map(ip_network, self.not_in))


class FieldConditions(Model):
    """Conditions on fields of an event, all of which must hold; one on a field that the event does not have never holds."""

    method: TextField | None = Field(None, alias="http.request.method")
    status_code: NumberField | None = Field(None, alias="http.response.status_code")
    path: TextField | None = Field(None, alias="url.path")
    address: AddressField | None = Field(None, alias="source.ip")
    duration: Annotated[NumberField, BeforeValidator(_durations)] | None = Field(None, alias="event.duration")

    @property
    def stated(self) -> dict[str, TextField | NumberField | AddressField]:
        """The conditions by the names of their fields."""
        fields = {info.alias or name: getattr(self, name) for name, info in FieldConditions.model_fields.items()}
        return {name: condition for name, condition in fields.items() if condition is not None}


class Condition(TextCondition):
    """What an event must be: all that is stated holds.

    `kind` is one of the kinds of lines; `level` is the automatic field, ignoring case, and `not_level` what it must not be. Of
    `any_of` one part must hold. A regular expression is tried only where all else that is stated beside it holds.
    """

    kind: tuple[LineKind, ...] = ()
    level: tuple[LevelName, ...] = ()
    not_level: tuple[LevelName, ...] = ()
    any_of: tuple[LinePart, ...] = ()
    fields: FieldConditions = FieldConditions.model_validate({})

    @property
    def on_line(self) -> bool:
        """Whether the condition reads the line."""
        return self.stated or bool(self.any_of)

    @property
    def texts(self) -> tuple[TextCondition, ...]:
        """Every condition on the line's text."""
        return (self, *self.any_of)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.kind or self.level or self.not_level or self.on_line or self.fields.stated):
            raise ValueError("states no condition, so it would hold for every event")
        return self
