"""One process at a time: a file lock that ends with the process that holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

Report = Callable[[str], None]
"""Takes one line that says what is being done; the caller decides where it is shown."""


@contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock on the file `path`, after whoever holds it now."""
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
