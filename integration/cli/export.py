"""`detect export`: what would be installed, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from integration.cli.connection import NamespaceOption
from integration.cli.options import FormatOption, RuleOptions, with_rules
from integration.cli.output import escaped, note, print_json
from integration.commands.export import ENGINES, exports
from integration.commands.export import write as write_files
from integration.install.gin_timezone import NO_TIMEZONE, timezone_of
from integration.install.streams import Streams
from integration.names import Namespace


@with_rules
def export(
    options: RuleOptions,
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="The folder to write to; made if need be.")],
    engine: Annotated[
        Literal["all", "elasticsearch", "opensearch"], typer.Option("--engine", help="Bodies for one engine only.")
    ] = "all",
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that have another content.")] = False,
    namespace: NamespaceOption = "default",
    gin_timezone: Annotated[
        str | None,
        typer.Option("--gin-timezone", metavar="ZONE", help="The zone of the clock in [GIN] lines, where the shipper names none."),
    ] = None,
    form: FormatOption = "table",
) -> None:
    """Write every rendered body to a file, without a cluster.

    The bodies are the pipeline, the index templates, the searches, the monitors, ES|QL and Kibana's rules. index.json names the
    request that takes each file.

    Example: detect export bodies --engine elasticsearch --namespace prod
    """
    engines = ENGINES if engine == "all" else (engine,)
    streams = Streams(gin_timezone=None if gin_timezone in (None, NO_TIMEZONE) else timezone_of(gin_timezone))
    files, left_out = exports(options.rules, engines, options.deployment(Namespace(namespace)), streams)
    states = write_files(folder, files, left_out, force=force)
    if form == "json":
        missing = [{"path": each.path, "reason": each.reason} for each in left_out]
        print_json({"files": [{"path": path, "state": state} for path, state in states.items()], "left_out": missing})
    else:
        for path, state in states.items():
            print(f"{escaped(str(folder / path))}: {state}")  # noqa: T201
    for each in left_out:
        note(f"Left out {each.path}: {each.reason}")
