"""The options that verbs share, each with its environment variable, and what comes of them with detect.toml.

Order: options, environment, file, defaults. The file feeds the options of its verb through click's defaults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from integration.cli.settings.loading import load_config
from integration.cli.settings.model import Config
from integration.cli.verbs import replacing
from integration.detection.loading import chosen, load_rules
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.errors import InputError
from integration.install.deployment import Deployment
from integration.names import Namespace

Form = Literal["table", "json", "csv", "html", "junit"]
"""How results are written to standard output; a verb has some of them."""

_RULE = "Rule"
FormatOption = Annotated[Literal["table", "json"], typer.Option("--format", help="How to write results.")]
ResultFormatOption = Annotated[
    Literal["table", "json", "junit"], typer.Option("--format", help="How to write results; junit is for CI.")
]
TabularFormatOption = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to write findings.")]
ScanFormatOption = Annotated[Literal["table", "json", "csv", "html"], typer.Option("--format", help="How to write findings.")]
BacktestFormatOption = Annotated[Literal["table", "json", "html"], typer.Option("--format", help="How to write results.")]
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

# A command needs it twice, and a pipe can be read but once.
_load_once = lru_cache(maxsize=1)(load_config)


def _feed_options(context: typer.Context, path: Path | None) -> Path | None:
    """Use the file's values for options that neither the command line nor the environment sets."""
    _load_once.cache_clear()  # of another command in this process
    context.default_map = {**(context.default_map or {}), **_load_once(path).option_defaults()}
    return path


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="DETECT_CONFIG",
        is_eager=True,
        callback=_feed_options,
        metavar="FILE",
        help="Your settings; else ./detect.toml, else detect.toml in your configuration folder.",
    ),
]
IndexOption = Annotated[
    str | None,
    typer.Option("--index", metavar="NAME", envvar="DETECT_INDEX", help="Another index, data stream or pattern of events."),
]

_DURATION = re.compile(r"(\d{1,5})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True)
class RuleOptions:
    """The user's settings, the rules as these change them, the user's own folders of rules, and another index of events."""

    settings: Config
    rules: tuple[Rule, ...]
    folders: Sequence[Path]
    index: str | None

    def deployment(self, namespace: Namespace) -> Deployment:
        """Return where the rules find their events in a namespace, and the user's filter."""
        return Deployment(namespace, self.index, self.settings.post_filter)


def _rules(
    rule: RuleOption = None, rules: RulesOption = None, index: IndexOption = None, config: ConfigOption = None
) -> RuleOptions:
    return RuleOptions(*configured(config, rules, rule), rules or (), index)


def _every_rule(rules: RulesOption = None, index: IndexOption = None, config: ConfigOption = None) -> RuleOptions:
    return _rules(None, rules, index, config)


def with_rules(verb: Callable[..., None]) -> Callable[..., None]:
    """Replace a verb's parameter `options: RuleOptions` by the options that name rules, an index and the settings."""
    return replacing("options", _rules, verb)


def with_every_rule(verb: Callable[..., None]) -> Callable[..., None]:
    """Do as `with_rules` does for a verb that is always about all rules."""
    return replacing("options", _every_rule, verb)


def configured(path: Path | None, folders: list[Path] | None, ids: list[str] | None) -> tuple[Config, tuple[Rule, ...]]:
    """Return the settings, and the rules that the options name, changed by the settings."""
    config = _load_once(path)
    return config, chosen(config.applied_to(rules_of(folders, None)), ids or ())


def rules_of(folders: Sequence[Path] | None, ids: list[str] | None) -> tuple[Rule, ...]:
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
