"""Which findings were told before: a small file that lets a command run again and again over the same logs and tell what is new."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from heapq import nlargest
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from integration.detection.severity import Severity
from integration.errors import InputError
from integration.findings.finding import Finding

_VERSION = 1
_MAX_FINDINGS = 50_000
_MAX_BYTES = 16 << 20
_LOCK_SECONDS = 60


class Told:
    """The findings that were told, by id with the start of their window and their severity; the newest are kept."""

    def __init__(self, findings: dict[str, tuple[int, Severity]]) -> None:
        self._findings = findings
        self.before = 0

    @classmethod
    @contextmanager
    def kept_in(cls, path: Path) -> Iterator[Self]:
        """Read the file, if it is there, and write it when the block ends without a fault: what could not be told is told again.

        Only one process at a time holds a file. `InputError` names the file when it cannot be used.
        """
        lock = FileLock(f"{path}.lock", timeout=_LOCK_SECONDS)
        with _usable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        try:
            with _usable(path):
                told = cls(_read(path))
            yield told
            with _usable(path):
                told._write(path)
        finally:
            lock.release()

    def new(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings that were not told yet, and those that are more severe by now; count the others in `before`."""
        for finding in findings:
            known = self._findings.get(finding.id)
            if known is not None and known[1] >= finding.severity:
                self.before += 1
                continue
            self._findings[finding.id] = (finding.window_start, finding.severity)
            yield finding

    def notes(self) -> Iterator[str]:
        """Yield how many findings were told before, if there were some."""
        if self.before:
            yield f"An earlier call with --new told of {self.before:,} more finding{'s' * (self.before != 1)}."

    def _write(self, path: Path) -> None:
        newest = nlargest(_MAX_FINDINGS, self._findings.items(), key=lambda item: item[1])
        record = {"version": _VERSION, "findings": {name: [start, str(level)] for name, (start, level) in newest}}
        # A file that is half written would forget everything.
        whole = path.with_name(f"{path.name}.new")
        whole.write_text(json.dumps(record), encoding="utf-8")
        os.replace(whole, path)  # noqa: PTH105 - the same, in the words of the operating system


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except Timeout as error:
        raise InputError(f"{path}: another command has been using it for {_LOCK_SECONDS} seconds") from error
    except OSError as error:
        raise InputError(f"{path}: what was told cannot be kept there ({error.strerror}); name another file by --state") from error


def _read(path: Path) -> dict[str, tuple[int, Severity]]:
    if not path.exists():
        return {}
    try:
        with path.open("rb") as file:
            record = json.loads(file.read(_MAX_BYTES))
        known = {_VERSION: record["findings"]}[record["version"]]
        return {str(name): (int(start), Severity.parse(level)) for name, (start, level) in known.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path}: does not hold what `detect scan --new` wrote; delete it, and every finding is new again"
        ) from error
