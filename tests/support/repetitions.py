"""Long rows of values of which `make test` tries a few and `make test-long` the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest
from _pytest.mark import ParameterSet


def few(values: Iterable[str], kept: Collection[str]) -> list[ParameterSet]:
    """The values as parameters; all but the ones that are `kept` are marked `long`. Every one of these must be there."""
    rows = [pytest.param(value, marks=() if value in kept else pytest.mark.long, id=value) for value in values]
    assert {row.id for row in rows} >= set(kept), "a value that is kept is none of the values"
    return rows
