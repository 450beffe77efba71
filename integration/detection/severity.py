"""How severe a finding is."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from pydantic import BeforeValidator, Field


class Severity(IntEnum):
    """How severe a finding is, in ascending order; written by its name in lower case."""

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
            raise ValueError(f"{text!r} is not a severity; use one of {', '.join(str(s) for s in cls)}") from None


def _named(value: object) -> object:
    return Severity.parse(value) if isinstance(value, str) else value


SeverityName = Annotated[Severity, Field(strict=False), BeforeValidator(_named)]
"""A severity as files write it: by its name."""
