"""SPL 12: the severity of a host in a window, as a ladder of steps that ask for its columns and its labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import Field, model_validator

from integration.detection.severity import SeverityName
from integration.detection.texts import Model, Name, Term


class ColumnCondition(Model):
    """One test of SPL 12.

    A `column` is a number greater than a bound, or a list with a value that contains a text; `labels` asks for more events than a
    bound with one of these classes.
    """

    column: Name | None = None
    labels: tuple[Name, ...] = ()
    greater_than: Annotated[int, Field(ge=0, le=2**53)] | None = None
    contains: Term | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if (self.column is None) == (not self.labels):
            raise ValueError("asks for a `column` or for `labels`")
        if (self.greater_than is None) == (self.contains is None) or (self.labels and self.contains is not None):
            raise ValueError("tests by `greater_than`, or a list by `contains`")
        return self

    @property
    def bound(self) -> int:
        """The bound of `greater_than`, 0 for a condition without one."""
        return self.greater_than or 0


class Step(Model):
    """One step: it holds when one condition of `any` holds, or every one of `all`; a step without conditions always holds."""

    level: SeverityName
    any: tuple[ColumnCondition, ...] = ()
    all: tuple[ColumnCondition, ...] = ()

    @property
    def conditions(self) -> tuple[ColumnCondition, ...]:
        """Every condition, in the order of the file."""
        return (*self.any, *self.all)

    def holds(self, test: Callable[[ColumnCondition], bool]) -> bool:
        """Return whether the step holds, by a test of one condition."""
        if not self.conditions:
            return True
        return any(map(test, self.any)) or (bool(self.all) and all(map(test, self.all)))


class AttackStep(Model):
    """One step of `attack_type`: what it is called when the condition holds; the last one has none."""

    when: ColumnCondition | None = None
    called: Term = Field(alias="is")
