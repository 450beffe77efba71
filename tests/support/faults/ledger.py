"""What each fault did, counted on the cluster after it, and the table of all of them that ends the test run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

FAULT = "fault"
"""The property of a test under which an entry goes from the process that tried it to the one that reports."""

_COLUMNS = ("on", "fault", "command", "what the command said at last (exit code)", "sent", "lost", "twice")


@dataclass(frozen=True)
class Count:
    """Things that should be on the cluster, those of them that are not, and those that are there too often."""

    sent: int
    lost: int
    twice: int
    what: str = "lines"

    def __add__(self, other: Count) -> Count:
        return Count(self.sent + other.sent, self.lost + other.lost, self.twice + other.twice, self.what)


@dataclass(frozen=True)
class Entry:
    """One fault that was tried."""

    on: str
    fault: str
    command: str
    said: str
    count: Count


def entries_of(reports: Sequence[pytest.TestReport]) -> Iterator[Entry]:
    """Return the entries of tests that have run, here or in another process."""
    for report in reports:
        for name, value in report.user_properties:
            if name == FAULT and isinstance(value, dict):
                yield Entry(**{**value, "count": Count(**value["count"])})


def table(entries: Sequence[Entry]) -> str:
    """Write the table, in a form that Markdown shows too."""
    rows = [_COLUMNS, *(_cells(entry) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    lost, twice = sum(entry.count.lost for entry in entries), sum(entry.count.twice for entry in entries)
    return "\n".join([*(f"| {line} |" for line in lines), f"{len(entries)} faults tried: {lost} documents lost, {twice} twice"])


def _cells(entry: Entry) -> tuple[str, ...]:
    count = entry.count
    said = entry.said.replace("|", "/")
    return entry.on, entry.fault, entry.command, said, f"{count.sent:,} {count.what}", f"{count.lost}", f"{count.twice}"
