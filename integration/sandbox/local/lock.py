"""One process at a time: a lock that ends with the process that holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Report = Callable[[str], None]
"""Takes one line that says what is being done; the caller decides where it is shown."""


@contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock on file `path`, waiting for whoever has it."""
    import fcntl  # absent on Windows, where the rest of the command must still be importable

    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"Waiting for another process that works on {path.stem}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
