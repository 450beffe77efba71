"""One node: its folders, and starting and stopping it."""

from __future__ import annotations

import json
import os
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import urllib3
import urllib3.exceptions
import yaml

from integration.errors import InputError, NodeError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import make_reachable
from integration.sandbox.local.distribution import LOG_CONFIGURATION, Distribution, Launch, Layout, jvm_options
from integration.sandbox.local.ports import LOOPBACK, free_port
from integration.sandbox.local.process import Process, spawn

SECONDS_TO_START = 180.0
SECONDS_TO_STOP = 60.0
_SECONDS_BETWEEN_LOOKS = 0.25
_SECONDS_FOR_AN_ANSWER = 5.0
_SHOWN_LINES = 20
# A node with security on tells a stranger nothing more, and says this only once it has its security set up.
_UP = {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


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
    home: Path | None = None
    """A home of the server that is used in place of the assembled one, in a folder that the node's user can read."""
    tls: ssl.SSLContext | None = None
    """How to trust the node when its settings turn HTTPS on."""


@dataclass
class Node:
    """A server on the loopback address. It keeps its data and its port over stops and starts."""

    name: str
    distribution: Distribution
    layout: Layout
    port: int
    home: Path
    """The server's."""
    java: Path
    """The Java's home."""
    account: Account
    options: NodeOptions
    process: Process | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"{'https' if self.options.tls else 'http'}://{LOOPBACK}:{self.port}"

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
        heap = self.options.heap
        jvm = [f"-Xms{heap}", f"-Xmx{heap}", *self.options.java, *jvm_options(self.layout)]
        launch = self.distribution.launch(self.java, self.home, self.layout, jvm)
        self._write_configuration(launch)
        self.process = spawn(
            launch.arguments,
            environment=self._environment(launch),
            folder=self.layout.folder,
            log=self.layout.log,
            account=self.account,
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
        while not is_up(self.port, self.options.tls, self.layout.logs):
            if not self.running:
                raise NodeError(self._complaint("ended while it started"))
            if time.monotonic() > end:
                raise NodeError(self._complaint(f"was not ready after {timeout:.0f} s"))
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _complaint(self, fault: str) -> str:
        server = f"{self.distribution.engine} {self.distribution.version}"
        return f"The node {self.name} ({server}) {fault}. The end of {self.layout.log}:\n{self.log_tail()}"

    def _make_folders(self) -> None:
        for folder in (self.layout.folder, self.layout.config, self.layout.logs, self.layout.scratch, self.layout.data):
            if not folder.exists():
                make_reachable(folder.parent)
                folder.mkdir()
                self.account.give(folder)
        if not self.account.can("-w", self.layout.folder):
            raise InputError(f"The node's user cannot write to {self.layout.folder}. Choose a folder that it can reach.")

    def _write_configuration(self, launch: Launch) -> None:
        settings = {
            "cluster.name": self.name,
            "node.name": self.name,
            "discovery.type": "single-node",
            "network.host": LOOPBACK,
            "http.port": self.port,
            "transport.port": free_port(),
            "path.data": str(self.layout.data),
            "path.logs": str(self.layout.logs),
            "cluster.routing.allocation.disk.threshold_enabled": False,
            **self.distribution.settings,
            **self.options.settings,
        }
        files = {
            f"{self.distribution.engine}.yml": yaml.safe_dump(settings),
            "log4j2.properties": LOG_CONFIGURATION,
            **launch.files,
            **self.options.files,
        }
        for name, text in files.items():
            path = self.layout.config / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
            self.account.give(path.parent)
            self.account.give(path)

    def _environment(self, launch: Launch) -> dict[str, str]:
        """Keep our own environment from the node: it may hold secrets, and JVM options that are meant for others."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.layout.folder),
            "LANG": "C.UTF-8",
            **launch.environment,
        }


def is_up(port: int, tls: ssl.SSLContext | None, logs: Path | None = None) -> bool:
    """Whether the node at `port` has recovered its state and all its primary shards, and logs to the folder `logs`.

    By its logs a node is told from another one that took the port first; one that turns strangers away says nothing of them.
    """
    url = f"{'https' if tls else 'http'}://{LOOPBACK}:{port}"
    with urllib3.PoolManager(ssl_context=tls, timeout=_SECONDS_FOR_AN_ANSWER, retries=False) as pool:
        try:
            status = pool.request("GET", f"{url}/_cluster/health?wait_for_status=yellow&timeout=1s").status
            if status != HTTPStatus.OK or logs is None:
                return status in _UP
            settings = pool.request("GET", f"{url}/_nodes/_local/settings?filter_path=nodes.*.settings.path.logs").data
        except urllib3.exceptions.HTTPError:
            return False
    return json.dumps(str(logs), ensure_ascii=False).encode() in settings
