"""The servers that can be started here, and making one ready to start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache
from integration.sandbox.local.distribution import Distribution, Layout
from integration.sandbox.local.elasticsearch_home import RELEASES, Elasticsearch
from integration.sandbox.local.java import find_java
from integration.sandbox.local.lock import Report
from integration.sandbox.local.node import Node, NodeOptions, Ports, Runtime
from integration.sandbox.local.opensearch_home import OpenSearch
from integration.sandbox.local.ports import free_port, is_free, require_free

VERSIONS: dict[str, tuple[str, ...]] = {"opensearch": ("3.8.0", "3.4.0", "2.19.6", "2.19.1"), "elasticsearch": tuple(RELEASES)}
"""By engine, the versions that are known to work; the first is the default."""

_MAKERS: dict[str, Callable[[str], Distribution]] = {"opensearch": OpenSearch, "elasticsearch": Elasticsearch}


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
    else:
        port = next(filter(is_free, liked_ports), None)
    cache = Cache.open(account)
    java = find_java(server.java, account, cache, report)
    home = server.assemble(cache, report)
    ports = Ports(port or free_port(), free_port())
    return Node(name, server, Runtime(home, java, account), layout, ports, options)
