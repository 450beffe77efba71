"""Tables that fit the terminal: no word is broken where the width can help it.

Where the words of a row do not fit beside each other, each row is shown as lines of its own, one for each column.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 1_000_000
_LONGEST_OF_LOGS = 12
_BORDER = 3  # of each column, with its padding, and 1 for the last line


def console() -> Console:
    """Return where results go: as wide as the terminal or COLUMNS; in a pipe as wide as it takes, so that no word is broken."""
    return Console(file=sys.stdout, highlight=False, width=None if is_bounded() else _UNBOUNDED)


def is_bounded() -> bool:
    """Return whether what is written has a width to keep to."""
    return sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()


def fitted(
    columns: Sequence[str],
    rows: Sequence[Sequence[Text]],
    title: str,
    *,
    lines: bool,
    width: int,
    dispensable: Sequence[str] = (),
    of_logs: Sequence[str] = (),
) -> tuple[RenderableType, list[str]]:
    """Return a table of the rows that is at most `width` wide, with `lines` between them, and the columns that had no room.

    Of the columns, the `dispensable` ones are left out in their order until the words of the others fit. Words of the columns
    `of_logs` are broken where they are very long: whoever writes a log shall not push a column out of the table.
    """
    left_out: list[str] = []
    for name in ("", *dispensable):
        left_out += [name] * (name in dispensable and name in columns)
        kept = [i for i, column in enumerate(columns) if column not in left_out]
        shown = [[row[i] for i in kept] for row in rows]
        longest = [_LONGEST_OF_LOGS if columns[i] in of_logs else width for i in kept]
        if table := _table([columns[i] for i in kept], shown, longest, title, lines=lines, width=width):
            return table, left_out
    return _records(columns, rows, title), []


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[Text]], longest: Sequence[int], title: str, *, lines: bool, width: int
) -> Table | None:
    """Return a table, None where its words do not fit; of a column's words those beyond its `longest` are broken."""
    header = [Text(column) for column in columns]
    measured = zip(map(_widths, zip(header, *rows, strict=True)), header, longest, strict=True)
    widest = [(min(word, max(most, _widths([name])[0])), line) for (word, line), name, most in measured]
    available = width - _BORDER * len(columns) - 1
    if sum(word for word, _ in widest) > available:
        return None
    table = Table(title=title or None, title_justify="left", show_lines=lines)
    for column, fitting in zip(columns, _shrunk(widest, available), strict=True):
        table.add_column(column, width=fitting, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def height(renderable: RenderableType, of: Console) -> int:
    """Return how many lines something takes."""
    return len(of.render_lines(renderable))


def _widths(texts: Sequence[Text]) -> tuple[int, int]:
    """Return the width of the longest word and that of the longest line."""
    lines = [line for text in texts for line in text.split("\n")]
    words = [cell_len(word) for line in lines for word in line.plain.split()]
    return max(words, default=1), max((line.cell_len for line in lines), default=1)


def _shrunk(widest: Sequence[tuple[int, int]], available: int) -> list[int]:
    """Return the columns' widths: of the longest line, or narrower, the widest columns first, but never below the longest word."""
    widths = [line for _, line in widest]
    while sum(widths) > available:
        narrowed = max((i for i, (word, _) in enumerate(widest) if widths[i] > word), key=widths.__getitem__)
        widths[narrowed] -= 1
    return widths


def record(columns: Sequence[str], row: Sequence[Text]) -> RenderableType:
    """Return one row as lines, one for each column that says something."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for column, cell in zip(columns, row, strict=True):
        if cell.plain:
            grid.add_row(column, cell)
    return grid


def _records(columns: Sequence[str], rows: Sequence[Sequence[Text]], title: str) -> RenderableType:
    records: list[RenderableType] = [Text(title, style="italic")] if title else []
    for number, row in enumerate(rows):
        records += [Text()] * bool(number) + [record(columns, row)]
    return Group(*records)
