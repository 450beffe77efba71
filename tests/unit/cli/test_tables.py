from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from integration.cli.tables import fitted, height

WORDS = st.lists(st.text("abc", min_size=1, max_size=12), max_size=6).map(" ".join)
ROWS = st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4)


def written(rows: list[tuple[str, ...]], width: int, dispensable: tuple[str, ...] = ()) -> tuple[str, list[str]]:
    """Return a table of three columns as text, and the columns that had no room."""
    cells = [[Text(cell) for cell in row] for row in rows]
    table, left_out = fitted(["one", "two", "three"], cells, "", lines=True, width=width, dispensable=dispensable)
    out = io.StringIO()
    console = Console(file=out, width=width)
    console.print(table)
    assert height(table, console) == len(out.getvalue().splitlines())
    return out.getvalue(), left_out


@given(ROWS, st.integers(24, 120))
def test_no_word_is_broken_and_no_line_too_long(rows: list[tuple[str, ...]], width: int) -> None:
    text, _ = written(rows, width)
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    assert {word for row in rows for cell in row for word in cell.split()} <= set(words)


@pytest.mark.parametrize(("width", "left_out"), [(80, []), (30, ["two"]), (20, ["two", "three"])])
def test_dispensable_columns_go_before_the_table_does(width: int, left_out: list[str]) -> None:
    text, gone = written([("aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc")], width, ("two", "three"))
    assert gone == left_out
    assert ("bbbbbbbbbb" in text) == ("two" not in left_out)


def test_without_dispensable_columns_rows_become_records() -> None:
    text, gone = written([("aaaaaaaaaa", "bbbbbbbbbb", ""), ("x", "y", "z")], 24)
    assert ([line.split() for line in text.splitlines()], gone) == (
        [["one", "aaaaaaaaaa"], ["two", "bbbbbbbbbb"], [], ["one", "x"], ["two", "y"], ["three", "z"]],
        [],
    )
