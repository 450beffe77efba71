from __future__ import annotations

from dataclasses import fields

import pytest
from pydantic import TypeAdapter, ValidationError

from integration.detection.columns import COLUMNS, COUNTS, LISTS, SPL_COLUMNS, CountName, Kind
from integration.findings.finding import Finding


def test_a_finding_has_the_columns_that_are_not_computed() -> None:
    stated = [column.name for column in COLUMNS if column.kind is not Kind.PRODUCT]
    assert [field.name for field in fields(Finding)] == [*stated, "truncated"]


def test_rows_are_made_of_columns_and_multiply_every_list() -> None:
    assert set(SPL_COLUMNS) <= {column.name for column in COLUMNS}
    assert set(LISTS) <= set(SPL_COLUMNS)


def test_a_name_that_is_not_a_column_is_refused_with_those_that_are() -> None:
    names = TypeAdapter(CountName)
    assert [names.validate_python(name) for name in COUNTS] == list(COUNTS)
    with pytest.raises(ValidationError, match="'error_messages' is not one of error_count, unique_error_types"):
        names.validate_python("error_messages")
