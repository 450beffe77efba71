"""Statistics and findings of any number in bounded memory: they lie in temporary SQLite databases, which spill to disk.

A temporary database has no name, and SQLite deletes it when it is closed. What does not fit in its cache lies where SQLite puts
temporary files: in `SQLITE_TMPDIR` or `TMPDIR`, else in `/var/tmp` or `/tmp`.

Texts are stored as blobs of UTF-8, which sort by bytes as the texts do by code points. Half a surrogate pair is encoded too.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

from integration.detection.ladder import ColumnCondition
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.findings import values
from integration.findings.finding import Finding, Statistics
from integration.findings.values import Values, bounded_values

BUFFER_BYTES = 16 << 20
"""About the most memory that statistics take before they are written to the database."""

_CACHE_KIB = 32 << 10
_GROUP_BYTES = 700  # of a group in the buffer without its values
_VALUE_BYTES = 150  # of a value in the buffer besides its characters
_STATISTICS = """
CREATE TABLE "group" (
    id INTEGER PRIMARY KEY, start INTEGER, "end" INTEGER, run_at INTEGER, host BLOB, events INTEGER, first INTEGER, last INTEGER,
    UNIQUE (start, host)
);
CREATE TABLE label ("group" INTEGER, label TEXT, events INTEGER, PRIMARY KEY ("group", label)) WITHOUT ROWID;
CREATE TABLE value ("group" INTEGER, column TEXT, value BLOB, PRIMARY KEY ("group", column, value)) WITHOUT ROWID;
"""
_ADD_GROUP = """
INSERT INTO "group" (start, "end", run_at, host, events, first, last) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    events = events + excluded.events, first = min(first, excluded.first), last = max(last, excluded.last)
"""
_ADD_VALUE = """
INSERT OR IGNORE INTO value SELECT id, ?, ? FROM "group" WHERE start = ? AND host = ?
"""
_ADD_LABEL = """
INSERT INTO label SELECT id, ?, ? FROM "group" WHERE start = ? AND host = ?
ON CONFLICT DO UPDATE SET events = events + excluded.events
"""
_FINDINGS = """
CREATE TABLE finding (start INTEGER, host BLOB, rule TEXT, record TEXT, PRIMARY KEY (start, host, rule)) WITHOUT ROWID;
"""


class _Group:
    """What the buffer holds of one host in one window."""

    __slots__ = ("events", "first", "labels", "last", "values")

    def __init__(self, time: int) -> None:
        self.events = 0
        self.first = self.last = time
        self.labels: Counter[str] = Counter()
        self.values: set[tuple[str, str]] = set()


class StatisticsStore:
    """The statistics of SPL 8 of every host and window of one rule. Close it.

    Events come in any order. They are summed up in a small buffer first, since most events repeat values of those before.
    """

    def __init__(self, rule: Rule) -> None:
        self._columns = rule.field_lists
        self._conditions = rule.list_conditions
        self._buffer: dict[tuple[Window, str], _Group] = {}
        self._buffered = 0
        self._database = temporary_database(_STATISTICS)

    def add(self, window: Window, host: str, time: int, label: str, listed: Iterable[tuple[str, str]]) -> None:
        """Count an event of a host, with its class and its values by column; `time` is in epoch milliseconds."""
        if self._buffered > BUFFER_BYTES:
            self._flush()
        group = self._buffer.get((window, host))
        if group is None:
            group = self._buffer[window, host] = _Group(time)
            self._buffered += _GROUP_BYTES
        group.events += 1
        group.labels[label] += 1
        group.first = min(group.first, time)
        group.last = max(group.last, time)
        for pair in listed:
            if pair not in group.values:
                group.values.add(pair)
                self._buffered += _VALUE_BYTES + len(pair[1])

    def statistics(self) -> Iterator[tuple[Window, str, Statistics]]:
        """Yield the statistics of every host by window, then by host in code-point order; no event may be added meanwhile."""
        self._flush()
        for group, start, end, run_at, host, events, first, last in self._database.execute(
            'SELECT * FROM "group" ORDER BY start, host'
        ):
            lists = {column: self._values(group, column) for column in self._columns}
            holding = frozenset(condition for condition in self._conditions if self._holds(group, condition))
            labels = dict(self._database.execute('SELECT label, events FROM label WHERE "group" = ?', (group,)))
            yield Window(start, end, run_at), text_of(host), Statistics(events, first, last, lists, labels, holding)

    def close(self) -> None:
        """Delete the database."""
        self._database.close()

    def _flush(self) -> None:
        """Write the buffer to the database and empty it."""
        groups = [(window, blob_of(host), group) for (window, host), group in self._buffer.items()]
        self._database.executemany(
            _ADD_GROUP,
            ((w.start, w.end, w.run_at, host, group.events, group.first, group.last) for w, host, group in groups),
        )
        self._database.executemany(
            _ADD_LABEL,
            ((label, count, w.start, host) for w, host, group in groups for label, count in group.labels.items()),
        )
        self._database.executemany(
            _ADD_VALUE,
            ((column, blob_of(value), w.start, host) for w, host, group in groups for column, value in group.values),
        )
        self._buffer.clear()
        self._buffered = 0

    def _values(self, group: int, column: str) -> Values:
        """Return the list of a column: distinct values are counted in the database, shown ones are read from it."""
        where = 'FROM value WHERE "group" = ? AND column = ?'
        (distinct,) = self._database.execute(f"SELECT count(*) {where}", (group, column)).fetchone()
        rows = self._database.execute(f"SELECT value {where} ORDER BY value LIMIT {values.MAX_VALUES}", (group, column))
        return bounded_values((text_of(value) for (value,) in rows), distinct)

    def _holds(self, group: int, condition: ColumnCondition) -> bool:
        """Return whether any value of the condition's list holds its text, a value beyond the shown ones too."""
        query = 'SELECT 1 FROM value WHERE "group" = ? AND column = ? AND instr(value, ?)'
        found = self._database.execute(f"{query} LIMIT 1", (group, condition.column, blob_of(str(condition.contains))))
        return found.fetchone() is not None


