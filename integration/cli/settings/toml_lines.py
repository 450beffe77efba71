"""On which line of a TOML file a value stands, as well as its text shows: `tomllib` does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEYS = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_LINE = re.compile(rf"[ \t]*(?:\[\[[ \t]*(?P<array>{_KEYS})[ \t]*\]\]|\[[ \t]*(?P<table>{_KEYS})[ \t]*\]|(?P<key>{_KEYS})[ \t]*=)")
_PART = re.compile(_KEY)

Location = tuple[int | str, ...]


def line_of(text: str, location: Sequence[int | str]) -> int:
    """Return the 1-based line of the longest prefix of `location` that the file spells out; 1 when it spells out none."""
    lines: dict[Location, int] = {}
    for number, path in _paths(text):
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], number)
    found = (lines.get(tuple(location[:length])) for length in range(len(location), 0, -1))
    return next((line for line in found if line is not None), 1)


def _paths(text: str) -> Iterator[tuple[int, Location]]:
    """Yield each header and key with its line; elements of arrays of tables are numbered as pydantic numbers them."""
    counts: dict[Location, int] = {}
    table: Location = ()
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line)
        if match is None:
            continue
        parts = [part.strip("\"'") for part in _PART.findall(match[match.lastgroup or 0])]
        if match["key"] is not None:
            yield number, (*table, *parts)
            continue
        table = ()
        for part in parts:
            table = (*table, part)
            last = part is parts[-1]
            if match["array"] is not None and last:
                counts[table] = counts.get(table, -1) + 1
            if table in counts:
                table = (*table, counts[table])
        yield number, table
