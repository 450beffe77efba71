from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integration.evaluation.reference import Reference
from integration.findings import groups, lists
from integration.findings.finding import Finding
from integration.log.event import Event
from tests.support.builders import RULE, error, event, findings_of, rule_with

# The ladder of the shipped rule, with conditions on lists that random messages meet now and then.
LADDER = rule_with(
    severity=[
        {"level": "critical", "any": [{"stat": "error_messages", "contains": "b"}, {"stat": "error_count", "greater_than": 6}]},
        {"level": "high", "any": [{"stat": "error_details", "contains": "d"}]},
        {"level": "low"},
    ]
)
HOSTS = ("a", "b", "\ud800", "\udfff", "\ue000", "\uffff", "\U00010000", "a\x00", "a\x00b", "'", "é")
TIMES = ("2026-11-24T08:49:59.999Z", "2026-11-24T08:50:00.000Z", "2026-11-24T09:10:00.000Z", "0100-01-01T00:00:00.000Z")
words = st.text("abcdé\ue000\U00010000", min_size=1, max_size=6)


def logged(host: str, at: str, message: str, detail: str) -> Event:
    return event(error(f'source=server.go:1 msg="{message}" err="{detail}"', at=at), host=host)


events = st.lists(st.builds(logged, st.sampled_from(HOSTS), st.sampled_from(TIMES), words, words), max_size=60)
few_hosts = st.lists(
    st.builds(logged, st.sampled_from(HOSTS[:2]), st.sampled_from(TIMES[1:3]), words, words), min_size=10, max_size=60
)


def spilled(found: list[Event], **bounds: int) -> list[Finding]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bounds.items():
            patch.setattr(groups, name, value)
        return findings_of(found, LADDER)


@given(events | few_hosts, st.integers(1, 4), st.integers(-1, 400), st.integers(1, 5), st.integers(1, 20))
@example([logged("a", TIMES[1], m, m) for m in ("aé", "b", "aa", "aab", "aé", "a", "aab")], 1, -1, 2, 3)
def test_set_aside_or_not_groups_are_the_same(found: list[Event], most: int, most_held: int, values: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MAX_VALUES", values)
        patch.setattr(lists, "MAX_BYTES", size)
        whole = spilled(found)
        assert whole == sorted(whole, key=lambda finding: finding.sort_key)
        assert sum(finding.error_count for finding in whole) == len(found)
        assert spilled(found, MAX_GROUPS=most) == whole
        assert spilled(found, MAX_BYTES=most_held) == whole
        assert spilled(found, MAX_GROUPS=most, MAX_BYTES=most_held) == whole


def test_findings_may_be_asked_for_twice_and_in_between() -> None:
    found = [logged(host, TIMES[1], f"model {n % 7}", f"{n}") for n in range(40) for host in ("a", "b", "c")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MAX_VALUES", 3)
        whole, half = findings_of(found), findings_of(found[:60])
        patch.setattr(groups, "MAX_GROUPS", 1)
        reference = Reference(RULE)
        with closing(reference):
            for each in found[:60]:
                reference.add(each)
            assert [list(reference.findings()), list(reference.findings())] == [half, half]
            for each in found[60:]:
                reference.add(each)
            assert list(reference.findings()) == whole


def test_a_value_longer_than_a_list_may_be_leaves_out_what_comes_after_it() -> None:
    """In whichever part it is, and though only its beginning is kept."""
    huge = "model b" + "b" * lists.MAX_BYTES
    orders = (
        ["model a", f"{huge}b", "model c", huge],
        [f"{huge}c", huge, "model c", "model a"],
        ["model c", huge, "model a", f"{huge}a"],
    )
    for order in orders:
        found = [logged(host, TIMES[1], message, "d") for message in order for host in ("a", "b")]
        assert spilled(found, MAX_GROUPS=1) == findings_of(found, LADDER)
        assert all(finding.error_messages == ("model a",) for finding in spilled(found, MAX_GROUPS=1))
