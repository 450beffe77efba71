"""The detection as one typed value: what a rule file says, checked; every renderer and the reference start from here."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints, field_validator, model_validator

from integration.detection.columns import COUNTS, FIELD_LISTS, MESSAGE_TOKENS, StatisticName
from integration.detection.field_names import EVENT_FIELDS, FieldNames
from integration.detection.regexes import portable
from integration.detection.risk_message import Token, message_parts
from integration.detection.schedule import Schedule


class Severity(IntEnum):
    """How grave a finding is, in ascending order; written by its name in lower case."""

    INFORMATIONAL = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Severity:
        """Read a severity's name in any case; `ValueError` lists the names when it is none."""
        try:
            return cls[text.upper()]
        except KeyError:
            raise ValueError(f"{text!r} is no severity; use one of {', '.join(str(s) for s in cls)}") from None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control or unprintable characters")
    return text


def _severity_name(text: object) -> object:
    return Severity.parse(text) if isinstance(text, str) else text


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)]
Pattern = Annotated[str, StringConstraints(max_length=512), AfterValidator(_printable), AfterValidator(portable)]
LevelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,20}(?:[+-]\d{1,4})?$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TextCondition(_Model):
    """What a line must hold: any of `contains`, all of `contains_all`, any of the regexes `matches`; all that is stated."""

    contains: tuple[Term, ...] = ()
    contains_all: tuple[Term, ...] = ()
    matches: tuple[Pattern, ...] = ()

    @property
    def stated(self) -> bool:
        """Whether the condition says anything about the line."""
        return bool(self.contains or self.contains_all or self.matches)


class Alternative(TextCondition):
    """One way to be selected (SPL 1): the automatic field `level` is one of `level`, and the line holds the rest, ignoring case.

    Regular expressions keep their case.
    """

    level: tuple[LevelName, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.level or self.stated):
            raise ValueError("states no condition, so it would select every event")
        return self


class EventClass(TextCondition):
    """One class of SPL 6 with its condition on the line; case counts."""

    name: Name

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.stated:
            raise ValueError("states no condition; a class for all the rest goes under `otherwise`")
        return self


class Classification(_Model):
    """SPL 6: ordered classes, the first that holds, and the class of the rest; `field` is the runtime or derived field's name."""

    field: Name
    classes: tuple[EventClass, ...]
    otherwise: Name

    @property
    def names(self) -> tuple[str, ...]:
        """Every class an event can get, in the rule's order."""
        return (*(c.name for c in self.classes), self.otherwise)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.names)) != len(self.names):
            raise ValueError("names one class twice")
        return self


def _event_field(field: str) -> str:
    if field not in EVENT_FIELDS:
        raise ValueError(f"{field!r} is not an event field; use one of {', '.join(EVENT_FIELDS)}")
    return field


class Stats(_Model):
    """SPL 7 and 8: the span `_time` is floored to, and the event field behind each list of `values()`."""

    bin: Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,3}[mhd]$")]
    values: dict[str, Annotated[str, AfterValidator(_event_field)]]

    @field_validator("values")
    @classmethod
    def _every_list(cls, fields: dict[str, str]) -> dict[str, str]:
        if fields.keys() != set(FIELD_LISTS):
            raise ValueError(f"must name a field for each of {', '.join(FIELD_LISTS)}, and for nothing else")
        return {name: fields[name] for name in FIELD_LISTS}

    @property
    def bin_ms(self) -> int:
        """The span of `bin _time` in milliseconds."""
        return int(self.bin[:-1]) * {"m": 60_000, "h": 3_600_000, "d": 86_400_000}[self.bin[-1]]


class StatCondition(_Model):
    """One test of SPL 12 on a host's statistics: a count greater than a bound, or a value of a list containing a text."""

    stat: StatisticName
    greater_than: Annotated[int, Field(ge=0, le=2**53)] | None = None
    contains: Term | None = None

    @model_validator(mode="after")
    def _fits_its_stat(self) -> Self:
        is_count = self.stat in COUNTS
        if is_count != (self.greater_than is not None) or is_count == (self.contains is not None):
            raise ValueError(f"{self.stat} is tested by `{'greater_than' if is_count else 'contains'}` and by nothing else")
        return self


class SeverityStep(_Model):
    """One step of the ladder of SPL 12; a step without conditions always holds."""

    level: Annotated[Severity, Field(strict=False)]
    any: tuple[StatCondition, ...] = ()

    _named = field_validator("level", mode="before")(_severity_name)


