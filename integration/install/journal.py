"""What a command did to the objects on a cluster, told as it goes, and in the fault that stops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from integration.errors import ClusterError, ConflictError, PartlyAppliedError


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to an object, or why nothing was."""

    kind: str
    name: str
    action: str
    changed: bool = False


OnStep = Callable[[Step], None]


class Journal:
    """Reports each step, and turns a fault after the first change into `PartlyAppliedError`; an interrupt gets a note."""

    def __init__(self, verb: str, on_step: OnStep) -> None:
        self._verb = verb
        self._changes: list[str] = []
        self.tell = on_step

    def changed(self, step: Step) -> None:
        """Keep a change in mind that is not told yet, since it has to be read back first."""
        self._changes.append(f"{step.kind} {step.name!r} {step.action}")

    def done(self, step: Step) -> None:
        """Report a step."""
        if step.changed:
            self.changed(step)
        self.tell(step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ConflictError):
            hint = f"Somebody else changed it at the same time; look at it, and run `detect {self._verb}` again."
        else:
            hint = f"Running `detect {self._verb}` again does the rest."
        done = f"Done before that: {', '.join(self._changes) or 'nothing'}. {hint}"
        if isinstance(error, KeyboardInterrupt):
            error.add_note(done)
        if isinstance(error, ClusterError) and self._changes:
            raise PartlyAppliedError(f"{error}\n{done}") from error
