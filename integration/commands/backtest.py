"""`detect backtest`: what rules would have found in the past, summed up, and judged in several ways at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.detection.severity import Severity
from integration.findings.filter import Filter, FilterTally
from integration.findings.finding import Finding, Statistics, build_finding
from integration.findings.severity_counts import SeverityCounts

Judged = Iterable[tuple[str, Window, str, Statistics]]
"""The id of a rule, a window, a host, and what SPL 8 says of it."""

MAX_CHARACTERS = 300
"""The most characters of a value that is counted: logs are written by attackers."""
_WEEK = timedelta(weeks=1)
_LEAST = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """From the beginning of the first window to the end of the last, in epoch milliseconds."""

    start: int
    end: int

    def a_week(self, findings: int) -> float | None:
        """Return how many findings there are in a week, None where less than a day cannot tell."""
        length = timedelta(milliseconds=self.end - self.start)
        return round(findings * (_WEEK / length), 1) if length >= _LEAST else None


class Sums:
    """Counts findings by severity, rule, day, hour of the day, host, and by each value of the rules' lists.

    A finding counts once for each value that its list shows. Days and hours are those at which windows begin, in `zone`. `hours`
    has the hours of each day (`2026-11-24T08`), `hours_of_hosts` the hours of the day of each host that is counted alone.
    """

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.severities: Counter[Severity] = Counter()
        self.by = {name: SeverityCounts() for name in ("rule", "day", "hour", "host")}
        self.values: dict[str, SeverityCounts] = {}
        self.hours = SeverityCounts()
        self.hours_of_hosts: dict[str, SeverityCounts] = {}
        self.zone = zone

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.severities[finding.severity] += 1
        begins = (_EPOCH + timedelta(milliseconds=finding.window_start)).astimezone(self.zone)
        day, hour = begins.isoformat()[:13].split("T")
        keys = {"rule": finding.rule_id, "day": day, "hour": hour, "host": finding.host}
        for name, key in keys.items():
            self.by[name].add(key, finding.severity)
        self.hours.add(f"{day}T{hour}", finding.severity)
        if finding.host in self.by["host"]:
            self.hours_of_hosts.setdefault(finding.host, SeverityCounts()).add(hour, finding.severity)
        for name in finding.rule.lists:
            counts = self.values.setdefault(name, SeverityCounts())
            for value in dict.fromkeys(value[:MAX_CHARACTERS] for value in finding.values(name)):
                counts.add(value, finding.severity)

    def counted(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings, each counted."""
        for finding in findings:
            self.add(finding)
            yield finding

    @property
    def beyond(self) -> dict[str, int]:
        """How many findings have a key that is not counted alone, by what they are counted by."""
        counted = {name: counts.beyond.total() for name, counts in (self.by | self.values).items()}
        return {name: count for name, count in counted.items() if count}


class Judge:
    """One way to come from statistics to findings: rules with their thresholds, and a filter. `sums` are of the findings that pass.

    `name` says which way it is, and `events` counts those that were selected, in a finding or not.
    """

    def __init__(self, name: str, rules: Sequence[Rule], post_filter: Filter, zone: tzinfo = UTC) -> None:
        self.name = name
        self.events = 0
        self.sums = Sums(zone)
        self.tally = FilterTally(post_filter)
        self._rules = {rule.id: rule for rule in rules}

    def finding(self, rule_id: str, window: Window, host: str, statistics: Statistics) -> Finding | None:
        """Return the finding, counted; None where there is none, or the filter takes it away."""
        self.events += statistics.events
        found = build_finding(self._rules[rule_id], host, window, statistics, self.sums.zone)
        if found is None or not self.tally.passes(found):
            return None
        self.sums.add(found)
        return found


def judged(statistics: Judged, judges: Sequence[Judge]) -> Iterator[Finding]:
    """Let every judge see the statistics, and yield the findings of the last one."""
    for each in statistics:
        *_, found = (judge.finding(*each) for judge in judges)
        if found is not None:
            yield found
