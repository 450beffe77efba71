"""Tables that fit the terminal: no word is broken where the width can help it.

Where the words of a row do not fit beside each other, each row is shown as lines of its own, one for each column.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from types import MappingProxyType
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from integration.cli.output import note
from integration.findings.escaping import escaped
from integration.findings.finding import Finding

_UNBOUNDED = 1_000_000
_LONGEST_OF_LOGS = 10
_LONGEST_NAME = 16
_COMFORTABLE = 16
_PARTS = re.compile(r"[^-_/.:=,]*[-_/.:=,]+|[^-_/.:=,]+")
_BORDER = 3  # of each column, with its padding, and 1 for the last line
_DIFF_STYLES = {"---": "bold", "+++": "bold", "@@": "cyan", "-": "red", "+": "green"}


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
    width: int,
    dispensable: Sequence[str] = (),
    of_logs: Sequence[str] = (),
    least: Mapping[str, int] = MappingProxyType({}),
) -> tuple[RenderableType, list[str]]:
    """Return a table of the rows that is at most `width` wide, and the columns that had no room.

    Of the `dispensable` columns those stay for which there is room, the last ones before the first: one of the columns `of_logs`
    where the words of all others fit beside it, another one where no column becomes narrow for it. Words of the columns `of_logs`
    are broken where they are very long: whoever writes a log shall not push a column out of the table. Where the lines do not fit,
    columns with a `least` width are the first to have no more than that.
    """
    measured = [
        _measured(column, [row[i] for row in rows], _LONGEST_OF_LOGS if column in of_logs else width, least.get(column, 0))
        for i, column in enumerate(columns)
    ]
    left_out = [name for name in dispensable if name in columns]
    for name in reversed(left_out):
        without = [each for each in left_out if each != name]
        needed = [
            each.narrowest if name in of_logs else each.comfortable
            for column, each in zip(columns, measured, strict=True)
            if column not in without
        ]
        if sum(needed) <= _available(width, len(needed)):
            left_out = without
    kept = [i for i, column in enumerate(columns) if column not in left_out]
    available = _available(width, len(kept))
    if sum(measured[i].narrowest for i in kept) > available:
        return _records(columns, rows, title), []
    table = Table(title=title or None, title_justify="left")
    widths = dict(zip(kept, _shrunk([measured[i] for i in kept], available), strict=True))
    for i, fitting in widths.items():
        table.add_column(_header(columns[i], fitting), width=fitting, overflow="fold")
    for row in rows:
        table.add_row(*(_hyphenated(row[i], fitting) if columns[i] in of_logs else row[i] for i, fitting in widths.items()))
    return table, left_out


class _Widths(NamedTuple):
    """How narrow a column may be, how wide it is to be read with ease and by its longest line, and whether it yields to others."""

    narrowest: int
    comfortable: int
    widest: int
    yields: bool


def _measured(column: str, cells: Sequence[Text], longest: int, least: int) -> _Widths:
    """Return the widths of a column; of its words those beyond the `longest` are broken."""
    header, _ = _words_and_lines([_header(column, 0)])
    word, line = _words_and_lines(cells)
    narrowest = max(header, min(word, longest), least)
    return _Widths(narrowest, max(narrowest, min(line, _COMFORTABLE)), max(line, cell_len(column), narrowest), least > 0)


def _available(width: int, columns: int) -> int:
    """Return what the borders of so many columns leave of a width."""
    return width - _BORDER * columns - 1


def _header(column: str, width: int) -> Text:
    """Return the header of a column, with breaks in the names that it holds where they are wider."""
    return Text(column if _words_and_lines([Text(column)])[0] <= width else column.replace("_", "_\n"))


def _hyphenated(cell: Text, width: int) -> Text:
    """Return a cell whose words, where they are wider, are broken behind their signs as far as they have some: llama-, server."""
    return Text("\n".join(" ".join(_pieces(word, width) for word in line.split(" ")) for line in cell.plain.split("\n")))


def _pieces(word: str, width: int) -> str:
    """Return a word with line breaks behind signs, so that each line holds as much of it as it can."""
    lines = [""]
    for part in _PARTS.findall(word) if cell_len(word) > width else [word]:
        if lines[-1] and cell_len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def height(renderable: RenderableType, of: Console) -> int:
    """Return how many lines something takes."""
    return len(of.render_lines(renderable))


def _words_and_lines(texts: Sequence[Text]) -> tuple[int, int]:
    """Return the width of the longest word and that of the longest line."""
    lines = [line for text in texts for line in text.split("\n")]
    words = [cell_len(word) for line in lines for word in line.plain.split()]
    return max(words, default=1), max((line.cell_len for line in lines), default=1)


def _shrunk(columns: Sequence[_Widths], available: int) -> list[int]:
    """Return the columns' widths: of the longest line, or narrower, but never below the narrowest.

    The columns that yield become as narrow as they may be, then the widest ones narrower.
    """
    widths = [column.widest for column in columns]
    for i, column in enumerate(columns):
        if column.yields and sum(widths) > available:
            widths[i] = column.narrowest
    while sum(widths) > available:
        narrowed = max((i for i, column in enumerate(columns) if widths[i] > column.narrowest), key=widths.__getitem__)
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
    names = [fill(column, _LONGEST_NAME, break_long_words=False) for column in columns]
    records: list[RenderableType] = [Text(title, style="italic")] if title else []
    for number, row in enumerate(rows):
        records += [Text()] * bool(number) + [record(names, row)]
    return Group(*records)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    title: str = "",
    *,
    of_logs: Sequence[str] = (),
) -> None:
    """Write a table as wide as the terminal, or as wide as it needs in a pipe; markup in cells is text.

    Long words in the columns `of_logs` are broken.
    """
    out = console()
    table, _ = fitted(columns, [texts(row) for row in rows], title, width=out.width, of_logs=of_logs)
    out.print(table)


def texts(row: Sequence[str | Text]) -> list[Text]:
    """Return the cells of a row, escaped where they are plain texts."""
    return [cell if isinstance(cell, Text) else Text(escaped(cell)) for cell in row]


def print_diff(lines: Iterable[str]) -> None:
    """Write the lines of a unified difference, coloured on a terminal."""
    out = console()
    for line in lines:
        style = next((style for start, style in _DIFF_STYLES.items() if line.startswith(start)), "")
        out.print(Text(escaped(line), style=style), soft_wrap=True)


def print_hanging(margin: str, text: str, limit: int | None = None) -> None:
    """Write a text, of which `limit` characters are shown, behind a margin: lines of the terminal's width begin at its end."""
    grid = Table.grid(*([Column(no_wrap=True)] if margin else []), Column(overflow="fold"))
    grid.add_row(*([Text(escaped(margin))] if margin else []), Text(escaped(text, limit)))
    console().print(grid)


def print_record(finding: Finding) -> None:
    """Write one finding whole: a line for each column, and for each value of a list."""
    shown = {"id": finding.id} | {name: value for name, value in finding.to_json().items() if name != "truncated"}
    cells = [Text("\n".join(map(escaped, map(str, value if isinstance(value, list) else [value])))) for value in shown.values()]
    console().print(record(list(shown), cells))
    for name, count in finding.truncated:
        note(f"{name} has {count:,} more values than are kept.")