class FindingStore:
    """Findings by window, host and rule, each once: the first that was added under an id stays. Close it.

    They may be iterated as often as needed, but none may be added meanwhile.
    """

    def __init__(self) -> None:
        self._database = temporary_database(_FINDINGS)
        self._rules: dict[str, Rule] = {}

    def __len__(self) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM finding").fetchone()
        return int(count)

    def __iter__(self) -> Iterator[Finding]:
        for rule, record in self._database.execute("SELECT rule, record FROM finding ORDER BY start, host, rule"):
            yield Finding.from_json(json.loads(record), self._rules[rule])

    def add_all(self, findings: Iterable[Finding]) -> None:
        """Add findings; one whose id is there already changes nothing."""
        self._database.executemany("INSERT OR IGNORE INTO finding VALUES (?, ?, ?, ?)", map(self._row, findings))

    def _row(self, finding: Finding) -> tuple[int, bytes, str, str]:
        self._rules[finding.rule_id] = finding.rule
        return finding.window_start, blob_of(finding.host), finding.rule_id, json.dumps(finding.to_json())

    def close(self) -> None:
        """Delete the database."""
        self._database.close()


@contextmanager
def stored_findings(findings: Iterable[Finding]) -> Iterator[FindingStore]:
    """Read all `findings`, which come in any order, and keep them sorted until the block ends."""
    with closing(FindingStore()) as store:
        store.add_all(findings)
        yield store


def temporary_database(tables: str) -> sqlite3.Connection:
    """Return a new database with these tables."""
    database = sqlite3.connect("", isolation_level=None)  # an empty name makes a temporary database
    database.executescript(f"PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; PRAGMA cache_size=-{_CACHE_KIB}; BEGIN; {tables}")
    return database


def blob_of(text: str) -> bytes:
    """Return a text as it is stored."""
    return text.encode(errors="surrogatepass")


def text_of(blob: bytes) -> str:
    """Return the text of what is stored."""
    return blob.decode(errors="surrogatepass")
