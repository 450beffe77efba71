"""detect.toml for the verbs: its option, and the rules as the user wants them.

Order: options, environment, file, defaults. The file feeds the options of its verb through click's defaults.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.options import rules_of
from integration.cli.settings.loading import load_config
from integration.cli.settings.model import Config
from integration.detection.loading import chosen
from integration.detection.model import Rule

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


def configured(path: Path | None, folders: list[Path] | None, ids: list[str] | None) -> tuple[Config, tuple[Rule, ...]]:
    """Return the settings, and the rules that the options name, changed by the settings."""
    config = _load_once(path)
    return config, chosen(config.applied_to(rules_of(folders, None)), ids or ())
