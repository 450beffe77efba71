"""The detection as one typed value: what a rule file says, checked; every renderer and the reference start from here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from integration.detection import ladder
from integration.detection.classification import Classification
from integration.detection.columns import AFTER, BEFORE, LISTS, NUMBERS, TAKEN, Column, Kind, Rows
from integration.detection.conditions import Condition
from integration.detection.field_names import FieldNames
from integration.detection.risk import Risk, Technique, ThreatObjects, Token
from integration.detection.schedule import Schedule
from integration.detection.severity import Severity
from integration.detection.texts import Model, Name, Term, Text, like

# Names that searches use beside those of a rule's lists.
_OF_SEARCHES = re.compile(r"first_seen|last_seen|labels|long_lines|condition_\d+|host_\d+")


class ScheduleText(Model):
    """The schedule as the rule file writes it; `Rule.windows` is the working form."""

    cron: str
    earliest: str
    latest: str

    @model_validator(mode="after")
    def _tiles(self) -> Self:
        Schedule(self.cron, self.earliest, self.latest)
        return self


class DataSource(Model):
    """Where the events come from: Splunk's names, and the `event.dataset` that stands for the sourcetype on the cluster."""

    name: Term
    sourcetype: Term
    source: Term
    dataset: Term


class Rule(Model):
    """One detection, whole: selection, classes, columns, severity, schedule, risk and what people read about it."""

    id: Name
    version: Annotated[int, Field(ge=1)]
    name: Term
    status: Literal["experimental", "production", "deprecated"]
    enabled: bool
    description: Text
    data_source: DataSource
    selection: Annotated[tuple[Condition, ...], Field(min_length=1)]
    classification: Classification
    columns: Annotated[dict[Name, Column], Field(min_length=1)]
    rows: Rows
    severity: Annotated[tuple[ladder.Step, ...], Field(min_length=1)]
    attack_type: Term | Annotated[tuple[ladder.AttackStep, ...], Field(min_length=1)]
    schedule: ScheduleText
    risk: Risk
    attack: tuple[Technique, ...]
    implementation: Text
    known_false_positives: Text
    references: tuple[Annotated[str, like(r"https?://\S+", "a URL that begins with https://")], ...] = ()
    _file: Path | None = PrivateAttr(default=None)
    _field_names: FieldNames = PrivateAttr(default=FieldNames())

    @field_validator("columns")
    @classmethod
    def _named_well(cls, columns: dict[str, Column]) -> dict[str, Column]:
        for name, column in columns.items():
            taken = name in TAKEN or (column.kind in LISTS and _OF_SEARCHES.fullmatch(name))
            if taken:
                raise _fault((name,), f"{name!r} is the name of something else in a finding or a search; choose another one")
            if column.distinct and (column.distinct not in columns or columns[column.distinct].kind not in LISTS):
                raise _fault((name, "distinct"), f"there is no list {column.distinct!r} to count the values of")
        return columns

    @field_validator("rows")
    @classmethod
    def _of_columns(cls, rows: Rows, info: ValidationInfo) -> Rows:
        _known(rows.names, {*BEFORE, *AFTER, *info.data.get("columns", rows.names)})
        return rows

    @field_validator("severity")
    @classmethod
    def _ladder(cls, steps: tuple[ladder.Step, ...], info: ValidationInfo) -> tuple[ladder.Step, ...]:
        if not all(step.conditions for step in steps[:-1]):
            raise ValueError("every step but the last needs conditions under `any` or `all`")
        for number, step in enumerate(steps):
            for name, conditions in (("any", step.any), ("all", step.all)):
                for position, condition in enumerate(conditions):
                    _testable(condition, info.data, (number, name, position))
        return steps

    @field_validator("attack_type")
    @classmethod
    def _attack_steps(cls, given: str | tuple[ladder.AttackStep, ...], info: ValidationInfo) -> str | tuple[ladder.AttackStep, ...]:
        if isinstance(given, tuple):
            if given[-1].when is not None or not all(step.when for step in given[:-1]):
                raise ValueError("every step but the last needs a condition under `when`, and the last has none")
            for number, step in enumerate(given[:-1]):
                if step.when is not None:
                    _testable(step.when, info.data, (number, "when"))
        return given

    @field_validator("risk")
    @classmethod
    def _of_what_there_is(cls, risk: Risk, info: ValidationInfo) -> Risk:
        columns: dict[str, Column] = info.data.get("columns", {})
        tokens = (part.name for part in risk.message_parts if isinstance(part, Token))
        _known(tokens, {"host", "severity", "attack_type", *columns}, ("message",))
        lists = {name for name, column in columns.items() if column.kind in LISTS}
        _known((each.column for each in risk.threat_objects if isinstance(each, ThreatObjects)), lists, ("threat_objects",))
        levels = {str(step.level) for step in info.data.get("severity", ())}
        if isinstance(risk.score, dict) and levels and risk.score.keys() != levels:
            raise _fault(("score",), f"states one for each of the severities {', '.join(sorted(levels))}, and for nothing else")
        return risk

    @field_validator("attack")
    @classmethod
    def _of_classes(cls, attack: tuple[Technique, ...], info: ValidationInfo) -> tuple[Technique, ...]:
        classification: Classification | None = info.data.get("classification")
        if classification is not None:
            _known((name for each in classification.classes for name in each.attack), {each.technique for each in attack})
        return attack

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

    def __hash__(self) -> int:
        """Return a number that is the same for equal rules; a column cannot be hashed, nor what holds columns."""
        return hash((self.id, self.version))

    @cached_property
    def windows(self) -> Schedule:
        """The schedule with its arithmetic of runs and windows."""
        return Schedule(self.schedule.cron, self.schedule.earliest, self.schedule.latest)

    @cached_property
    def field_lists(self) -> dict[str, str]:
        """The event field behind each list of its values."""
        return {name: column.values for name, column in self.columns.items() if column.kind is Kind.LIST and column.values}

    @cached_property
    def lists(self) -> tuple[str, ...]:
        """The columns that are lists."""
        return self._columns_of(LISTS)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The columns that are numbers."""
        return self._columns_of(NUMBERS)

    @cached_property
    def counts_labels(self) -> bool:
        """Whether anything of the rule asks how many events have a label."""
        kinds = {column.kind for column in self.columns.values()}
        return bool(kinds & {Kind.SCORE, Kind.COUNTS}) or any(self.labels_asked(each) is not None for each in self._conditions)

    @cached_property
    def list_conditions(self) -> tuple[ladder.ColumnCondition, ...]:
        """The conditions on lists of an event field's values, each once: what must be answered per host besides counts."""
        return tuple(dict.fromkeys(c for c in self._conditions if c.contains is not None and self.labels_asked(c) is None))

    def labels_asked(self, condition: ladder.ColumnCondition) -> tuple[str, ...] | None:
        """Return the labels whose events a condition counts, None for a condition on another column."""
        if condition.labels:
            return condition.labels
        if condition.contains is None or condition.column in self.field_lists:
            return None
        return tuple(label for label in self.classification.names if condition.contains in label)

    def verdict(
        self, numbers: Mapping[str, int], labels: Mapping[str, int], holding: AbstractSet[ladder.ColumnCondition]
    ) -> tuple[Severity, str] | None:
        """Climb the ladder of SPL 12 and that of SPL 13; None where no step holds, so that there is no finding."""
        test = self.condition_test(numbers, labels, holding)
        level = next((step.level for step in self.severity if step.holds(test)), None)
        if level is None or isinstance(self.attack_type, str):
            return None if level is None else (level, str(self.attack_type))
        return level, next(step.called for step in self.attack_type if step.when is None or test(step.when))

    def condition_test(
        self, numbers: Mapping[str, int], labels: Mapping[str, int], holding: AbstractSet[ladder.ColumnCondition]
    ) -> Callable[[ladder.ColumnCondition], bool]:
        """Return the test of a condition on what a host has.

        `numbers` are by column, `labels` how many events have which, `holding` the list conditions that hold.
        """

        def test(condition: ladder.ColumnCondition) -> bool:
            asked = self.labels_asked(condition)
            if asked is not None:
                return sum(labels.get(label, 0) for label in asked) > condition.bound
            if condition.contains is not None:
                return condition in holding
            return numbers[str(condition.column)] > condition.bound

        return test

    @property
    def _conditions(self) -> tuple[ladder.ColumnCondition, ...]:
        """Every condition on what a host has."""
        steps = () if isinstance(self.attack_type, str) else self.attack_type
        return (*(c for step in self.severity for c in step.conditions), *(step.when for step in steps if step.when))

    def _columns_of(self, kinds: AbstractSet[Kind]) -> tuple[str, ...]:
        return tuple(name for name, column in self.columns.items() if column.kind in kinds)


