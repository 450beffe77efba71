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
    table, left_out = fitted(["one", "two", "three"], cells, "", width=width, dispensable=dispensable)
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


def test_a_name_in_a_header_is_broken_behind_an_underscore() -> None:
    cells = [[Text("a"), Text("b")]]
    out = io.StringIO()
    Console(file=out, width=20).print(fitted(["error_count", "two"], cells, "", width=20)[0])
    assert [line.split("┃")[1].strip() for line in out.getvalue().splitlines()[1:3]] == ["error_", "count"]


def test_a_column_that_yields_is_cut_to_its_least_width_before_others_are_narrowed() -> None:
    cells = [[Text("11-24 08:50 to 09:50"), Text("one two three four")]]
    for width, expected in ((45, ["11-24 08:50 to 09:50"]), (44, ["11-24 08:50", "to 09:50"])):
        out = io.StringIO()
        table, _ = fitted(["window", "words"], cells, "", width=width, least={"window": 11})
        Console(file=out, width=width).print(table)
        assert [line.split("│")[1].strip() for line in out.getvalue().splitlines() if "│" in line] == expected
        assert "one two three four" in out.getvalue()


def test_a_count_stays_only_where_no_column_is_narrow_for_it() -> None:
    cells = [[Text("a" * 16), Text("some words of a log that are long"), Text("7")]]
    names = ["host", "messages", "count"]
    for width, gone in ((50, []), (46, ["count"]), (36, ["count"]), (26, ["count", "messages"])):
        asked = {"dispensable": ("count", "messages"), "of_logs": ("messages",)}
        assert fitted(names, cells, "", width=width, **asked)[1] == gone  # type: ignore[arg-type]


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


def test_a_word_of_a_log_that_is_too_wide_is_broken_behind_a_sign() -> None:
    cells = [[Text("a" * 20), Text("llama-server chat error\n/models/blobs/x")]]
    out = io.StringIO()
    Console(file=out, width=37).print(fitted(["one", "two"], cells, "", width=37, of_logs=["two"])[0])
    lines = [line.split("│")[2].strip() for line in out.getvalue().splitlines() if line.startswith("│")]
    assert lines == ["llama-", "server", "chat error", "/models/", "blobs/x"]
