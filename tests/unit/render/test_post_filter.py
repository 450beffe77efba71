"""What targets are told of the user's filter, and what they are not."""

from __future__ import annotations

from typing import Any

import pytest

from integration.detection.severity import Severity
from integration.errors import InputError
from integration.findings.filter import Action, Filter
from integration.render.post_filter import joined, passing
from tests.support.builders import RULE
from tests.support.filters import entry


class Words:
    """A language that can be read."""

    name = "The target"
    conjunction = "and"
    disjunction = "or"
    negation = "not "

    def host(self, patterns: tuple[str, ...], action: Action) -> str:
        return f"{action}d host in {' '.join(patterns)}"

    def severity(self, comparison: str, level: Severity) -> str:
        return f"severity {comparison} {level}"

    def count(self, column: str, comparison: str, bound: int) -> str:
        return f"{column} {comparison} {bound}"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], None),
        ([entry("exclude", rule="other", host="a")], None),
        ([entry("keep", rule="other", host="a")], "false"),
        ([entry("exclude", rule=RULE.id)], "not (true)"),
        ([entry("keep", rule=[RULE.id, "other"])], "true"),
        (
            [entry("exclude", host=["a*", "b"], severity_at_most="low"), entry("exclude", less_than={"error_count": 3})],
            "not (((excluded host in a* b and severity <= low) or error_count < 3))",
        ),
        (
            [entry("keep", severity_at_least="high"), entry("exclude", greater_than={"unique_error_types": 1})],
            "(not (unique_error_types > 1) and severity >= high)",
        ),
        (
            [entry("keep", rule="other"), entry("keep", severity_at_least="high"), entry("keep", host="a")],
            "(severity >= high or keepd host in a)",
        ),
    ],
)
def test_entries_are_joined_as_the_filter_in_python_does(entries: list[Any], expected: str | None) -> None:
    assert passing(Filter(tuple(entries)), RULE, Words()) == expected


def test_very_many_expressions_are_joined_in_halves() -> None:
    words = [f"w{number}" for number in range(130)]
    assert joined(words[:64], "or") == f"({' or '.join(words[:64])})"
    assert joined(words[:65], "or") == f"(({' or '.join(words[:32])}) or ({' or '.join(words[32:65])}))"
    quarters = [f"({' or '.join(words[start:end])})" for start, end in ((0, 32), (32, 65), (65, 97), (97, 130))]
    assert joined(words, "or") == f"(({quarters[0]} or {quarters[1]}) or ({quarters[2]} or {quarters[3]}))"


@pytest.mark.parametrize(
    ("conditions", "named"),
    [
        ({"contains": {"error_messages": "x"}}, r"`contains\.error_messages`"),
        ({"all_contain": {"error_types": "x"}}, r"`all_contain\.error_types`"),
        ({"greater_than": {"spl_row_count": 3}}, r"`greater_than\.spl_row_count`"),
        ({"less_than": {"error_count": 3, "risk_score": 3}}, r"`less_than\.risk_score`"),
        ({"host": ["a", "gpu-[12]"]}, r"the host pattern 'gpu-\[12\]', only `\*` and `\?`"),
        ({"host": "{{x}}"}, "the host pattern '{{x}}'"),
        ({"host": "a" * 101}, "more than 100 characters"),
        ({"host": "*a" + "?" * 7}, r"more than 6 `\*` and `\?` after its first"),
    ],
)
def test_what_targets_are_not_told_is_refused_by_name(conditions: dict[str, Any], named: str) -> None:
    stated = Filter((entry("keep", host="fine"), entry("exclude", reason="tests", **conditions)))
    told = rf"\[\[filter\]\] 2 \(exclude, 'tests'\): The target cannot be told .*{named}.*`detect run` or `detect watch`"
    with pytest.raises(InputError, match=told):
        passing(stated, RULE, Words())


def test_an_entry_without_a_reason_is_named_by_its_number() -> None:
    told = (
        r"\[\[filter\]\] 1 \(exclude\): The target cannot be told `contains\.error_messages`; change the entry, "
        "or let `detect run` or `detect watch` run the rules, which apply any filter$"
    )
    with pytest.raises(InputError, match=told):
        passing(Filter((entry("exclude", contains={"error_messages": "x"}),)), RULE, Words())


@pytest.mark.parametrize("pattern", ["?" * 100, "a" * 100, "gpu-??-*" + "?" * 6, "**a*b*c*d?"])
def test_patterns_within_the_bounds_are_told(pattern: str) -> None:
    assert passing(Filter((entry("keep", host=pattern),)), RULE, Words()) == f"keepd host in {pattern}"
