"""The sums of `detect backtest` as tables, with two ways to judge side by side, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from integration.cli.output import note, print_json, print_table
from integration.commands.backtest import Judge, Span
from integration.commands.suggestions import Suggestion
from integration.detection.severity import Severity
from integration.findings.severity_counts import MAX_KEYS
from integration.times import rfc3339

_MAX_VALUE = 120
_MAX_MESSAGE = 160
_IN_ORDER = ("day", "hour")
Counts = Mapping[str, Counter[Severity]]


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
        record: dict[str, Any] = {"windows": self.windows} | _span_json(self.span)
        record["events"] = {"read": self.read, "selected": self.judges[0].events}
        record["results"] = [self._result(judge) for judge in self.judges]
        if self.suggestions is not None:
            record["suggestions"] = [_suggestion_json(each) for each in self.suggestions]
        print_json(record)

    def print_tables(self) -> None:
        """Write a table for each thing that findings are counted by, the suggestions, and among how many events they are."""
        self._print_severities()
        if any(judge.sums.severities for judge in self.judges):
            for name, counts in self._counted():
                self._print_counts(name, counts)
        if self.suggestions is not None:
            _print_suggestions(self.suggestions)
        note(f"From {self.judges[0].events:,} selected of {self.read:,} events.")
        for judge in self.judges:
            for name, count in judge.sums.beyond.items():
                note(f"{name}: {count:,} more findings of others than the first {MAX_KEYS:,} ({judge.name}).")

    def _result(self, judge: Judge) -> dict[str, Any]:
        sums = judge.sums
        found = sums.severities.total()
        record: dict[str, Any] = {"settings": judge.name, "findings": found, "findings_per_week": self._a_week(judge)}
        record |= {"severities": _severities_json(sums.severities), "taken_away": judge.tally.taken}
        record |= {f"by_{name}": self._rows(name, counts) for name, counts in sums.by.items()}
        record["values"] = {name: self._rows(name, counts, "value") for name, counts in sums.values.items()}
        return record | {"beyond": dict(sums.beyond)}

    def _a_week(self, judge: Judge) -> float | None:
        return None if self.span is None else self.span.a_week(judge.sums.severities.total())

    def _rows(self, name: str, counts: Counts, key_name: str | None = None) -> list[dict[str, Any]]:
        return [
            {key_name or name: key, "findings": counts[key].total(), "severities": _severities_json(counts[key])}
            for key in self._keys(name, counts)
        ]

    def _keys(self, name: str, counts: Counts) -> list[str]:
        """Return the keys to show: days and hours all and in order, of others those with the most findings."""
        if name in _IN_ORDER:
            return sorted(counts)
        return sorted(counts, key=lambda key: (-counts[key].total(), -max(counts[key]), key))[: self.top]

    def _counted(self) -> Iterator[tuple[str, list[Counts]]]:
        """Yield each thing that findings are counted by, with the counts of each judge."""
        sums = [judge.sums for judge in self.judges]
        for name in sums[0].by:
            yield name, [each.by[name] for each in sums]
        for name in dict.fromkeys(name for each in sums for name in each.values):
            yield name, [each.values.get(name, {}) for each in sums]

    def _print_severities(self) -> None:
        levels = sorted({level for judge in self.judges for level in judge.sums.severities}, reverse=True)
        severities = [judge.sums.severities for judge in self.judges]
        rows = [[str(level), *(f"{each[level]:,}" for each in severities)] for level in levels]
        rows.append(["all", *(f"{each.total():,}" for each in severities)])
        if None not in (rates := [self._a_week(judge) for judge in self.judges]):
            rows.append(["a week", *(f"{rate:,}" for rate in rates)])
        print_table(["severity", *self._headers()], rows)

    def _headers(self) -> list[str]:
        return ["findings"] if len(self.judges) == 1 else [judge.name for judge in self.judges]

    def _print_counts(self, name: str, counts: Sequence[Counts]) -> None:
        keys = self._keys(name, counts[0]) or self._keys(name, counts[-1])
        if not keys or (name == "rule" and len(keys) == 1):
            return
        columns = [name, *self._headers()]
        levels = sorted(self.judges[0].sums.severities, reverse=True) if len(counts) == 1 else []
        rows = [
            [
                _cut(key, _MAX_VALUE),
                *(f"{each.get(key, Counter()).total():,}" for each in counts),
                *(f"{counts[0][key][level]:,}" if counts[0][key][level] else "" for level in levels),
            ]
            for key in keys
        ]
        print_table([*columns, *map(str, levels)], rows, of_logs=[name])


def _print_suggestions(suggestions: Sequence[Suggestion]) -> None:
    rows: list[list[str | Text]] = []
    for each in suggestions:
        hidden = ", ".join(f"{each.hides[level]:,} {level}" for level in sorted(each.hides, reverse=True))
        rows.append([Text(each.toml), f"{each.hides.total():,}: {hidden}", _worst(each)])
    if rows:
        print_table(["entry of detect.toml", "hides", "the worst of them"], rows, lines=True, of_logs=["entry of detect.toml"])
    else:
        note("No entry to suggest: there is no finding.")


def _worst(suggestion: Suggestion) -> str:
    worst = suggestion.worst
    if worst is None:
        return ""
    begins = rfc3339(worst.window_start, millis=False)
    return f"{worst.id[:12]} {worst.severity} {begins} {_cut(worst.host, _MAX_VALUE)}: {_cut(worst.risk_message, _MAX_MESSAGE)}"


def _suggestion_json(suggestion: Suggestion) -> dict[str, Any]:
    record = {"entry": suggestion.stated, "toml": suggestion.toml, "hides": suggestion.hides.total()}
    record |= {"severities": _severities_json(suggestion.hides)}
    worst = suggestion.worst
    return record | {"worst": worst and {"id": worst.id, **worst.to_json()}}


def _span_json(span: Span | None) -> dict[str, str | None]:
    times = (None, None) if span is None else (rfc3339(span.start, millis=False), rfc3339(span.end, millis=False))
    return dict(zip(("from", "to"), times, strict=True))


def _severities_json(counts: Counter[Severity]) -> dict[str, int]:
    return {str(level): counts[level] for level in sorted(counts, reverse=True)}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
