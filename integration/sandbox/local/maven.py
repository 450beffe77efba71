"""Fetching artifacts with the user's own Maven, so that their mirrors, proxies and credentials apply."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from xml.sax.saxutils import escape

from integration.errors import InputError, NodeError
from integration.sandbox.local.cache import Report

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_SECONDS_BETWEEN_REPORTS = 3
_SHOWN_LINES = 5
_NAMESPACE = "{http://maven.apache.org/POM/4.0.0}"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ollama-detect</groupId>
  <artifactId>{name}</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <modules>{modules}</modules>
  <dependencies>{dependencies}</dependencies>
</project>
"""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The coordinates of a file in a Maven repository."""

    group: str
    name: str
    version: str
    kind: str = "jar"

    @property
    def path(self) -> Path:
        """Its path below the top of a repository."""
        return Path(*self.group.split("."), self.name, self.version, f"{self.name}-{self.version}.{self.kind}")

    @property
    def coordinates(self) -> str:
        """The form that Maven's command line takes."""
        return f"{self.group}:{self.name}:{self.version}:{self.kind}"


class Maven:
    """The `mvn` command."""

    def __init__(self, report: Report) -> None:
        command = shutil.which("mvn")
        if command is None:
            raise InputError(
                "The server is assembled from Maven Central, and `mvn` is not on PATH. "
                "Install Apache Maven (`apt install maven`, `brew install maven`) and try again."
            )
        self._command = command
        self._report = report

    def copy_jars(self, sets: Mapping[str, Sequence[Artifact]], scratch: Path) -> dict[str, list[Path]]:
        """Fetch each named set of artifacts with all that it needs at run time, below the empty folder `scratch`."""
        (scratch / "pom.xml").write_text(_pom("all", (), modules=list(sets)), encoding="utf-8")
        for name, artifacts in sets.items():
            (scratch / name).mkdir()
            (scratch / name / "pom.xml").write_text(_pom(name, artifacts), encoding="utf-8")
        self._run([f"{_PLUGIN}:copy-dependencies", "-DincludeScope=runtime"], scratch)
        return {name: sorted((scratch / name / "target" / "dependency").glob("*.jar")) for name in sets}

    def optional_dependencies(self, artifact: Artifact, scratch: Path) -> list[Artifact]:
        """Return the optional dependencies that the artifact's own pom names. Maven leaves them out of what it resolves."""
        pom = replace(artifact, kind="pom")
        self._run([f"{_PLUGIN}:copy", f"-Dartifact={pom.coordinates}", f"-DoutputDirectory={scratch}"], scratch)
        dependencies = ET.parse(scratch / pom.path.name).iter(f"{_NAMESPACE}dependency")  # noqa: S314 - the user's repository
        fields = [{field.tag.removeprefix(_NAMESPACE): field.text or "" for field in dependency} for dependency in dependencies]
        return [Artifact(each["groupId"], each["artifactId"], each["version"]) for each in fields if each.get("optional") == "true"]

    def fetch(self, artifact: Artifact, scratch: Path) -> Path:
        """Fetch one file, without what it depends on, into a repository of its own below `scratch`.

        So nothing big stays behind in the user's repository once `scratch` is deleted.
        """
        repository = scratch / "repository"
        arguments = [
            f"{_PLUGIN}:get",
            f"-Dartifact={artifact.coordinates}",
            "-Dtransitive=false",
            f"-Dmaven.repo.local={repository}",
        ]
        self._run(arguments, scratch)
        return repository / artifact.path

    def _run(self, arguments: Sequence[str], folder: Path) -> None:
        log = folder / "mvn.log"
        with (
            log.open("wb") as output,
            subprocess.Popen(  # noqa: S603 - the user's Maven
                [self._command, "--batch-mode", "--no-transfer-progress", *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            try:
                self._wait(process, folder)
            except BaseException:  # an interrupt too must not leave Maven behind
                process.kill()
                raise
        if process.returncode:
            raise NodeError(f"Maven could not fetch the server. {_complaint(log)}")

    def _wait(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        for turn in count(1):
            try:
                process.wait(_SECONDS_BETWEEN_REPORTS)
            except subprocess.TimeoutExpired:
                megabytes = _size(folder) // 1_000_000
                fetched = f", {megabytes} MB fetched" if megabytes else ""
                self._report(f"Maven: {turn * _SECONDS_BETWEEN_REPORTS} s{fetched}")
            else:
                return


def _pom(name: str, artifacts: Sequence[Artifact], modules: Sequence[str] = ()) -> str:
    dependencies = "".join(
        f"<dependency><groupId>{escape(artifact.group)}</groupId><artifactId>{escape(artifact.name)}</artifactId>"
        f"<version>{escape(artifact.version)}</version><type>{escape(artifact.kind)}</type></dependency>"
        for artifact in artifacts
    )
    listed = "".join(f"<module>{escape(module)}</module>" for module in modules)
    return _POM.format(name=name, modules=listed, dependencies=dependencies)


def _complaint(log: Path) -> str:
    """Return the part of Maven's output that says what went wrong."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("[ERROR]") and line.strip() != "[ERROR]"]
    return " ".join((errors or lines)[:_SHOWN_LINES])


def _size(folder: Path) -> int:
    """Sum the sizes of all files below; one may vanish while this counts, since Maven renames what it has fetched."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
