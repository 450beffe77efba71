"""Findings of any number in bounded memory: what is too much to hold waits in a temporary file; all come back in their order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from integration.findings.finding import Finding
from integration.findings.spill import temporary_database

MAX_FINDINGS = 10_000
"""The most findings in memory at a time."""
MAX_CHARACTERS = 32 << 20
"""About the most that their lists and messages may take together."""

_TABLE = "CREATE TABLE finding (start INTEGER, host BLOB, rule TEXT, record TEXT, PRIMARY KEY (start, host, rule))"


@contextmanager
def spooled(findings: Iterable[Finding]) -> Iterator[Spool]:
    """Take in all of `findings`, which may come in any order, and keep them until the block ends."""
    spool = Spool()
    try:
        for finding in findings:
            spool.add(finding)
        yield spool
    finally:
        spool.close()


class Spool:
    """Findings by window, host and rule, each once: the first that was added under an id stays.

    They may be gone through as often as one likes, but none may be added meanwhile.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[int, str, str], Finding] = {}
        self._characters = 0
        self._file: sqlite3.Connection | None = None

    def __len__(self) -> int:
        if self._file is None:
            return len(self._held)
        self._set_aside(self._file)
        (count,) = self._file.execute("SELECT count(*) FROM finding").fetchone()
        return int(count)

    def __iter__(self) -> Iterator[Finding]:
        if self._file is None:
            yield from (self._held[key] for key in sorted(self._held))
            return
        self._set_aside(self._file)
        for (record,) in self._file.execute("SELECT record FROM finding ORDER BY start, host, rule"):
            yield Finding.from_json(json.loads(record))

    def add(self, finding: Finding) -> None:
        """Take a finding; a later one of the same id changes nothing."""
        if self._held.setdefault(finding.sort_key, finding) is not finding:
            return
        self._characters += finding.characters
        if len(self._held) > MAX_FINDINGS or self._characters > MAX_CHARACTERS:
            if self._file is None:
                self._file = temporary_database(_TABLE)
            self._set_aside(self._file)

    def close(self) -> None:
        """Give back what is kept on disk."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _set_aside(self, file: sqlite3.Connection) -> None:
        """Write what is held to the file and forget it."""
        rows = (
            # UTF-8 sorts by bytes as its text does by code points; a host's text may hold what is no UTF-8.
            (start, host.encode(errors="surrogatepass"), rule, json.dumps(finding.to_json()))
            for (start, host, rule), finding in self._held.items()
        )
        file.executemany("INSERT OR IGNORE INTO finding VALUES (?, ?, ?, ?)", rows)
        self._held.clear()
        self._characters = 0
