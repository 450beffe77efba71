"""The message of a risk event as a rule writes it, read into its parts: fixed text, and `$column$` for a column of the finding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

OF_UNKNOWN_HOST = " (the host is unknown: this may sum up several machines)"
"""What is added to the message of a finding for the host of events that name none."""

_COLUMN = re.compile(r"\$(\w+)\$")


@dataclass(frozen=True, slots=True)
class Token:
    """A column of the finding whose value stands at this place."""

    name: str


@cache
def message_parts(message: str) -> tuple[str | Token, ...]:
    """Return the parts of a message in their order; a text among them is never empty."""
    pieces = enumerate(_COLUMN.split(message))
    return tuple(Token(piece) if position % 2 else piece for position, piece in pieces if piece)
