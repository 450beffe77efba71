"""Shippers from Debian's packages, unpacked below the cache folder, so that those that conflict are there at once.
Nothing is installed on the machine.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache
from tests.support.shipper_pages import FOLDER, blocks


@dataclass(frozen=True)
class Shipper:
    """A shipper: its page, its packages, one of its modules, and its command by binary, modules, configuration and folder."""

    name: str
    packages: Sequence[str]
    binary: str
    module: str
    arguments: Callable[[Path, Path, Path], list[str]]
    places: Mapping[str, str]
    """Files that the page's configuration names, and what they are called in a test's folder."""

    def write_configuration(self, folder: Path, port: int, host: str, stream: str) -> None:
        """Write the page's own configuration, with the places and names of a test put in."""
        (text,) = blocks(FOLDER / f"{self.name}.md", self.name)
        changes = {path: str(folder / name) for path, name in self.places.items()}
        changes |= {'"gpu-1"': f'"{host}"', "9200": str(port), "logs-ollama.server-default": stream}
        for old, new in changes.items():
            assert old in text, f"{self.name}.md has no {old}"
            text = text.replace(old, new)
        (folder / "conf").write_text(text, encoding="utf-8")

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """Start it on the configuration in this folder, where it keeps its state too."""
        root = unpacked(self.name, self.packages)
        libraries = {str(path.parent) for path in root.rglob("*.so*")}
        modules = next(root.rglob(self.module)).parent
        with (folder / "said").open("ab") as said:
            return subprocess.Popen(
                [root / self.binary, *self.arguments(modules, folder / "conf", folder)],
                cwd=folder,
                env=os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        """Run it for the length of a block, then kill it as a crash would."""
        with self.start(folder) as process:
            try:
                yield
                assert process.poll() is None, (folder / "said").read_text()
            finally:
                process.kill()


RSYSLOG = Shipper(
    "rsyslog",
    ("rsyslog", "rsyslog-elasticsearch"),
    "usr/sbin/rsyslogd",
    "imfile.so",
    lambda modules, conf, folder: ["-n", "-M", str(modules), "-f", str(conf), "-i", str(folder / "pid")],
    {"/var/spool/rsyslog": "", "/var/log/ollama.log": "server.log"},
)
SYSLOG_NG = Shipper(
    "syslog-ng",
    ("syslog-ng-core", "syslog-ng-mod-http"),
    "usr/sbin/syslog-ng",
    "libhttp.so",
    lambda modules, conf, folder: [
        *("-F", "--no-caps", "--module-path", str(modules), "-f", str(conf)),
        *("-R", str(folder / "persist"), "-p", str(folder / "pid"), "-c", str(folder / "control")),
    ],
    {"/var/log/ollama.log": "server.log"},
)


def unpacked(name: str, packages: Sequence[str]) -> Path:
    """Return a folder with these packages and what they need that this machine does not have; apt fetches them once."""

    def build(folder: Path) -> None:
        state = folder / "apt"
        (state / "lists" / "partial").mkdir(parents=True)
        (state / "archives" / "partial").mkdir(parents=True)
        places = {"Dir::State::lists": state / "lists", "Dir::Cache": state, "Dir::Cache::archives": state / "archives"}
        options = ["-o", "Debug::NoLocking=1", *(part for key, path in places.items() for part in ("-o", f"{key}={path}"))]
        apt = ["apt-get", "--quiet", "--yes", *options]
        subprocess.run([*apt, "update"], check=True)
        subprocess.run([*apt, "install", "--download-only", "--reinstall", "--no-install-recommends", *packages], check=True)
        for package in (state / "archives").glob("*.deb"):
            subprocess.run(["dpkg", "--extract", package, folder], check=True)

    return Cache.open(Account.for_node()).assembled(f"debian-{name}-1", build, print)