def _fault(place: tuple[int | str, ...], message: str) -> ValidationError:
    """Return the error of one place below the field that is validated."""
    fault = PydanticCustomError("value_error", "{message}", {"message": message})
    return ValidationError.from_exception_data("Rule", [InitErrorDetails(type=fault, loc=place, input=None)])


def _known(names: Iterable[str], there: AbstractSet[str], place: tuple[int | str, ...] = ()) -> None:
    if unknown := sorted(set(names) - there):
        raise _fault(place, f"names unknown {', '.join(unknown)}; there are: {', '.join(sorted(there))}")


def _testable(condition: ladder.ColumnCondition, stated: Mapping[str, Any], place: tuple[int | str, ...]) -> None:
    """Check that a condition asks for what the rule has; what could not be read is judged where it stands."""
    classification: Classification | None = stated.get("classification")
    if classification is not None:
        _known(condition.labels, set(classification.names), place)
    columns: Mapping[str, Column] | None = stated.get("columns")
    if condition.column is None or columns is None:
        return
    _known([condition.column], columns.keys(), place)
    wanted = {"contains": LISTS, "greater_than": NUMBERS}
    fitting = next((name for name, kinds in wanted.items() if columns[condition.column].kind in kinds), None)
    if fitting is None or getattr(condition, fitting) is None:
        raise _fault(place, f"{condition.column} is tested by {f'`{fitting}` and by nothing else' if fitting else 'nothing'}")
