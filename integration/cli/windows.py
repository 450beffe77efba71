"""The options that name scheduled windows."""

from __future__ import annotations

import time
from itertools import islice
from typing import Annotated

import typer

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.errors import InputError
from integration.times import parse_time

_MAX_WINDOWS = 100_000  # eleven years, hour by hour

AtOption = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="The scheduled run then, or the last before (default: now).")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="With --to: every scheduled window wholly in between.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME")]


def windows_of(rule: Rule, at: str | None, start: str | None, end: str | None) -> list[Window]:
    """Return the windows of a rule that --at, or --from and --to, name."""
    if (start is None) != (end is None) or (at is not None and start is not None):
        raise InputError("give --from and --to together, or --at, or neither for the last scheduled run")
    if start is None or end is None:
        return [rule.windows.last_run(parse_time(at) if at is not None else int(time.time() * 1000))]
    windows = list(islice(rule.windows.within(parse_time(start), parse_time(end)), _MAX_WINDOWS + 1))
    if len(windows) > _MAX_WINDOWS:
        raise InputError(
            f"--from {start} and --to {end} are more than {_MAX_WINDOWS:,} windows of {rule.id} apart: is the year right? If so, "
            "ask for one part after the other"
        )
    if not windows:
        raise InputError(f"no scheduled window of {rule.id} is wholly between {start} and {end}")
    return windows
