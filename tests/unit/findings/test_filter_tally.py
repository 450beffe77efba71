from __future__ import annotations

from integration.findings.filter import Filter, FilterEntry, FilterTally
from tests.support.builders import error, event, findings_of

FINDINGS = findings_of([event(error("model"), host) for host in ("gpu-1", "gpu-2", "lab-1")])


def told(*entries: dict[str, object]) -> list[str]:
    post_filter = Filter(tuple(FilterEntry.model_validate(entry) for entry in entries))
    tally = FilterTally(post_filter)
    assert list(tally.kept(FINDINGS)) == list(post_filter.kept(FINDINGS))
    return list(tally.notes())


def test_what_was_taken_away_is_told_by_entry() -> None:
    assert told({"action": "exclude", "host": "gpu-*", "reason": "a fleet"}, {"action": "exclude", "host": "lab-1"}) == [
        "3 more findings taken away by the filter in your settings: 2 by [[filter]] 1 (a fleet), 1 by [[filter]] 2."
    ]


def test_an_entry_that_matches_nothing_is_told() -> None:
    assert told({"action": "exclude", "host": "db-*"}) == ["Of your filter, what matched no finding here: [[filter]] 1."]


def test_what_no_entry_keeps_is_told() -> None:
    assert told({"action": "keep", "host": "lab-*"}) == [
        "2 more findings taken away by the filter in your settings: 2 by no `keep` entry."
    ]


def test_without_findings_there_is_nothing_to_tell() -> None:
    tally = FilterTally(Filter((FilterEntry(action="exclude", host=("x",)),)))
    assert (list(tally.kept([])), list(tally.notes())) == ([], [])
    assert told() == []
