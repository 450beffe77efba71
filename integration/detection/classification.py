"""SPL 6: the classes of events, and what their labels add up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from integration.detection.conditions import Condition
from integration.detection.texts import Model, Name, TechniqueId


class EventClass(Condition):
    """One class of SPL 6 with its condition on the event; case counts.

    An event of it adds `weight` to the score, `cap` events of it at most. `context` labels add too, but while a host has no other
    label its score is 0. `excuses` takes the event and gives it no class: it is not selected. `attack` are techniques of the rule.
    """

    name: Name
    weight: Annotated[int, Field(ge=0, le=1_000)] = 1
    cap: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    context: bool = False
    excuses: bool = False
    attack: tuple[TechniqueId, ...] = ()


class Classification(Model):
    """SPL 6: ordered classes, the first that holds, and the class of the rest; `field` is the runtime or derived field's name.

    Without `otherwise` an event that no class takes is not selected.
    """

    field: Name
    classes: tuple[EventClass, ...]
    otherwise: Name | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every class an event can get, in the rule's order."""
        stated = tuple(each.name for each in self.classes if not each.excuses)
        return stated if self.otherwise is None else (*stated, self.otherwise)

    @property
    def scored(self) -> tuple[EventClass, ...]:
        """The classes that add to the score."""
        return tuple(each for each in self.classes if each.weight and not each.excuses)

    def score(self, labels: Mapping[str, int]) -> int:
        """Return the score of a host: the sum of its labels' shares."""
        return sum(self.shares(labels).values())

    def shares(self, labels: Mapping[str, int]) -> dict[str, int]:
        """Return what each label adds to the score: weight x min(events, cap), nothing while all of them are context."""
        found = [(each, labels[each.name]) for each in self.scored if labels.get(each.name)]
        if all(each.context for each, _ in found):
            return {}
        return {each.name: each.weight * (count if each.cap is None else min(count, each.cap)) for each, count in found}

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [*(each.name for each in self.classes), *([self.otherwise] if self.otherwise else [])]
        if len(set(names)) != len(names):
            raise ValueError("names one class twice")
        if not self.names:
            raise ValueError("gives no event a class, so nothing would be selected")
        return self
