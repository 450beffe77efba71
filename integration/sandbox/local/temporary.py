"""A node for the length of a `with` block: for tests and for the demo."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from integration.sandbox.local.account import Account
from integration.sandbox.local.distribution import Layout
from integration.sandbox.local.lock import Report
from integration.sandbox.local.node import Node, NodeOptions
from integration.sandbox.local.servers import distribution, prepare

# A node that lives for minutes spends most of its time on compiling well what it then hardly runs.
_COMPILES_QUICKLY = "-XX:TieredStopAtLevel=1"
_PLAIN = NodeOptions()


def silent(_: str) -> None:
    """Show nothing of what is being done."""


@contextmanager
def running_node(
    engine: str = "opensearch",
    version: str | None = None,
    *,
    options: NodeOptions = _PLAIN,
    report: Report = silent,
) -> Iterator[Node]:
    """Start a node with empty data, and stop it and delete all of it at the end of the block or of the interpreter.

    Its JVM compiles quickly rather than well, unless `options.java` says otherwise.
    Raises `InputError` when a tool is missing or there is no such server; `NodeError` when the node cannot be fetched or
    does not come up.
    """
    server = distribution(engine, version)
    quick = replace(options, java=(_COMPILES_QUICKLY, *options.java))
    with ExitStack() as stack:
        atexit.register(stack.close)  # for a block that is never left
        stack.callback(atexit.unregister, stack.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ollama-detect-")))
        Account.for_node().give(folder)
        layout = Layout(folder, folder / "data")
        node = prepare("detect-temporary", server, layout, options=quick, report=report)
        report(f"Starting {server.engine} {server.version}")
        stack.callback(node.stop)
        node.start()
        yield node