class ScheduleText(_Model):
    """The schedule as the rule file writes it; `Rule.windows` is the working form."""

    cron: str
    earliest: str
    latest: str

    @model_validator(mode="after")
    def _tiles(self) -> Self:
        Schedule(self.cron, self.earliest, self.latest)
        return self


class Risk(_Model):
    """The risk event of a finding: its score, the object it is about, the message; `$column$` in it stands for a statistic."""

    score: Annotated[int, Field(ge=0, le=100)]
    object: Literal["host"]
    object_type: Name
    threat_objects: tuple[Term, ...] = ()
    message: Text

    @field_validator("message")
    @classmethod
    def _known_tokens(cls, message: str) -> str:
        columns = {part.name for part in message_parts(message) if isinstance(part, Token)}
        unknown = columns - set(MESSAGE_TOKENS)
        if unknown:
            raise ValueError(f"names unknown columns {', '.join(sorted(unknown))}; known are {', '.join(sorted(MESSAGE_TOKENS))}")
        return message

    @property
    def message_parts(self) -> tuple[str | Token, ...]:
        """The message as its fixed texts and the columns between them."""
        return message_parts(self.message)


class Technique(_Model):
    """A MITRE ATT&CK technique with its tactic."""

    technique: Annotated[str, StringConstraints(pattern=r"^T\d{4}(?:\.\d{3})?$")]
    name: Term
    tactic: Term
    tactic_id: Annotated[str, StringConstraints(pattern=r"^TA\d{4}$")]


class DataSource(_Model):
    """Where the events come from: Splunk's names, and the `event.dataset` that stands for the sourcetype on the cluster."""

    name: Term
    sourcetype: Term
    source: Term
    dataset: Term


class Rule(_Model):
    """One detection, whole: selection, classes, statistics, severity, schedule, risk and what people read about it."""

    id: Name
    version: Annotated[int, Field(ge=1)]
    name: Term
    status: Literal["experimental", "production", "deprecated"]
    enabled: bool
    description: Text
    data_source: DataSource
    selection: Annotated[tuple[Alternative, ...], Field(min_length=1)]
    classification: Classification
    stats: Stats
    severity: Annotated[tuple[SeverityStep, ...], Field(min_length=1)]
    attack_type: Term
    schedule: ScheduleText
    risk: Risk
    attack: tuple[Technique, ...]
    implementation: Text
    known_false_positives: Text
    references: tuple[Annotated[str, StringConstraints(pattern=r"^https?://\S+$")], ...] = ()
    _file: Path | None = PrivateAttr(default=None)
    _field_names: FieldNames = PrivateAttr(default=FieldNames())

    @field_validator("severity")
    @classmethod
    def _ladder(cls, steps: tuple[SeverityStep, ...]) -> tuple[SeverityStep, ...]:
        if steps[-1].any or not all(step.any for step in steps[:-1]):
            raise ValueError("every step but the last needs conditions under `any`, and the last has none")
        return steps

    def read_from(self, file: Path | None) -> Self:
        """Return the rule with the file that it was read from."""
        read = self.model_copy()
        read._file = file  # noqa: SLF001 - of our own copy
        return read

    @property
    def file(self) -> Path | None:
        """The file that the rule was read from, None when it came from none."""
        return self._file

    def with_field_names(self, names: FieldNames) -> Self:
        """Return the rule for an index whose event fields have these names."""
        changed = self.model_copy()
        changed._field_names = names  # noqa: SLF001 - of our own copy
        return changed

    @property
    def field_names(self) -> FieldNames:
        """The names that event fields have in the rule's index."""
        return self._field_names

    @property
    def windows(self) -> Schedule:
        """The schedule with its arithmetic of runs and windows."""
        return Schedule(self.schedule.cron, self.schedule.earliest, self.schedule.latest)

    @property
    def list_conditions(self) -> tuple[StatCondition, ...]:
        """The severity conditions on lists, each once, in the ladder's order: what must be answered per host besides counts."""
        found = [c for step in self.severity for c in step.any if c.contains is not None]
        return tuple(dict.fromkeys(found))

    def severity_of(self, counts: dict[str, int], holding: frozenset[StatCondition]) -> Severity:
        """Climb the ladder of SPL 12: `counts` by statistic, `holding` the list conditions that hold."""
        for step in self.severity[:-1]:
            if any(c in holding if c.greater_than is None else counts[c.stat] > c.greater_than for c in step.any):
                return step.level
        return self.severity[-1].level
