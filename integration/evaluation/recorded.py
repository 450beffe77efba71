"""Findings as places recorded them when the rules ran there: alerts and risk events, each with when its place ran the rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from integration.detection.columns import Kind
from integration.detection.risk import Token
from integration.detection.schedule import Window
from integration.evaluation.risk_events import with_bounded_message
from integration.findings.finding import Finding
from integration.findings.store import FindingStore

RISK_EVENT = "risk event"
OPENSEARCH_ALERT = "OpenSearch alert"
KIBANA_ALERT = "Kibana alert"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finding that a place recorded.

    `since` is when its alert began (epoch milliseconds): one that stays open tells of the last window alone.
    """

    place: str
    finding: Finding
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """The runs of a rule that a place is known to have made, from the one at `start` to that at `end` (epoch milliseconds)."""

    start: int
    end: int


class Records:
    """What the places recorded of one rule in [`start`, `end`), each finding of a place once. Close it.

    `running` says by place from when to when it is known to have run the rule.
    """

    def __init__(self, recorded: Iterable[Recorded], running: Mapping[str, Running], start: int, end: int) -> None:
        self._running = running
        self._stores: dict[str, FindingStore] = {}
        self._windows: set[tuple[str, int]] = set()
        # By place and host: the starts of the windows from that in which an alert began to that of which it tells.
        self._open: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        with ExitStack() as stack:
            stack.callback(self.close)
            for each in recorded:
                self._add(each, start, end)
            stack.pop_all()

    def _add(self, recorded: Recorded, start: int, end: int) -> None:
        place, finding = recorded.place, recorded.finding
        if start <= finding.window_start and finding.window_end <= end:
            self._stores.setdefault(place, FindingStore()).add_all([finding])
            self._windows.add((place, finding.window_start))
        if recorded.since is not None:
            began = finding.rule.windows.last_run(recorded.since).start
            if began < finding.window_start:
                self._open[place, finding.host].append((began, finding.window_start))

    def __len__(self) -> int:
        return sum(map(len, self._stores.values()))

    @property
    def places(self) -> tuple[str, ...]:
        """The places that recorded anything here, or are known to have run the rule."""
        return tuple(sorted({*self._stores, *self._running}))

    def findings(self, place: str) -> Iterator[Finding]:
        """Yield what a place recorded by window, then host."""
        return iter(self._stores.get(place, ()))

    def lacking(self, host: str, window: Window) -> tuple[str, ...]:
        """Return the places that ran the rule over a window, and would hold a finding of a host there had they found one."""
        return tuple(place for place in self.places if self._ran(place, window) and not self._goes_on(place, host, window))

    def _ran(self, place: str, window: Window) -> bool:
        running = self._running.get(place)
        return (place, window.start) in self._windows or (running is not None and running.start <= window.run_at <= running.end)

    def _goes_on(self, place: str, host: str, window: Window) -> bool:
        """Whether an alert of the host was open then and tells of a later window by now."""
        return any(began <= window.start < told_of for began, told_of in self._open.get((place, host), ()))

    def close(self) -> None:
        """Delete what is kept on disk."""
        for store in self._stores.values():
            store.close()


def recorded_otherwise(finding: Finding, recorded: Finding) -> Iterator[str]:
    """Yield the columns in which what was recorded of a finding differs from it, as far as the record carries them.

    A record may show a part of a list and say how many values are beyond; of such a list its values must be among the finding's.
    """
    here, there = (with_bounded_message(each).to_json() for each in (finding, recorded))
    beyond, in_part = dict(finding.truncated), dict(recorded.truncated)
    not_told = {"truncated"}
    if beyond != in_part:
        not_told |= {"spl_row_count", "risk_message"}
    tokens = {part.name for part in finding.rule.risk.message_parts if isinstance(part, Token)}
    if any(finding.rule.columns[name].kind is Kind.FLOORED for name in tokens & finding.rule.columns.keys()):
        not_told.add("risk_message")  # its times are in the zone of whoever recorded it
    for name in here:
        if name in not_told:
            continue
        if name in beyond or name in in_part:
            if name not in beyond and not set(there[name]) <= set(here[name]):
                yield name
        elif here[name] != there[name]:
            yield name
