"""The servers that can be started here, making one ready to start, and one for the length of a `with` block."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache, Report
from integration.sandbox.local.distribution import Distribution, Layout
from integration.sandbox.local.elasticsearch_home import RELEASES, Elasticsearch
from integration.sandbox.local.java import find_java
from integration.sandbox.local.node import Node, NodeOptions
from integration.sandbox.local.opensearch_home import OpenSearch
from integration.sandbox.local.ports import free_port, is_free, require_free

VERSIONS: dict[str, tuple[str, ...]] = {"opensearch": ("3.8.0", "3.4.0", "2.19.6", "2.19.1"), "elasticsearch": tuple(RELEASES)}
"""By engine, the versions that are known to work; the first is the default."""

_MAKERS: dict[str, Callable[[str], Distribution]] = {"opensearch": OpenSearch, "elasticsearch": Elasticsearch}
# A node that lives for minutes spends most of its time on compiling well what it then hardly runs.
_COMPILES_QUICKLY = "-XX:TieredStopAtLevel=1"
_PLAIN = NodeOptions()


def distribution(engine: str, version: str | None = None) -> Distribution:
    """Return a server by its engine and version; None stands for the default version.

    Raises `InputError` when there is no such server; the message names those that there are.
    """
    if engine not in VERSIONS:
        raise InputError(f"There is no engine {engine!r}. Choose {' or '.join(VERSIONS)}.")
    known = VERSIONS[engine]
    if version is not None and version not in known:
        raise InputError(f"{engine} {version} is not available here. Choose {' or '.join(known)}.")
    return _MAKERS[engine](version or known[0])


def prepare(
    name: str,
    server: Distribution,
    layout: Layout,
    *,
    port: int | None = None,
    liked_ports: Sequence[int] = (),
    options: NodeOptions,
    report: Report,
) -> Node:
    """Find or fetch all that a node needs. It is not started yet.

    It listens on `port`; without one, on the first of `liked_ports` that is free, or on any that is.

    Raises `InputError` when a tool is missing, or the port is taken; `NodeError` when the server cannot be fetched.
    """
    account = Account.for_node()
    if port is not None:
        require_free(port)
    cache = Cache.open(account)
    java = find_java(server.java, account, cache, report)
    home = options.home or server.assemble(cache, report)
    if server.keeps_classes and options.home is None:
        kept = cache.written_by(account) / f"{server.engine}-{server.version}.jsa"
        options = replace(options, java=(*options.java, "-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={kept}"))
    port = port or next(filter(is_free, liked_ports), None) or free_port()
    return Node(name, server, layout, port, home, java, account, options)


@contextmanager
def running_node(
    engine: str = "opensearch",
    version: str | None = None,
    *,
    options: NodeOptions = _PLAIN,
    report: Report = lambda _: None,
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
        node = prepare("detect-temporary", server, Layout(folder), options=quick, report=report)
        report(f"Starting {server.engine} {server.version}")
        stack.callback(node.stop)
        node.start()
        yield node
