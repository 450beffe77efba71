"""The texts of a rule file: what each kind of them may look like."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from integration.detection.regexes import portable


def like(pattern: str, words: str) -> AfterValidator:
    """Return the check that the whole of a text matches a regular expression; `words` say what it must be."""
    expected = re.compile(pattern)

    def check(text: str) -> str:
        if not expected.fullmatch(text):
            raise ValueError(f"must be {words}")
        return text

    return AfterValidator(check)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control or unprintable characters")
    return text


Name = Annotated[str, like(r"[a-z][a-z0-9_]{0,99}", "small letters, digits and _, a letter first")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)]
Pattern = Annotated[str, StringConstraints(max_length=512), AfterValidator(_printable), AfterValidator(portable)]
LevelName = Annotated[str, like(r"[A-Za-z]{1,20}(?:[+-][0-9]{1,4})?", "a level such as ERROR or DEBUG-4")]
TechniqueId = Annotated[str, like(r"T[0-9]{4}(?:\.[0-9]{3})?", "a technique's id such as T1190 or T1059.004")]


class Model(BaseModel):
    """A part of a rule file: every key is known, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, serialize_by_alias=True)
