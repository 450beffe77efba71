"""What `detect backtest` found, as tables and as JSON: findings by severity, rule, day, hour, host and value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any, NamedTuple

from rich.text import Text

from integration.cli.output import escaped, note, print_json
from integration.cli.tables import print_table
from integration.commands.backtest import Judge, Span, Sums
from integration.commands.suggestions import Suggestion
from integration.detection.severity import Severity
from integration.findings.escaping import cut
from integration.findings.severity_counts import MAX_KEYS, in_words, top_keys
from integration.times import rfc3339

_MAX_HOST = 120
_MAX_MESSAGE = 160
_ENTRY = "entry of detect.toml"
_COMMENT = 80

_MAX_VALUE = 120
_IN_ORDER = ("day", "hour")
Counts = Mapping[str, Counter[Severity]]


class ShownTable(NamedTuple):
    """A table: its columns, its rows, and which columns hold texts of logs."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | Text]]
    of_logs: Sequence[str] = ()


@dataclass(frozen=True)
class SumsTables:
    """The sums of each way to judge, by its name, in a span; of hosts and values the `top` ones are shown."""

    sums: Sequence[tuple[str, Sums]]
    span: Span | None
    top: int

    def __iter__(self) -> Iterator[ShownTable]:
        """Yield the table of severities, and one for each thing that findings are counted by."""
        yield self._severities()
        if any(sums.severities for _, sums in self.sums):
            for name, counts in self._counted():
                if (table := self._table(name, counts)) is not None:
                    yield table

    def notes(self) -> Iterator[str]:
        """Yield what the tables leave out."""
        for judge, sums in self.sums:
            for name, count in sums.beyond.items():
                yield f"{name}: {count:,} more findings of others than the first {MAX_KEYS:,} ({judge})."

    def a_week(self, sums: Sums) -> float | None:
        """Return how many findings there are in a week, None where the span cannot tell."""
        return None if self.span is None else self.span.a_week(sums.severities.total())

    def keys(self, name: str, counts: Counts) -> list[str]:
        """Return the keys to show: days and hours all and in order, of others those with the most findings."""
        return sorted(counts) if name in _IN_ORDER else top_keys(counts, self.top)

    def _counted(self) -> Iterator[tuple[str, list[Counts]]]:
        """Yield each thing that findings are counted by, with the counts of each judge."""
        sums = [each for _, each in self.sums]
        for name in sums[0].by:
            yield name, [each.by[name] for each in sums]
        for name in dict.fromkeys(name for each in sums for name in each.values):
            yield name, [each.values.get(name, {}) for each in sums]

    def _severities(self) -> ShownTable:
        severities = [sums.severities for _, sums in self.sums]
        levels = sorted({level for each in severities for level in each}, reverse=True)
        rows = [[str(level), *(f"{each[level]:,}" for each in severities)] for level in levels]
        rows.append(["all", *(f"{each.total():,}" for each in severities)])
        if None not in (rates := [self.a_week(sums) for _, sums in self.sums]):
            rows.append(["a week", *(f"{rate:,}" for rate in rates)])
        return ShownTable(["severity", *self._headers()], rows)

    def _headers(self) -> list[str]:
        return ["findings"] if len(self.sums) == 1 else [name for name, _ in self.sums]

    def _table(self, name: str, counts: Sequence[Counts]) -> ShownTable | None:
        keys = self.keys(name, counts[0]) or self.keys(name, counts[-1])
        if not keys or (name == "rule" and len(keys) == 1):
            return None
        levels = sorted(self.sums[0][1].severities, reverse=True) if len(counts) == 1 else []
        rows = [
            [
                cut(key, _MAX_VALUE),
                *(f"{each.get(key, Counter()).total():,}" for each in counts),
                *(f"{counts[0][key][level]:,}" if counts[0][key][level] else "" for level in levels),
            ]
            for key in keys
        ]
        zone = str(self.sums[0][1].zone)
        header = f"{name} ({zone})" if name in _IN_ORDER and zone != "UTC" else name
        return ShownTable([header, *self._headers(), *map(str, levels)], rows, of_logs=[header])


