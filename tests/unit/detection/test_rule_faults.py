from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integration.detection.faults import Language


class Part(BaseModel):
    """A part with a key that must be there."""

    model_config = ConfigDict(extra="forbid", strict=True)

    contains: list[str]
    bound: Annotated[int, Field(ge=0)] = 0


class File(BaseModel):
    """A file whose values may have several forms."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = ""
    parts: list[Part] = []
    either: int | Part = 0
    scores: int | dict[str, Annotated[int, Field(le=100)]] = 0


def told(data: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        File.model_validate(data)
    faults = Language(File.model_json_schema(), "key", "a mapping").faults(caught.value, data)
    return [f"{fault.field}: {fault.message}" for fault in faults]


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        ({"name": 5}, ["name: must be text: put quotes around it"]),
        ({"name": None}, ["name: is empty"]),
        ({"nam": "x"}, ["nam: there is no such key: did you mean name?"]),
        ({"zzz": "x"}, ["zzz: there is no such key; there are: either, name, parts, scores"]),
        ({"parts": [{"contain": ["x"]}]}, ["parts.0.contain: there is no such key: did you mean contains?"]),
        ({"parts": [{"bound": 1}]}, ["parts.0.contains: is missing"]),
        ({"parts": [{"contains": [], "bound": -1}, 5]}, ["parts.0.bound: must be at least 0", "parts.1: must be a mapping"]),
        ({"either": {"contains": [], "bond": 1}}, ["either.bond: there is no such key: did you mean bound?"]),
        ({"either": "x"}, ["either: must be a whole number or a mapping"]),
        ({"scores": {"high": 101}}, ["scores.high: must be at most 100"]),
        ({"scores": {"high": "x"}}, ["scores.high: must be a whole number"]),
        ({"name": 5, "scores": True}, ["name: must be text: put quotes around it", "scores: must be a whole number or a mapping"]),
    ],
)
def test_one_message_a_fault_in_words_of_the_file(data: dict[str, Any], faults: list[str]) -> None:
    assert told(data) == faults
