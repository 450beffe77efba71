"""Asking before something is deleted."""

from __future__ import annotations

import sys

from integration.cli.output import note


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
