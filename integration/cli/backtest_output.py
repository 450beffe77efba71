"""What `detect backtest` found, as tables and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from rich.text import Text

from integration.cli.output import escaped, note, print_json
from integration.cli.sums_tables import Counts, ShownTable, SumsTables
from integration.cli.tables import print_table
from integration.commands.backtest import Judge, Span
from integration.commands.suggestions import Suggestion
from integration.detection.severity import Severity
from integration.findings.escaping import cut
from integration.findings.severity_counts import in_words
from integration.times import rfc3339

_MAX_HOST = 120
_MAX_MESSAGE = 160
_ENTRY = "entry of detect.toml"
_COMMENT = 80


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
