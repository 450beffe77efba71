"""Findings of the reference, of the cluster and of the places that recorded some, held against each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import groupby, repeat, zip_longest
from typing import Any

from integration.evaluation.recorded import Records, recorded_otherwise
from integration.findings.filter import NO_FILTER, Filter
from integration.findings.finding import Finding

MAX_ROWS = 1_000
"""Rows of SPL 14 compared a finding; equal lists make equal rows, so this bounds work, not trust."""
MAX_DIFFERENCES = 1_000
"""The most differences that are kept; all are counted."""
MAX_CHARACTERS = 16 << 20
"""About the most text that findings may hold whose differences are kept."""
REFERENCE, CLUSTER = "reference", "cluster"
ABSENT, PRESENT = "absent", "present"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the sides say differently of one rule, host and window.

    `field` is `finding` where a side has none at all; of `spl_rows`, the first rows that differ are given. `recorded` holds
    what was recorded, by place, of the places that differ.
    """

    rule_id: str
    host: str
    window_start: int
    field: str
    reference: Any
    cluster: Any
    recorded: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many findings any side has, the first differences between them, and how many more there are.

    `outlived` counts recorded findings whose events were deleted since, so that nothing is there to compare them with.
    """

    findings: int
    differences: tuple[Difference, ...]
    left_out: int
    outlived: int = 0

    @property
    def agrees(self) -> bool:
        """Whether all sides say the same."""
        return not self.differences


class _Sides:
    """What each side has of one host in one window, and passes the user's filter.

    Of what was recorded, the filter judges by what is there now: an alert shows fewer values than its rule saw.
    """

    def __init__(self, place: tuple[int, str, str], found: Mapping[str, Finding], post_filter: Filter) -> None:
        self.window_start, self.host, self.rule_id = place
        computed = {side: finding for side, finding in found.items() if side in (REFERENCE, CLUSTER)}
        passing = {side: finding for side, finding in computed.items() if post_filter.passes(finding)}
        self.reference, self.cluster = passing.get(REFERENCE), passing.get(CLUSTER)
        self.recorded = {
            side: finding
            for side, finding in found.items()
            if side not in computed and (passing or (not computed and post_filter.may_pass(finding)))
        }
        self.characters = sum(finding.characters for finding in found.values())

    @property
    def computed(self) -> Finding | None:
        """What is there now, by the reference where it has any."""
        return self.reference or self.cluster

    @property
    def is_empty(self) -> bool:
        """Whether the filter takes everything away."""
        return self.computed is None and not self.recorded

    def differences(self, records: Records | None) -> Iterator[Difference]:
        """Yield each column that a side says otherwise, and whole findings that a side lacks."""
        fields: dict[str, tuple[Any, Any]] = dict(_between(self.reference, self.cluster))
        recorded: dict[str, dict[str, Any]] = {}
        for side, finding in self._recorded_otherwise(records):
            if self.computed is None or finding is None:
                recorded.setdefault("finding", {})[side] = _presence(finding)
            else:
                record = finding.to_json()
                for name in recorded_otherwise(self.computed, finding):
                    recorded.setdefault(name, {})[side] = record.get(name)
        for name in fields | recorded:
            values = fields.get(name) or self._shown(name)
            yield Difference(self.rule_id, self.host, self.window_start, name, *values, recorded.get(name, {}))

    def _recorded_otherwise(self, records: Records | None) -> Iterator[tuple[str, Finding | None]]:
        """Yield what the places recorded, None for those that lack a finding which none of them recorded."""
        yield from self.recorded.items()
        if self.computed is not None and not self.recorded and records is not None:
            window = self.computed.rule.windows.window_of(self.window_start)
            yield from ((place, None) for place in records.lacking(self.host, window))

    def _shown(self, name: str) -> tuple[Any, Any]:
        if name == "finding":
            return _presence(self.reference), _presence(self.cluster)
        both = [None if each is None else each.to_json().get(name) for each in (self.reference, self.cluster)]
        return both[0], both[1]


def compare(
    reference: Iterable[Finding],
    cluster: Iterable[Finding],
    records: Records | None = None,
    oldest: int | None = None,
    post_filter: Filter = NO_FILTER,
) -> Comparison:
    """Compare findings that pass the filter by window, host and rule; each side gives all of its own in that order, each once.

    A recorded finding that neither side finds is a difference, unless its window begins before the `oldest` event that is still
    there.
    """
    sides = [zip(reference, repeat(REFERENCE)), zip(cluster, repeat(CLUSTER))]
    sides += [zip(records.findings(place), repeat(place)) for place in records.places] if records is not None else []
    findings = left_out = characters = outlived = 0
    kept: list[Difference] = []
    for place, pairs in groupby(merge(*sides, key=_place), key=_place):
        here = _Sides(place, {side: finding for finding, side in pairs}, post_filter)
        if here.is_empty:
            continue
        if here.computed is None and (oldest is None or here.window_start < oldest):
            outlived += 1
            continue
        findings += 1
        differing = list(here.differences(records))
        if len(kept) + len(differing) <= MAX_DIFFERENCES and characters <= MAX_CHARACTERS:
            kept += differing
            characters += here.characters if differing else 0
        else:
            left_out += len(differing)
    return Comparison(findings, tuple(kept), left_out, outlived)


def _place(pair: tuple[Finding, str]) -> tuple[int, str, str]:
    return pair[0].sort_key


def _presence(finding: Finding | None) -> str:
    return ABSENT if finding is None else PRESENT


def _between(reference: Finding | None, cluster: Finding | None) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield the columns that the reference and the cluster say differently."""
    if reference == cluster:
        return
    if reference is None or cluster is None:
        yield "finding", (_presence(reference), _presence(cluster))
        return
    left, right = reference.to_json(), cluster.to_json()
    yield from ((name, (left.get(name), right.get(name))) for name in left | right if left.get(name) != right.get(name))
    rows = zip_longest(reference.spl_rows(MAX_ROWS), cluster.spl_rows(MAX_ROWS))
    if (differing := next((pair for pair in rows if pair[0] != pair[1]), None)) is not None:
        yield "spl_rows", differing
