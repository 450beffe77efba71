from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration import lists
from integration.lists import DistinctValues


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3)), st.integers(1, 5))
def test_smallest_values_are_shown_and_the_rest_counted(values: list[str], limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MAX_VALUES", limit)
        collected = DistinctValues()
        for value in values:
            collected.add(value)
        result = collected.values()
        collected.close()
    distinct = sorted(set(values))
    assert result.shown == tuple(distinct[:limit])
    assert result.left_out == max(0, len(distinct) - limit)
    assert result.distinct == len(distinct)
