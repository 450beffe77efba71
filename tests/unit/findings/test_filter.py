"""SPL 15: the user's conditions on findings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from integration.detection.severity import Severity
from integration.findings.filter import NO_FILTER, Filter, FilterEntry
from integration.findings.finding import Finding
from tests.support.builders import RULE, error, event, findings_of, with_columns

FINDING = findings_of(
    [event(error(f'source=server.go:{n} msg="model {n}" err="disk full {n}"'), host="GPU-1.example.com") for n in range(3)]
)[0]


def entry(action: str = "exclude", **conditions: Any) -> FilterEntry:
    return FilterEntry.model_validate({"action": action} | conditions)


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ({"host": "gpu-*"}, True),
        ({"host": ["lab-*", "gpu-?.EXAMPLE.com"]}, True),
        ({"host": "gpu-1"}, False),
        ({"rule": RULE.id}, True),
        ({"rule": "another"}, False),
        ({"severity_at_least": "high"}, True),
        ({"severity_at_least": "critical"}, False),
        ({"severity_at_most": "high"}, True),
        ({"severity_at_most": "medium"}, False),
        ({"greater_than": {"error_count": 2}}, True),
        ({"greater_than": {"error_count": 3}}, False),
        ({"less_than": {"error_count": 4, "spl_row_count": 28}}, True),
        ({"less_than": {"error_count": 3}}, False),
        ({"contains": {"error_messages": "MODEL 2"}}, True),
        ({"contains": {"error_messages": ["x", "y"]}}, False),
        ({"contains": {"error_messages": "model 2", "error_details": "nothing"}}, False),
        ({"all_contain": {"error_details": "disk full"}}, True),
        ({"all_contain": {"error_details": ["full 0", "full 1"]}}, False),
        ({"host": "gpu-*", "severity_at_least": "critical"}, False),
    ],
)
def test_an_entry_matches_when_all_it_states_holds(conditions: dict[str, Any], matches: bool) -> None:
    assert entry(**conditions).matches(FINDING) is matches


def test_all_contain_takes_neither_an_empty_nor_a_shortened_list() -> None:
    known = entry(all_contain={"error_details": "disk"})
    assert not known.matches(with_columns(FINDING, error_details=()))
    assert not known.matches(replace(FINDING, truncated=(("error_details", 1),)))


@pytest.mark.parametrize(
    ("conditions", "whole", "cut"),
    [
        ({"contains": {"error_details": "disk full 2"}}, True, True),
        ({"contains": {"error_details": "elsewhere"}}, False, True),
        ({"contains": {"error_messages": "elsewhere"}}, False, False),
        ({"contains": {"error_details": "elsewhere"}, "host": "lab-*"}, False, False),
        ({"all_contain": {"error_details": "disk"}}, True, True),
        ({"all_contain": {"error_details": "full 1"}}, False, False),
    ],
)
def test_a_finding_whose_list_is_cut_is_not_hidden_for_what_the_list_may_hold(
    conditions: dict[str, Any], whole: bool, cut: bool
) -> None:
    shortened = replace(FINDING, truncated=(("error_details", 1),))
    keep, exclude = Filter((entry("keep", **conditions),)), Filter((entry("exclude", **conditions),))
    assert keep.may_pass(FINDING) is keep.passes(FINDING) is whole
    assert keep.may_pass(shortened) is cut
    assert exclude.may_pass(FINDING) is exclude.passes(FINDING) is not whole
    assert exclude.may_pass(shortened) is exclude.passes(shortened)


def test_exclude_wins_over_keep_and_one_keep_is_enough() -> None:
    keep_critical, keep_gpu = entry("keep", severity_at_least="critical"), entry("keep", host="gpu*")
    assert Filter((keep_critical, keep_gpu)).passes(FINDING)
    assert not Filter((keep_critical,)).passes(FINDING)
    assert not Filter((keep_gpu, entry(contains={"error_details": "disk"}))).passes(FINDING)
    assert NO_FILTER.passes(FINDING)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"reason": "why"}, "states no condition"),
        ({"severity_at_least": "bad"}, "is not a severity"),
        ({"hosts": "x"}, "Extra inputs"),
        ({"host": []}, "at least 1"),
        ({"greater_than": {"error_count": "3"}}, "valid integer"),
    ],
)
def test_what_cannot_be_meant_is_refused(conditions: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        entry(**conditions)


@pytest.mark.parametrize(
    "conditions",
    [
        {"greater_than": {"error_messages": 1}},
        {"less_than": {"score": 10**9}},
        {"contains": {"host": "x"}},
        {"all_contain": {"error_count": "x"}},
    ],
)
def test_an_entry_on_a_column_that_a_rule_does_not_have_matches_none_of_its_findings(conditions: dict[str, Any]) -> None:
    assert not entry(**conditions).fits(RULE)
    assert not entry(**conditions).matches(FINDING)


hosts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(hosts, st.sampled_from(list(Severity)), st.integers(1, 20))
def test_exclude_and_keep_of_the_same_entry_part_all_findings(host: str, severity: Severity, count: int) -> None:
    finding: Finding = with_columns(replace(FINDING, host=host, severity=severity), error_count=count)
    conditions = {"host": ["a*", "?"], "severity_at_least": "medium", "less_than": {"error_count": 10}}
    excluded, kept = Filter((entry("exclude", **conditions),)), Filter((entry("keep", **conditions),))
    assert excluded.passes(finding) is not kept.passes(finding)
