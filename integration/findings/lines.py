"""The lines behind findings, for those who show a few of each."""

from __future__ import annotations

from heapq import heappush, heapreplace
from itertools import count
from typing import NamedTuple

from integration.findings.escaping import cut
from integration.findings.finding import Finding
from integration.findings.store import blob_of, temporary_database, text_of

BUFFER_BYTES = 16 << 20
"""About the most memory that lines take before they are written to the database."""

_LINE_BYTES = 300  # of a line in the buffer besides its characters
_TABLES = """
CREATE TABLE "group" (id INTEGER PRIMARY KEY, rule TEXT, start INTEGER, host BLOB, lines INTEGER, UNIQUE (rule, start, host));
CREATE TABLE line ("group" INTEGER, time INTEGER, number INTEGER, label TEXT, place BLOB, text BLOB);
CREATE INDEX by_time ON line ("group", time, number);
"""
_ADD_GROUP = (
    'INSERT INTO "group" (rule, start, host, lines) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET lines = lines + excluded.lines'
)
_THE_GROUP = 'SELECT id, lines FROM "group" WHERE rule = ? AND start = ? AND host = ?'
_FIRST = 'SELECT time, label, place, text FROM line WHERE "group" = ? ORDER BY time, number LIMIT ?'


class EvidenceLine(NamedTuple):
    """A line behind a finding: when (epoch milliseconds), its label, where it stands, and its redacted text."""

    time: int
    label: str
    place: str
    text: str

    def cut(self, most: int) -> EvidenceLine:
        """Return the line with at most so many characters."""
        return self._replace(text=cut(self.text, most))


class FirstLines(NamedTuple):
    """The first lines in time behind a finding, and how many more there are."""

    shown: tuple[EvidenceLine, ...]
    left_out: int


class _Group:
    """What the buffer holds of one finding: how many lines there were, and the first in time, the last of these in front."""

    __slots__ = ("first", "lines")

    def __init__(self) -> None:
        self.lines = 0
        self.first: list[tuple[int, int, EvidenceLine]] = []


class LineStore:
    """The first `most` lines of every finding of any number, `most_characters` of each, in a temporary database. Close it.

    Lines come in any order. Of each finding the first are held in a small buffer, which is written when it is full.
    """

    def __init__(self, most: int, most_characters: int) -> None:
        self._most = most
        self._most_characters = most_characters
        self._numbers = count()
        self._buffer: dict[tuple[str, int, str], _Group] = {}
        self._buffered = 0
        self._database = temporary_database(_TABLES)

    def add(self, rule_id: str, window_start: int, host: str, line: EvidenceLine) -> None:
        """Count a line, and keep it if it is among the first in time."""
        if self._buffered > BUFFER_BYTES:
            self._flush()
        group = self._buffer.setdefault((rule_id, window_start, host), _Group())
        group.lines += 1
        entry = (-line.time, -next(self._numbers), line.cut(self._most_characters))
        if len(group.first) < self._most:
            heappush(group.first, entry)
        elif entry[0] > group.first[0][0]:
            self._buffered -= _size(heapreplace(group.first, entry))
        else:
            return
        self._buffered += _size(entry)

    def of(self, finding: Finding) -> FirstLines:
        """Return the first lines behind a finding."""
        self._flush()
        key = (finding.rule_id, finding.window_start, blob_of(finding.host))
        found = self._database.execute(_THE_GROUP, key).fetchone()
        if found is None:
            return FirstLines((), 0)
        group, lines = found
        rows = self._database.execute(_FIRST, (group, self._most))
        shown = tuple(EvidenceLine(time, label, text_of(place), text_of(text)) for time, label, place, text in rows)
        return FirstLines(shown, lines - len(shown))

    def close(self) -> None:
        """Delete the database."""
        self._database.close()

    def _flush(self) -> None:
        """Write the buffer to the database and empty it."""
        for (rule, start, host), group in self._buffer.items():
            key = (rule, start, blob_of(host))
            self._database.execute(_ADD_GROUP, (*key, group.lines))
            row, _ = self._database.execute(_THE_GROUP, key).fetchone()
            rows = ((row, at.time, -number, at.label, blob_of(at.place), blob_of(at.text)) for _, number, at in group.first)
            self._database.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._buffer.clear()
        self._buffered = 0


def _size(entry: tuple[int, int, EvidenceLine]) -> int:
    return _LINE_BYTES + len(entry[2].text)
