"""The cache folder of assembled servers, each of which is assembled once and as a whole; and the lock that sees to that."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import site_cache_path, user_cache_path

from integration.errors import InputError
from integration.sandbox.local.account import Account

Report = Callable[[str], None]
"""Takes one line that says what is being done; the caller decides where it is shown."""
_PROJECT = "ollama-detect"


def cache_folder(account: Account) -> Path:
    """Return `$DETECT_CACHE_DIR`, else the user's cache folder for this project.

    A node that root starts runs as another user, who cannot read root's home: then it is the system's cache folder.
    """
    if chosen := os.environ.get("DETECT_CACHE_DIR"):
        return Path(chosen).absolute()
    if account.uid is not None:
        return site_cache_path(_PROJECT)
    try:
        return user_cache_path(_PROJECT).absolute()
    except RuntimeError as error:
        raise InputError("This user has no home folder for the cache. Set DETECT_CACHE_DIR.") from error


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of assembled servers."""

    folder: Path

    @classmethod
    def open(cls, account: Account) -> Cache:
        """Create the cache folder unless it exists, and check that `account` can read it.

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
        """Return the folder `name`; if it does not exist, `build` fills an empty folder that is then renamed.

        A folder under its final name is always complete, and two processes never build the same one.
        """
        final = self.folder / name
        if final.is_dir():
            return final
        with locked(self.folder / f"{name}.lock", report):
            if final.is_dir():
                return final
            for leftover in self.folder.glob(f".{name}-*"):  # by a process that was killed
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=f".{name}-") as scratch:
                made = Path(scratch) / name
                made.mkdir()
                build(made)
                let_all_read(made)
                made.rename(final)
        return final

    def written_by(self, account: Account) -> Path:
        """Return a folder in which `account` may keep files of its own."""
        folder = self.folder / "kept"
        if not folder.is_dir():
            make_reachable(folder)
            account.give(folder)
        return folder


@contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock on the file `path`, after whoever holds it now; it ends with the process that holds it."""
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        report(f"Waiting for another process that works on {path.stem}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def make_reachable(folder: Path) -> None:
    """Create a folder and its missing parents so that the node's user can read them, whatever our umask is."""
    if not folder.is_dir():
        make_reachable(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def let_all_read(folder: Path) -> None:
    """Let every user read the files in a folder, whatever our umask is."""
    for parent, _, files in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in files:
            path = Path(parent) / name
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
