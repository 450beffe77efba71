from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.findings import lists
from integration.findings.lists import MAX_BYTES, DistinctValues, LeftOut, Values, listed

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4))


def collected(*columns: list[str]) -> list[Values]:
    left_out = LeftOut()
    found = []
    for column in columns:
        values = DistinctValues(left_out)
        for value in column:
            values.add(value)
        found.append(values)
    result = [values.values() for values in found]
    left_out.close()
    return result


@given(texts, texts, st.integers(1, 5), st.integers(1, 20))
def test_the_first_values_are_shown_and_the_rest_counted(one: list[str], other: list[str], most: int, most_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MAX_VALUES", most)
        patch.setattr(lists, "MAX_BYTES", most_bytes)
        results = collected(one, other)
        assert results == [listed(sorted(set(one))), listed(sorted(set(other)))]
    for values, result in zip((one, other), results, strict=True):
        distinct = sorted(set(values))
        fitting = [n for n in range(len(distinct) + 1) if n <= most and len("".join(distinct[:n]).encode()) <= most_bytes]
        assert result.shown == tuple(distinct[: fitting[-1]])
        assert result.distinct == len(distinct)


def test_lists_are_bounded_by_bytes_as_clusters_count_them() -> None:
    values = [f"{n}{'é' * (MAX_BYTES // 16)}" for n in range(9)]
    (result,) = collected(values)
    assert (len(result.shown), result.left_out) == (7, 2)


def test_nothing_beyond_a_value_that_does_not_fit_is_shown() -> None:
    """However it comes: the list would have a gap."""
    huge = "b" * (MAX_BYTES + 1)
    for order in (["a", huge, "c"], [huge, "c", "a"], ["c", "a", huge], ["c", huge, "a", "c", huge]):
        assert collected(order) == [Values(("a",), 2)]
