"""`detect cluster up`, `down`, `status`: real nodes on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from integration.cli.options import Form, FormatOption
from integration.cli.output import note, print_json
from integration.cli.tables import print_table
from integration.cli.verbs import VerbGroup, typer_app, verb_of
from integration.sandbox import local

cluster = typer_app(
    cls=VerbGroup, help="Start and stop real nodes on this machine, without Docker.\n\nIt needs Maven (`mvn`) and Java."
)


EngineOption = Annotated[Literal["opensearch", "elasticsearch"], typer.Option("--engine", help="Which server.")]
NameOption = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The node's name; by default detect-ENGINE.")]


@verb_of(cluster)
def up(
    engine: EngineOption = "opensearch",
    version: Annotated[
        str | None, typer.Option("--version", metavar="VERSION", help="Which version; the newest that is known by default.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="PORT", min=1, max=65535, help="For HTTP; by default 9200 if that is free, else any free one."
        ),
    ] = None,
    name: NameOption = None,
    form: FormatOption = "table",
) -> None:
    """Start a node on 127.0.0.1 and leave it running. The first time, the server is fetched from Maven Central.

    The Elasticsearch that is made of what is there has no interface of data streams: `uninstall --delete-data` and `install
    --retention` end with its refusal. `cluster down --delete-data` removes the node with all it holds.

    Example: detect cluster up --engine elasticsearch --version 8.19.13
    """
    outcome = local.up(engine, version, name=name, port=port, report=note)
    if not outcome.changed:
        note(f"{outcome.record.name} is running already.")
    _print_record(outcome.record, form)
    note(f"Data: {outcome.record.layout.data}\nLog: {outcome.record.layout.log}")
    note(f"To use it: export DETECT_URL={outcome.record.url}\nNext: detect install")


@verb_of(cluster)
def down(
    engine: EngineOption = "opensearch",
    name: NameOption = None,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Delete its data, logs and configuration too.")] = False,
    form: FormatOption = "table",
) -> None:
    """Stop a node. Its data stays unless you say otherwise.

    Example: detect cluster down --delete-data
    """
    outcome = local.down(name or local.default_name(engine), delete_data=delete_data, report=note)
    if not outcome.changed:
        note(f"{outcome.record.name} was stopped already.")
    _print_record(outcome.record, form)


@verb_of(cluster)
def status(
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Of one node; by default of all.")] = None,
    form: FormatOption = "table",
) -> None:
    """Show the nodes that were started here, and which of them run.

    Example: detect cluster status --format json
    """
    records = local.status(name)
    if form == "json":
        print_json({"nodes": [_as_json(record) for record in records]})
    elif records:
        _print_table(records)
    else:
        note("No node was started here." if name is None else f"No node with the name {name} was started here.")


def _print_record(record: local.NodeRecord, form: Form) -> None:
    if form == "json":
        print_json(_as_json(record))
    else:
        _print_table([record])


def _print_table(records: Sequence[local.NodeRecord]) -> None:
    rows = [
        [each["name"], f"{each['engine']} {each['version']}", each["state"], each["url"] or "", str(each["pid"] or "")]
        for each in map(_as_json, records)
    ]
    print_table(["node", "server", "state", "url", "pid"], rows)


def _as_json(record: local.NodeRecord) -> dict[str, Any]:
    running = record.running
    return {
        "name": record.name,
        "engine": record.engine,
        "version": record.version,
        "state": "running" if running else "stopped",
        "url": record.url if running else None,
        "pid": record.pid if running else None,
        "data": str(record.layout.data),
        "log": str(record.layout.log),
    }
