"""Stands in for what these tests must not need: Maven Central, a Java, a server, another user."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from integration.sandbox.local import named, servers
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache, Report
from integration.sandbox.local.distribution import Launch, Layout
from integration.sandbox.local.java import JavaNeed
from integration.sandbox.local.node import Node, NodeOptions
from integration.sandbox.local.ports import free_port

_ANSWERS = """
import http.server, json, pathlib, re, sys
(settings,) = pathlib.Path(sys.argv[1]).glob("*search.yml")
port = int(re.search(r"^http.port: (\\d+)", settings.read_text(), re.MULTILINE)[1])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.end_headers()
        self.wfile.write(json.dumps({"logs": sys.argv[3]}).encode())
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@dataclass(frozen=True)
class FakeServer:
    """A server that answers every GET with one status and where it logs to, or runs whatever script a test gives."""

    script: str = _ANSWERS
    status: int = 200
    engine: str = "opensearch"
    version: str = "3.4.0"
    keeps_classes: bool = True

    @property
    def settings(self) -> Mapping[str, object]:
        return {}

    @property
    def java(self) -> JavaNeed:
        return JavaNeed("OpenSearch 3.4.0", 21)

    def assemble(self, cache: Cache, report: Report) -> Path:
        def build(home: Path) -> None:
            report("Assembling")
            for part in ("lib", "plugins"):
                (home / part).mkdir()

        return cache.assembled("fake", build, report)

    def launch(self, java: Path, home: Path, layout: Layout, jvm: Sequence[str]) -> Launch:  # noqa: ARG002
        arguments = (sys.executable, "-c", self.script, str(layout.config), str(self.status), str(layout.logs))
        return Launch(arguments, {"FAKE": str(home)}, {"jvm.options": "".join(f"{option}\n" for option in jvm)})


@pytest.fixture
def said() -> list[str]:
    """Collects what a `Report` is told."""
    return []


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    folder = tmp_path / "cache"
    folder.mkdir()
    return Cache(folder)


@pytest.fixture
def make_node(tmp_path: Path, cache: Cache) -> Callable[..., Node]:
    """Makes a node of a fake server that runs as the current user."""

    def make(server: FakeServer | None = None, options: NodeOptions | None = None) -> Node:
        server = server or FakeServer()
        layout = Layout(tmp_path / "node")
        home = server.assemble(cache, lambda _: None)
        return Node("n", server, layout, free_port(), home, tmp_path / "java", Account(), options or NodeOptions())

    return make


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a shell script on a PATH that holds the system's folders besides, and nothing else of this machine's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def put(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return put


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeServer]:
    """What `distribution` gives, by engine; a test may put another server in its place."""
    kinds = {engine: FakeServer(engine=engine) for engine in servers.VERSIONS}

    def give(engine: str, version: str | None = None) -> FakeServer:
        return kinds[engine] if version is None else replace(kinds[engine], version=version)

    for module in (named, servers):
        monkeypatch.setattr(module, "distribution", give)
    monkeypatch.setattr(servers, "find_java", lambda *_: tmp_path)
    monkeypatch.setattr(Account, "for_node", classmethod(lambda cls: cls()))
    monkeypatch.setattr(named, "USUAL_PORT", free_port())
    monkeypatch.setenv("DETECT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("DETECT_STATE_DIR", raising=False)
    return kinds
