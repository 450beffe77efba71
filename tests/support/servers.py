"""Which servers the tests run on."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache
from integration.sandbox.local.java import find_java
from integration.sandbox.local.servers import distribution


@dataclass(frozen=True)
class Server:
    """A server to test on: its engine and, unless it is the default one, its version."""

    engine: str
    version: str | None

    @classmethod
    def of(cls, text: str) -> Server:
        engine, _, version = text.partition(":")
        return cls(engine, version or None)


def _startable() -> str:
    account = Account.for_node()
    try:
        find_java(distribution("elasticsearch").java, account, Cache.open(account), lambda _: None)
    except InputError:
        return "opensearch"
    return "opensearch,elasticsearch"


SERVERS = (os.environ.get("DETECT_TEST_ENGINES") or _startable()).split(",")
_OPENSEARCHES = [text for text in SERVERS if Server.of(text).engine == "opensearch"] or ["opensearch"]
on_opensearch = pytest.mark.parametrize(
    "server", [Server.of(text) for text in _OPENSEARCHES], ids=_OPENSEARCHES, indirect=True, scope="session"
)
"""For a test of what only OpenSearch has, or what a test on Elasticsearch tries in another way.

It runs on each OpenSearch that `DETECT_TEST_ENGINES` names, and on the default one if that names none.
"""
_ELASTICSEARCHES = [text for text in SERVERS if text == "elasticsearch" or text.startswith("elasticsearch:9")] or ["elasticsearch"]
on_elasticsearch_9 = pytest.mark.parametrize(
    "server", [Server.of(text) for text in _ELASTICSEARCHES], ids=_ELASTICSEARCHES, indirect=True, scope="session"
)
"""For a test of what only Elasticsearch 9 has; on the default one if `DETECT_TEST_ENGINES` names none."""


def is_repeated(test: pytest.Function) -> bool:
    """Return whether a test is marked as enough on another server than the one that it is for, and runs on that one."""
    marker = test.get_closest_marker("enough_on")
    if marker is None:
        return False
    enough = next((text for text in SERVERS if text.startswith(marker.args[0])), SERVERS[0])
    return bool(test.callspec.params["server"] != Server.of(enough))
