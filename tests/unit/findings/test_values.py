from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.findings import values
from integration.findings.values import MAX_BYTES, Values, bounded_values

texts = st.sets(st.text(st.characters(exclude_categories=["Cs"]), max_size=4))


@given(texts, st.integers(1, 5), st.integers(1, 20))
def test_the_first_values_that_fit_are_shown_and_the_rest_counted(found: set[str], most: int, most_bytes: int) -> None:
    distinct = sorted(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "MAX_VALUES", most)
        patch.setattr(values, "MAX_BYTES", most_bytes)
        result = bounded_values(distinct, len(distinct))
    fitting = [n for n in range(len(distinct) + 1) if n <= most and len("".join(distinct[:n]).encode()) <= most_bytes]
    assert result.shown == tuple(distinct[: fitting[-1]])
    assert result.distinct == len(distinct)


def test_lists_are_bounded_by_bytes_as_clusters_count_them() -> None:
    result = bounded_values([f"{n}{'é' * (MAX_BYTES // 16)}" for n in range(9)], 9)
    assert (len(result.shown), result.left_out) == (7, 2)


def test_nothing_after_a_value_that_does_not_fit_is_shown() -> None:
    """The list would have a gap."""
    assert bounded_values(["a", "b" * (MAX_BYTES + 1), "c"], 3) == Values(("a",), 2)
