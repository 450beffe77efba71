"""Statistics and findings that went through the database are those that memory alone would hold, in the same order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integration.detection.schedule import Window
from integration.evaluation.reference import Reference
from integration.findings import store, values
from integration.findings.finding import Finding, Statistics
from integration.findings.store import StatisticsStore, stored_findings
from integration.findings.values import MAX_BYTES, Values, bounded_values
from integration.log.event import Event
from tests.support.builders import RULE, error, event, findings_of, rule_with, with_columns

# The ladder of the shipped rule, with conditions on lists that random messages meet now and then.
LADDER = rule_with(
    severity=[
        {"level": "critical", "any": [{"column": "error_messages", "contains": "b"}, {"column": "error_count", "greater_than": 6}]},
        {"level": "high", "any": [{"column": "error_details", "contains": "é"}]},
        {"level": "low"},
    ]
)
LISTS = ("error_messages", "error_details")
HOSTS = ("a", "b", "\ud800", "\udfff", "\ue000", "\uffff", "\U00010000", "a\x00", "a\x00b", "'", "é")
HOUR = 3_600_000
(PLAIN,) = findings_of([event(error('source=server.go:1 msg="model" err="exit status 1"'))])
RULES = {name: rule_with(id=name) for name in ("r1", "r2")}
words = st.text("abcdé\x00\ue000\U00010000", min_size=1, max_size=6)
Row = tuple[int, str, int, str, str]
rows = st.lists(st.tuples(st.integers(-2, 2), st.sampled_from(HOSTS), st.integers(0, HOUR), words, words), max_size=60)
few_hosts = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(HOSTS[:2]), st.integers(0, HOUR), words, words), min_size=10)


def window(hour: int) -> Window:
    return Window(hour * HOUR, hour * HOUR + HOUR, hour * HOUR + 2 * HOUR)


def stored(found: list[Row]) -> list[tuple[Window, str, Statistics]]:
    with closing(StatisticsStore(LADDER)) as database:
        for hour, host, time, *listed in found:
            database.add(window(hour), host, time, listed[0], zip(LISTS, listed, strict=True))
        return list(database.statistics())


def computed(found: list[Row]) -> Iterator[tuple[Window, str, Statistics]]:
    for hour, host in sorted({(hour, host) for hour, host, *_ in found}):
        times, *lists = zip(*(rest for at, machine, *rest in found if (at, machine) == (hour, host)), strict=True)
        distinct: dict[str, list[str]] = {name: [] for name in LADDER.field_lists}
        distinct |= {name: sorted(set(listed)) for name, listed in zip(LISTS, lists, strict=True)}
        holding = {
            condition
            for condition in LADDER.list_conditions
            if any(str(condition.contains) in value for value in distinct[str(condition.column)])
        }
        bounded = {name: bounded_values(listed, len(listed)) for name, listed in distinct.items()}
        yield window(hour), host, Statistics(len(times), min(times), max(times), bounded, Counter(lists[0]), frozenset(holding))


@given(rows | few_hosts, st.integers(-1, 10_000), st.integers(1, 5), st.integers(1, 20))
@example([(0, "a", 1, m, m) for m in ("aé", "b", "aa", "aab", "aé", "a", "aab")], -1, 2, 3)
def test_statistics_are_those_of_all_events_however_they_are_buffered(found: list[Row], buffer: int, most: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "MAX_VALUES", most)
        patch.setattr(values, "MAX_BYTES", size)
        expected = list(computed(found))
        assert stored(found) == expected
        patch.setattr(store, "BUFFER_BYTES", buffer)
        assert stored(found) == expected


def logged(host: str, message: str, detail: str) -> Event:
    return event(error(f'source=server.go:1 msg="{message}" err="{detail}"'), host=host)


def test_findings_may_be_asked_for_twice_and_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [logged(host, f"model {n % 7}", f"{n}") for n in range(40) for host in ("a", "b", "c")]
    monkeypatch.setattr(values, "MAX_VALUES", 3)
    whole, half = findings_of(found), findings_of(found[:60])
    with closing(Reference(RULE)) as reference:
        for each in found[:60]:
            reference.add(each)
        assert [list(reference.findings()), list(reference.findings())] == [half, half]
        for each in found[60:]:
            reference.add(each)
        assert list(reference.findings()) == whole


def test_a_value_longer_than_a_list_may_be_leaves_out_what_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = "b" * (MAX_BYTES + 1)
    monkeypatch.setattr(store, "BUFFER_BYTES", 0)
    found: list[Row] = [(0, "a", 1, message, "d") for message in ("c", f"{huge}b", "a", huge, f"{huge}b")]
    ((_, _, statistics),) = stored(found)
    assert statistics.lists["error_messages"] == Values(("a",), 3)
    assert {condition.contains for condition in statistics.holding} == {"b"}


def found(host: str, hour: int, rule: str, count: int, messages: tuple[str, ...]) -> Finding:
    start, end = PLAIN.window_start + hour * HOUR, PLAIN.window_end + hour * HOUR
    placed = replace(PLAIN, host=host, rule=RULES[rule], rule_id=rule, window_start=start, window_end=end)
    return with_columns(placed, error_count=count, error_messages=messages)


findings = st.lists(
    st.builds(
        found,
        st.sampled_from(HOSTS) | st.text(max_size=3),
        st.integers(-2, 2),
        st.sampled_from(["r1", "r2"]),
        st.integers(1, 9),
        st.lists(st.text("abé\ud800\U00010000", max_size=4), max_size=3).map(tuple),
    ),
    max_size=40,
)


@given(findings)
def test_findings_come_sorted_and_each_once(given_: list[Finding]) -> None:
    first: dict[tuple[int, str, str], Finding] = {}
    for finding in given_:
        first.setdefault(finding.sort_key, finding)
    expected = [first[key] for key in sorted(first)]
    with stored_findings(given_) as kept:
        assert len(kept) == len(expected)
        assert list(kept) == expected
        assert list(kept) == expected


def test_an_error_among_the_findings_is_raised_before_the_block() -> None:
    def failing() -> Iterator[Finding]:
        yield PLAIN
        raise RuntimeError

    with pytest.raises(RuntimeError), stored_findings(failing()):
        pytest.fail("the block ran")