@dataclass(frozen=True)
class Answer:
    """What a backtest found in a span, and how many events it read; of hosts and values the `top` ones are shown."""

    windows: int
    span: Span | None
    read: int
    judges: Sequence[Judge]
    suggestions: Sequence[Suggestion] | None
    top: int

    def print_json(self) -> None:
        """Write one JSON document."""
        record: dict[str, Any] = {"windows": self.windows, "from": None, "to": None}
        if self.span is not None:
            record |= {"from": rfc3339(self.span.start, millis=False), "to": rfc3339(self.span.end, millis=False)}
        record["events"] = {"read": self.read, "selected": self.judges[0].events}
        record["results"] = [self._result(judge) for judge in self.judges]
        if self.suggestions is not None:
            record["suggestions"] = list(map(_suggestion_json, self.suggestions))
        print_json(record)

    def print_tables(self) -> None:
        """Write a table for each thing that findings are counted by, the suggestions, and among how many events they are."""
        for table in self.tables:
            print_table(*table[:2], of_logs=table.of_logs)
        for each in self.suggestions or ():
            told = f"hides {_hidden(each)}; the worst: {escaped(_worst(each))}"
            print("\n" + fill(told, _COMMENT, initial_indent="# ", subsequent_indent="#   "))  # noqa: T201
            print(each.toml)  # noqa: T201
        for line in self.notes():
            note(line)

    def suggestion_tables(self) -> Iterator[ShownTable]:
        """Yield a table of the suggestions where there are any."""
        rows: list[list[str | Text]] = [[Text(each.toml), _hidden(each), _worst(each)] for each in self.suggestions or ()]
        if rows:
            yield ShownTable([_ENTRY, "hides", "the worst of them"], rows, of_logs=[_ENTRY])

    def notes(self) -> Iterator[str]:
        """Yield among how many events the findings are, and what the tables leave out."""
        if self.suggestions is not None and not self.suggestions:
            yield "No entry to suggest: there is no finding."
        yield f"From {self.judges[0].events:,} selected of {self.read:,} events."
        yield from self.tables.notes()

    @property
    def tables(self) -> SumsTables:
        """The tables of what findings are counted by."""
        return SumsTables([(judge.name, judge.sums) for judge in self.judges], self.span, self.top)

    def _result(self, judge: Judge) -> dict[str, Any]:
        sums = judge.sums
        found = sums.severities.total()
        record: dict[str, Any] = {"settings": judge.name, "findings": found, "findings_per_week": self.tables.a_week(sums)}
        record |= {"severities": _severities_json(sums.severities), "taken_away": judge.tally.taken}
        record |= {f"by_{name}": self._rows(name, counts) for name, counts in sums.by.items()}
        record["values"] = {name: self._rows(name, counts, "value") for name, counts in sums.values.items()}
        return record | {"beyond": dict(sums.beyond)}

    def _rows(self, name: str, counts: Counts, key_name: str | None = None) -> list[dict[str, Any]]:
        return [
            {key_name or name: key, "findings": counts[key].total(), "severities": _severities_json(counts[key])}
            for key in self.tables.keys(name, counts)
        ]


def _hidden(suggestion: Suggestion) -> str:
    return f"{suggestion.hides.total():,}: {in_words(suggestion.hides)}"


def _worst(suggestion: Suggestion) -> str:
    worst = suggestion.worst
    if worst is None:
        return ""
    begins = rfc3339(worst.window_start, millis=False)
    return f"{worst.id[:12]} {worst.severity} {begins} {cut(worst.host, _MAX_HOST)}: {cut(worst.risk_message, _MAX_MESSAGE)}"


def _suggestion_json(suggestion: Suggestion) -> dict[str, Any]:
    record = {"entry": suggestion.stated, "toml": suggestion.toml, "hides": suggestion.hides.total()}
    record |= {"severities": _severities_json(suggestion.hides)}
    worst = suggestion.worst
    return record | {"worst": worst and {"id": worst.id, **worst.to_json()}}


def _severities_json(counts: Counter[Severity]) -> dict[str, int]:
    return {str(level): counts[level] for level in sorted(counts, reverse=True)}
