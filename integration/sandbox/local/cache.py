"""The folder that keeps assembled servers, each made once and as a whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.lock import Report, locked


def cache_folder(account: Account) -> Path:
    """Give `$DETECT_CACHE_DIR`, else `$XDG_CACHE_HOME/ollama-detect` (by default `~/.cache/ollama-detect`).

    A node that root starts runs as another user, whom root's home is closed to: then it is `/var/cache/ollama-detect`.
    """
    if chosen := os.environ.get("DETECT_CACHE_DIR"):
        return Path(chosen).absolute()
    if account.uid is not None:
        return Path("/var/cache/ollama-detect")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "ollama-detect"


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of finished assemblies."""

    folder: Path

    @classmethod
    def open(cls, account: Account) -> Cache:
        """Make the cache folder if need be, and see that `account` can read it.

        Raises `InputError` when it cannot be made or read.
        """
        folder = cache_folder(account)
        try:
            make_reachable(folder)
        except OSError as error:
            raise InputError(f"Cannot make the cache folder {folder}: {error.strerror}. Set DETECT_CACHE_DIR.") from error
        if not account.can("-x", folder):
            raise InputError(
                f"The node's user cannot read the cache folder {folder}. Set DETECT_CACHE_DIR to a folder that all users may read."
            )
        return cls(folder)

    def assembled(self, name: str, build: Callable[[Path], None], report: Report) -> Path:
        """Give the folder `name`; if it is not there, let `build` fill an empty folder that then becomes it.

        A folder under its final name is always complete, and two processes never build the same one.
        """
        final = self.folder / name
        if final.is_dir():
            return final
        with locked(self.folder / f"{name}.lock", report):
            if final.is_dir():
                return final
            for leftover in self.folder.glob(f".{name}-*"):  # of a process that was killed
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=f".{name}-") as scratch:
                made = Path(scratch) / name
                made.mkdir()
                build(made)
                let_all_read(made)
                made.rename(final)
        return final


def make_reachable(folder: Path) -> None:
    """Make a folder and its missing parents so that the node's user can reach what is in them, whatever our umask."""
    if not folder.is_dir():
        make_reachable(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def let_all_read(folder: Path) -> None:
    """Undo a strict umask for all that is in a folder."""
    for parent, _, files in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in files:
            path = Path(parent) / name
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
