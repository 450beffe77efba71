"""Results to standard output, everything else to standard error, questions too; control characters of logs are escaped."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from integration.findings.escaping import escaped as escaped

_MINUTE = 60.0


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


@contextmanager
def progress(what: str, total: int | None = None, *, size: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error, or a line each minute where that is no terminal; yields what advances it."""
    if not sys.stderr.isatty():
        yield _by_the_minute(what, total)
        return
    from rich.console import Console  # not above: what goes into a pipe shall not wait for it
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    amount = DownloadColumn(binary_units=True) if size else MofNCompleteColumn()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)


def _by_the_minute(what: str, total: int | None) -> Callable[[int], None]:
    done, due = 0, monotonic() + _MINUTE

    def advance(more: int) -> None:
        nonlocal done, due
        done += more
        if (now := monotonic()) >= due:
            due = now + _MINUTE
            note(f"{what}: {done / total:.0%}" if total else f"{what}: {done:,}")

    return advance


def confirmed(question: str) -> bool:
    """Ask; not by `typer.confirm`, which ends the command with 1 where there is no answer or a signal comes."""
    try:
        note(f"{question} [y/N]")
        answer = "" if sys.stdin is None else sys.stdin.readline()
    except KeyboardInterrupt as stop:
        stop.add_note("Nothing was changed.")
        raise
    return answer.strip().lower() in ("y", "yes")


def is_on_terminal() -> bool:
    """Return whether somebody can answer a question at a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()
