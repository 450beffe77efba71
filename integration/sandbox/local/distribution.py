"""The differences between the servers when a node is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from integration.sandbox.local.cache import Cache, Report
from integration.sandbox.local.java import JavaNeed

LOG_CONFIGURATION = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] [%node_name] %marker%m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
"""log4j2.properties: everything to standard output, which the launcher sends to the node's log file."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A node's own folder, and those below it."""

    folder: Path

    @property
    def data(self) -> Path:
        """What the node stores, kept over all its starts."""
        return self.folder / "data"

    @property
    def config(self) -> Path:
        """The configuration, written anew at each start."""
        return self.folder / "config"

    @property
    def logs(self) -> Path:
        """The log file and what a crashing JVM leaves."""
        return self.folder / "logs"

    @property
    def log(self) -> Path:
        """Everything the node prints, over all its starts."""
        return self.logs / "node.log"

    @property
    def scratch(self) -> Path:
        """The JVM's folder for temporary files."""
        return self.folder / "tmp"


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to start: its arguments, what its environment holds beside PATH, HOME and LANG, and its configuration files.

    These are the ones beside `ENGINE.yml` and `log4j2.properties`, by name.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


class Distribution(Protocol):
    """One server in one version."""

    @property
    def engine(self) -> str:
        """`opensearch` or `elasticsearch`."""

    @property
    def version(self) -> str:
        """The server's version."""

    @property
    def java(self) -> JavaNeed:
        """The Java that it runs on."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Settings that this server takes and the other does not."""

    @property
    def keeps_classes(self) -> bool:
        """Whether its JVM can keep the classes that it loaded in a file for the next start, which then takes half as long."""

    def assemble(self, cache: Cache, report: Report) -> Path:
        """Return the server's home folder, fetching and assembling it when it is not in the cache."""

    def launch(self, java: Path, home: Path, layout: Layout, jvm: Sequence[str]) -> Launch:
        """Return the process to start, with these options of the JVM."""


def jvm_options(layout: Layout) -> list[str]:
    """Return the options of the JVM that either server runs with."""
    return [
        # As the servers' own jvm.options: their breaker refuses requests while the heap looks full, so that a collector which waits
        # until it is full would leave the node refusing for ever. The regions are for messages of a mebibyte in a small heap.
        "-XX:+UseG1GC",
        "-XX:G1ReservePercent=25",
        "-XX:InitiatingHeapOccupancyPercent=30",
        "-XX:G1HeapRegionSize=4m",
        "-XX:-AlwaysPreTouch",
        "-XX:+ExitOnOutOfMemoryError",
        f"-XX:ErrorFile={layout.logs}/hs_err_pid%p.log",
        f"-Djava.io.tmpdir={layout.scratch}",
    ]
