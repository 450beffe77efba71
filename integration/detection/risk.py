"""What a finding becomes: a risk event with a score, an object and a message, and MITRE ATT&CK techniques."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from integration.detection.severity import Severity
from integration.detection.texts import Model, Name, TechniqueId, Term, Text, like

OF_UNKNOWN_HOST = " (the host is unknown: this may sum up several machines)"
"""What is added to the message of a finding for the host of events that name none."""

_COLUMN = re.compile(r"\$(\w+)\$")
Score = Annotated[int, Field(ge=0, le=100)]


@dataclass(frozen=True, slots=True)
class Token:
    """A column of the finding whose value stands at this place of the message."""

    name: str


@cache
def message_parts(message: str) -> tuple[str | Token, ...]:
    """Return the parts of a message in their order; a text among them is never empty."""
    pieces = enumerate(_COLUMN.split(message))
    return tuple(Token(piece) if position % 2 else piece for position, piece in pieces if piece)


class ThreatObjects(Model):
    """Threat objects that are the values of a column. Never trust an address: the client writes `X-Forwarded-For`."""

    column: Name


class Risk(Model):
    """The risk event of a finding: its score, or one by severity; the object it is about; the message with `$column$` in it."""

    score: Score | dict[str, Score]
    object: Literal["host"]
    object_type: Name
    threat_objects: tuple[Term | ThreatObjects, ...] = ()
    message: Text

    def score_of(self, severity: Severity) -> int:
        """Return the risk score of a finding."""
        return self.score if isinstance(self.score, int) else self.score[str(severity)]

    @property
    def message_parts(self) -> tuple[str | Token, ...]:
        """The message as its fixed texts and the columns between them."""
        return message_parts(self.message)


class Technique(Model):
    """A MITRE ATT&CK technique with its tactic."""

    technique: TechniqueId
    name: Term
    tactic: Term
    tactic_id: Annotated[str, like(r"TA[0-9]{4}", "a tactic's id such as TA0001")]
