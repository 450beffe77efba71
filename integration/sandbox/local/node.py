"""One node: its folders, and starting and stopping it."""

from __future__ import annotations

import os
import shutil
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import make_reachable
from integration.sandbox.local.distribution import Distribution, Launch, Layout
from integration.sandbox.local.errors import NodeError
from integration.sandbox.local.health import is_up
from integration.sandbox.local.ports import LOOPBACK
from integration.sandbox.local.process import Process, spawn

SECONDS_TO_START = 180.0
SECONDS_TO_STOP = 60.0
_SECONDS_BETWEEN_LOOKS = 0.25
_SHOWN_LINES = 20


@dataclass(frozen=True)
class NodeOptions:
    """The options of a node."""

    heap: str = "512m"
    """The JVM's heap, as in `-Xmx`."""
    java: Sequence[str] = ()
    """Further options of the JVM."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Added to `opensearch.yml` or `elasticsearch.yml`; they win over ours."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Further files below the node's configuration folder, by relative path: certificates, users, security settings."""
    plugins: Sequence[Path] = ()
    """Unpacked plugins, in folders that the node's user can read."""
    tls: ssl.SSLContext | None = None
    """How to trust the node when its settings turn HTTPS on."""

    @property
    def jvm(self) -> tuple[str, ...]:
        """Every option of the JVM that the caller decides on."""
        return (f"-Xms{self.heap}", f"-Xmx{self.heap}", *self.java)


@dataclass(frozen=True, slots=True)
class Runtime:
    """The server's home, the Java's home and the user of a node."""

    home: Path
    java: Path
    account: Account


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a node listens."""

    http: int
    transport: int


class Node:
    """A server on the loopback address. It keeps its data and its ports over stops and starts."""

    def __init__(
        self,
        name: str,
        distribution: Distribution,
        runtime: Runtime,
        layout: Layout,
        ports: Ports,
        options: NodeOptions,
    ) -> None:
        self.name = name
        self.distribution = distribution
        self.layout = layout
        self.ports = ports
        self.process: Process | None = None
        self._runtime = runtime
        self._options = options

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"{'https' if self._options.tls else 'http'}://{LOOPBACK}:{self.ports.http}"

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.alive

    def start(self, timeout: float = SECONDS_TO_START, on_launch: Callable[[Process], None] | None = None) -> None:
        """Start it and wait until it is ready for work, at most `timeout` seconds.

        `on_launch` is told of the process before the wait.

        Raises `NodeError` when it does not come up; the message holds the last lines of its log. Nothing is left running.
        """
        if self.running:
            return
        self._make_folders()
        home = self._home()
        self._write_configuration()
        launch = self.distribution.launch(self._runtime.java, home, self.layout, self._options.jvm)
        self.process = spawn(
            launch.arguments,
            environment=self._environment(launch),
            folder=self.layout.folder,
            log=self.layout.log,
            account=self._runtime.account,
        )
        try:
            if on_launch is not None:
                on_launch(self.process)
            self._wait(timeout)
        except BaseException:  # an interrupt too must not leave a process behind
            self.process.kill()
            raise

    def stop(self) -> None:
        """Stop it in good order; a node that does not end in time is killed."""
        if self.process is not None:
            self.process.stop(SECONDS_TO_STOP)

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()

    def log_tail(self, lines: int = _SHOWN_LINES) -> str:
        """Return the last lines that it printed, less the frames of stack traces."""
        if not self.layout.log.exists():
            return ""
        with self.layout.log.open(encoding="utf-8", errors="replace") as log:
            return "".join(deque((line for line in log if not line.startswith("\tat ")), lines)).rstrip()

    def _wait(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        while not is_up(self.ports.http, self._options.tls, self.layout.logs):
            if not self.running:
                raise NodeError(self._complaint("ended while it started"))
            if time.monotonic() > end:
                raise NodeError(self._complaint(f"was not ready after {timeout:.0f} s"))
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _complaint(self, fault: str) -> str:
        server = f"{self.distribution.engine} {self.distribution.version}"
        return f"The node {self.name} ({server}) {fault}. The end of {self.layout.log}:\n{self.log_tail()}"

    def _make_folders(self) -> None:
        account = self._runtime.account
        for folder in (self.layout.folder, self.layout.config, self.layout.logs, self.layout.scratch, self.layout.data):
            if not folder.exists():
                make_reachable(folder.parent)
                folder.mkdir()
                account.give(folder)
        for folder in (self.layout.folder, self.layout.data):
            if not account.can("-w", folder):
                raise InputError(f"The node's user cannot write to {folder}. Choose a folder that it can reach.")

    def _home(self) -> Path:
        """Return the server's home; with plugins, one whose other parts are links to it, since a server looks for them there.

        Plugins are copied: OpenSearch 2 may read nothing outside of its home.
        """
        if not self._options.plugins:
            return self._runtime.home
        if self.layout.home.exists():
            shutil.rmtree(self.layout.home)
        make_reachable(self.layout.home / "plugins")
        for part in self._runtime.home.iterdir():
            if part.name != "plugins":
                (self.layout.home / part.name).symlink_to(part)
        for plugin in self._options.plugins:
            shutil.copytree(plugin, self.layout.home / "plugins" / plugin.name)
        return self.layout.home

    def _write_configuration(self) -> None:
        settings = {
            "cluster.name": self.name,
            "node.name": self.name,
            "discovery.type": "single-node",
            "network.host": LOOPBACK,
            "http.port": self.ports.http,
            "transport.port": self.ports.transport,
            "path.data": str(self.layout.data),
            "path.logs": str(self.layout.logs),
            "cluster.routing.allocation.disk.threshold_enabled": False,
            **self.distribution.settings,
            **self._options.settings,
        }
        files = {
            f"{self.distribution.engine}.yml": yaml.safe_dump(settings),
            **self.distribution.configuration(self.layout, self._options.jvm),
            **self._options.files,
        }
        for name, text in files.items():
            path = self.layout.config / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
            self._runtime.account.give(path.parent)
            self._runtime.account.give(path)

    def _environment(self, launch: Launch) -> dict[str, str]:
        """Keep our own environment from the node: it may hold secrets, and JVM options that are meant for others."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.layout.folder),
            "LANG": "C.UTF-8",
            **launch.environment,
        }
