"""The parts of a risk message: what stands for itself, and what stands for a column."""

from __future__ import annotations

import pytest

from integration.detection.risk import Token, message_parts


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("plain", ("plain",)),
        ("$host$", (Token("host"),)),
        ("on $host$: $error_count$.", ("on ", Token("host"), ": ", Token("error_count"), ".")),
        ("$host$$host$", (Token("host"), Token("host"))),
        ("costs 5$ or $ host$, {{x}} \n$", ("costs 5$ or $ host$, {{x}} \n$",)),
    ],
)
def test_columns_stand_between_dollars_and_all_else_for_itself(message: str, parts: tuple[str | Token, ...]) -> None:
    assert message_parts(message) == parts
