"""Results to standard output, everything else to standard error; control characters of logs are escaped for terminals."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from integration.cli.tables import console, fitted, record
from integration.findings.escaping import escaped as escaped

_DIFF_STYLES = {"---": "bold", "+++": "bold", "@@": "cyan", "-": "red", "+": "green"}


def note(message: str) -> None:
    """Write a message to standard error."""
    print(escaped_lines(message), file=sys.stderr)  # noqa: T201


def escaped_lines(message: str) -> str:
    """Escape each line of a message and keep its line breaks."""
    return "\n".join(escaped(line) for line in message.split("\n"))


def print_json(value: object) -> None:
    """Write one JSON document."""
    print(json_text(value))  # noqa: T201


def json_text(value: object) -> str:
    """Return one JSON document."""
    return json.dumps(value, indent=2, ensure_ascii=True)  # escaped, so that a terminal shows it as it is


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


def print_record(identifier: str, columns: Mapping[str, Any]) -> None:
    """Write one finding whole: a line for each column, and for each value of a list."""
    shown = {"id": identifier} | {name: value for name, value in columns.items() if name != "truncated"}
    cells = [Text("\n".join(map(escaped, map(str, value if isinstance(value, list) else [value])))) for value in shown.values()]
    out = console()
    out.print(record(list(shown), cells))
    for name, count in columns.get("truncated", {}).items():
        note(f"{name} has {count:,} more values than are kept.")


@contextmanager
def progress(what: str, total: int | None = None, *, size: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error while it is a terminal; yields a function that advances it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    amount = DownloadColumn(binary_units=True) if size else MofNCompleteColumn()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)
