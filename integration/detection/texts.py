"""The texts of a rule file: what each kind of them may look like."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from integration.detection.regexes import portable


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control or unprintable characters")
    return text


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)]
Pattern = Annotated[str, StringConstraints(max_length=512), AfterValidator(_printable), AfterValidator(portable)]
LevelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,20}(?:[+-]\d{1,4})?$")]
TechniqueId = Annotated[str, StringConstraints(pattern=r"^T\d{4}(?:\.\d{3})?$")]


class Model(BaseModel):
    """A part of a rule file: every key is known, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, serialize_by_alias=True)
