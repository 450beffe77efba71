"""Nodes with a name, which outlive the command that started them: what `detect cluster` does."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Report
from integration.sandbox.local.distribution import Layout
from integration.sandbox.local.node import SECONDS_TO_STOP, Node, NodeOptions
from integration.sandbox.local.servers import distribution, prepare
from integration.sandbox.local.state import NodeRecord, StateFolder

USUAL_PORT = 9200
"""Where clients look for a node unless they are told otherwise."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for a node: its record, and whether anything had to be done."""

    record: NodeRecord
    changed: bool


def default_name(engine: str) -> str:
    """Return the default name of a node."""
    return f"detect-{engine}"


def up(
    engine: str,
    version: str | None,
    *,
    name: str | None,
    port: int | None,
    report: Report,
) -> Outcome:
    """Start a node and leave it running; one that runs already is left alone.

    A node that was stopped keeps its version, its data and, if it is free, its port.

    Raises `InputError` when a tool is missing, or the name belongs to a node of another kind; `NodeError` when the node
    cannot be fetched or does not come up.
    """
    name = name or default_name(engine)
    states = StateFolder.open(Account.for_node())
    with states.lock(name, report):
        known = states.load(name)
        if known is not None:
            _require_same(known, engine, version)
            version = known.version
            if known.running:
                return Outcome(known, changed=False)
        server = distribution(engine, version)
        layout = Layout(states.folder / name)
        liked = [*([known.port] if known else []), USUAL_PORT]
        node = prepare(name, server, layout, port=port, liked_ports=liked, options=NodeOptions(), report=report)
        report(f"Starting {server.engine} {server.version}")
        return Outcome(_started(node, states), changed=True)


def _started(node: Node, states: StateFolder) -> NodeRecord:
    record = NodeRecord(
        name=node.name,
        engine=node.distribution.engine,
        version=node.distribution.version,
        port=node.port,
        folder=str(node.layout.folder),
    )
    # Remembered before it is ready: if this command is killed meanwhile, `down` still finds the node.
    node.start(on_launch=lambda process: states.save(record.run_by(process)))
    return record.run_by(node.process)


def down(name: str, *, delete_data: bool, report: Report) -> Outcome:
    """Stop a node, and delete all that it left if that is asked for.

    Raises `InputError` when no node has this name; `NodeError` when it cannot be stopped.
    """
    states = StateFolder.open(Account.for_node())
    _known(states, name)  # before a lock is made for a name that was mistyped
    with states.lock(name, report):
        known = _known(states, name)
        was_running = known.running
        if was_running and known.process is not None:
            report(f"Stopping {name}")
            known.process.stop(SECONDS_TO_STOP)
        states.save(known.run_by(None))
        if delete_data:
            if known.layout.folder.exists():
                shutil.rmtree(known.layout.folder)
            states.forget(name)
    return Outcome(known.run_by(None), changed=was_running or delete_data)


def _known(states: StateFolder, name: str) -> NodeRecord:
    known = states.load(name)
    if known is None:
        raise InputError(f"No node with the name {name} was started here. `detect cluster status` lists them.")
    return known


def status(name: str | None) -> list[NodeRecord]:
    """Return the records of all nodes that were started here, or of one."""
    states = StateFolder.open(Account.for_node())
    records = (states.load(known) for known in ([name] if name else states.names()))
    return [record for record in records if record is not None]


def _require_same(known: NodeRecord, engine: str, version: str | None) -> None:
    """See that a name is not used for two kinds of server: one could not read the other's data."""
    if known.engine != engine or version not in (None, known.version):
        raise InputError(
            f"The node {known.name} is {known.engine} {known.version}. Choose another --name, "
            f"or remove it: `detect cluster down --name {known.name} --delete-data`."
        )
