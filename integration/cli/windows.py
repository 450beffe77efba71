"""The options that name scheduled windows."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from integration.cli.instants import FromOption, ToOption, instant_of, span_of
from integration.commands.run import Plan, spanned
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.errors import InputError
from integration.times import now, rfc3339

__all__ = ["AtOption", "FromOption", "ToOption", "told", "windows_of"]

_MAX_WINDOWS = 100_000  # eleven years, hour by hour

AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="The scheduled run then, or the last before it; without any of these, the last run."),
]


def windows_of(rule: Rule, at: str | None, start: str | None, end: str | None) -> list[Window]:
    """Return the windows of a rule that --at, or --from and --to, name."""
    if (start is None and end is not None) or (at is not None and start is not None):
        raise InputError("give --from, with --to or without, or --at, or neither for the last scheduled run")
    begins, ends = span_of(start, end)
    if begins is None:
        return [rule.windows.last_run(now() if at is None else instant_of("--at", at))]
    windows = list(islice(rule.windows.within(begins, now() if ends is None else ends), _MAX_WINDOWS + 1))
    until = "now" if end is None else end
    if len(windows) > _MAX_WINDOWS:
        raise InputError(
            f"--from {start} and --to {until} are more than {_MAX_WINDOWS:,} windows of {rule.id} apart: is the year right? If so, "
            "ask for one part after the other"
        )
    if not windows:
        last = rule.windows.last_run(now())
        raise InputError(
            f"no scheduled window of {rule.id} is wholly between {start} and {until}; "
            f"the last one is from {rfc3339(last.start, millis=False)} to {rfc3339(last.end, millis=False)}"
        )
    return windows


def told(plan: Plan) -> str:
    """Return which windows are evaluated, in words."""
    start, end = spanned(plan)
    not_over = " The last one is not over yet." if end > now() else ""
    return told_of(len({(window.start, window.end) for _, each in plan for window in each}), start, end) + not_over


def told_of(windows: int, start: int, end: int) -> str:
    """Return how many windows of which span are evaluated, in words."""
    begins, ends = (rfc3339(time, millis=False)[:16].replace("T", " ") for time in (start, end))
    return f"Evaluated: {windows:,} window{'s' * (windows != 1)}, {begins} to {ends} (UTC)."
