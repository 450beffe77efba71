"""The options that verbs share, each with its environment variable."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.errors import InputError


class Format(StrEnum):
    """How results are written to standard output."""

    TABLE = "table"
    JSON = "json"


class TabularFormat(StrEnum):
    """How findings are written to standard output."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class ResultFormat(StrEnum):
    """How results of tests and comparisons are written to standard output."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"


class ScanFormat(StrEnum):
    """How findings of log files are written to standard output."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


class BacktestFormat(StrEnum):
    """How the sums of a backtest are written to standard output."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


_RULE = "Rule"
FormatOption = Annotated[Format, typer.Option("--format", help="How to write results.")]
ResultFormatOption = Annotated[ResultFormat, typer.Option("--format", help="How to write results; junit is for CI.")]
TabularFormatOption = Annotated[TabularFormat, typer.Option("--format", help="How to write findings.")]
ScanFormatOption = Annotated[ScanFormat, typer.Option("--format", help="How to write findings.")]
BacktestFormatOption = Annotated[BacktestFormat, typer.Option("--format", help="How to write results.")]
RuleOption = Annotated[
    list[str] | None, typer.Option("--rule", metavar="ID", help="A rule's id; all by default.", rich_help_panel=_RULE)
]
RulesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules",
        metavar="FOLDER",
        envvar="DETECT_RULES",
        help="A folder of rule files, beside the shipped rules; repeatable.",
        rich_help_panel=_RULE,
    ),
]
TimezoneOption = Annotated[
    str,
    typer.Option("--timezone", metavar="ZONE", envvar="DETECT_TIMEZONE", help="What first_error and last_error are printed in."),
]

_DURATION = re.compile(r"(\d{1,5})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def replacing(
    name: str,
    make: Callable[..., object],
    verb: Callable[..., None],
    context: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Callable[..., None]:
    """Return a verb that has the options of `make` in place of its parameter `name`, which gets what `make` returns.

    Both run within `context`.
    """
    own = inspect.signature(verb, eval_str=True).parameters
    shared = inspect.signature(make, eval_str=True).parameters

    def call(**given: Any) -> None:
        with context():
            made = make(**{each: given.pop(each) for each in shared})
            verb(**{name: made}, **given)

    parameters = [*(p for each, p in own.items() if each != name), *shared.values()]
    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    call.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in keyword_only}
    call.__name__, call.__doc__ = verb.__name__, verb.__doc__
    return call


def rules_of(folders: list[Path] | None, ids: list[str] | None) -> tuple[Rule, ...]:
    """Load the rules that the options name."""
    return load_rules(folders or (), ids or ())


def zone_of(name: str) -> tzinfo:
    """Return the time zone of a name such as Europe/Berlin; `InputError` when there is none."""
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"{name!r} is not a time zone (--timezone, DETECT_TIMEZONE, `timezone` in detect.toml); write one such as Europe/Berlin"
        ) from error


def severity_of(option: str, name: str) -> Severity:
    """Return the severity of a name such as high; `InputError` names the option when there is none."""
    try:
        return Severity.parse(name)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from error


def seconds_of(option: str, text: str) -> int:
    """Read a duration such as 90m; `InputError` names the option when it is not one."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InputError(f"{option} {text!r} is not a duration; write 30s, 90m, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]
