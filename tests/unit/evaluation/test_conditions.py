"""Conditions on an event beside those on its line, and what classes add up to."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from integration.detection.conditions import Condition
from integration.detection.loading import tuples
from integration.detection.model import Rule
from integration.evaluation.reference import holds
from integration.evaluation.risk_events import risk_event
from tests.support.builders import RULE, event, findings_of, rule_with

ACCESS = '[GIN] 2026/11/24 - 09:00:00 | 400 |      9.99ms |     203.0.113.9 | POST     "/api/create?x=1"'
MAPPED = ACCESS.replace("   203.0.113.9", "::ffff:10.0.0.1")


def condition(**stated: Any) -> Condition:
    return Condition.model_validate(tuples(stated))


@pytest.mark.parametrize(
    ("line", "stated", "expected"),
    [
        (ACCESS, {"kind": ["access", "frame"]}, True),
        (ACCESS, {"kind": ["record"]}, False),
        ("panic: x", {"level": ["none"]}, True),
        ("level=none x", {"level": ["none"]}, False),
        ("level=Debug x", {"not_level": ["DEBUG", "TRACE"]}, False),
        ("level=INFO x", {"not_level": ["DEBUG", "TRACE"]}, True),
        ("panic: x", {"not_level": ["none"]}, False),
        ("panic: x", {"any_of": [{"contains": ["y"]}, {"contains_all": ["panic"], "matches": ["x"]}]}, True),
        ("panic: x", {"contains": ["panic"], "any_of": [{"contains": ["y"]}]}, False),
        ("panic: \N{ARABIC-INDIC DIGIT ONE}", {"matches": [r"panic: \d"]}, False),
        ("panic: x\n\ny", {"matches": ["x.{2}y"]}, True),
        (ACCESS, {"fields": {"http.request.method": {"equals": ["POST"]}}}, True),
        (ACCESS, {"fields": {"http.request.method": {"equals": ["post"]}}}, False),
        (ACCESS, {"fields": {"url.path": {"equals": ["/api/create"]}}}, True),
        (ACCESS, {"fields": {"url.path": {"begins": ["/api/x", "/api/c"]}}}, True),
        (ACCESS, {"fields": {"url.path": {"contains": ["?"]}}}, False),
        (ACCESS, {"fields": {"url.path": {"matches": ["/[a-c]pi/"]}}}, True),
        (ACCESS.replace("create", "1"), {"fields": {"url.path": {"matches": [r"/api/\d"]}}}, True),
        (ACCESS.replace("create", "\N{ARABIC-INDIC DIGIT ONE}"), {"fields": {"url.path": {"matches": [r"/api/\d"]}}}, False),
        (ACCESS, {"fields": {"http.response.status_code": {"from": 400, "to": 400}}}, True),
        (ACCESS, {"fields": {"http.response.status_code": {"to": 399}}}, False),
        (ACCESS, {"fields": {"event.duration": {"below": "10ms"}}}, True),
        (ACCESS, {"fields": {"event.duration": {"below": "9990us"}}}, False),
        (ACCESS, {"fields": {"source.ip": {"in": ["203.0.113.0/24"]}}}, True),
        (ACCESS, {"fields": {"source.ip": {"not_in": ["10.0.0.0/8", "203.0.113.9/32"]}}}, False),
        (ACCESS, {"fields": {"source.ip": {"not_in": ["::/0"]}}}, True),
        (MAPPED, {"fields": {"source.ip": {"in": ["10.0.0.0/8"]}}}, True),
        ("panic: x", {"fields": {"source.ip": {"not_in": ["10.0.0.0/8"]}}}, False),
        ("panic: x", {"fields": {"event.duration": {"from": 0}}}, False),
    ],
)
def test_a_condition_holds_when_all_that_it_states_does(line: str, stated: dict[str, Any], expected: bool) -> None:
    assert holds(condition(**stated), ignore_case=False)(event(line)) is expected


def test_terms_ignore_case_where_it_is_said_in_each_of_several_texts_too() -> None:
    stated = condition(contains=["PANIC"], any_of=[{"contains": ["Y"]}, {"contains_all": ["X", ":"]}])
    assert holds(stated, ignore_case=True)(event("panic: x"))
    assert not holds(stated, ignore_case=False)(event("panic: x"))
    assert not holds(stated, ignore_case=False)(event("PANIC: x"))


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({}, "states no condition"),
        ({"fields": {}}, "states no condition"),
        ({"kind": ["lines"]}, "Input should be 'record'"),
        ({"any_of": [{}]}, "states no condition on the line"),
        ({"fields": {"url.path": {}}}, "states none of `equals`"),
        ({"fields": {"http.response.status_code": {}}}, "states none of `from`"),
        ({"fields": {"source.ip": {}}}, "states none of `in`"),
        ({"fields": {"source.ip": {"in": ["10.0.0.1/8"]}}}, "has host bits set"),
        ({"fields": {"event.duration": {"below": "10 minutes"}}}, "'10 minutes' is not a duration such as 10ms"),
        ({"fields": {"user.name": {"equals": ["x"]}}}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(stated: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        condition(**stated)


def scored(severity: list[dict[str, Any]], **changes: Any) -> Rule:
    classes = [
        {"name": "excuse", "contains": ["excuse"], "excuses": True},
        {"name": "heavy", "contains": ["heavy"], "weight": 5, "cap": 2, "attack": ["T1190"]},
        {"name": "light", "contains": ["light"], "context": True, "attack": ["T1059"]},
    ]
    columns = {
        "lines": {"count": "events"},
        "score": {"score": "label"},
        "signals": {"counts": "label"},
        "sources": {"values": "source.ip"},
    }
    attack = [{"technique": each, "name": "x", "tactic": "y", "tactic_id": "TA0001"} for each in ("T1059", "T1190", "T1203")]
    risk = {
        "score": {step["level"]: 10 * number for number, step in enumerate(severity, 1)},
        "object": "host",
        "object_type": "system",
        "threat_objects": ["model", {"column": "sources"}],
        "message": "$severity$ on $host$: $signals$ ($score$) by $attack_type$",
    }
    stated: dict[str, Any] = {
        "selection": [{"kind": ["panic", "other", "access"]}],
        "classification": {"field": "signal", "classes": classes},
        "columns": columns,
        "rows": {"table": ["host", "score", "signals"]},
        "severity": severity,
        "risk": risk,
        "attack": attack,
    }
    return rule_with(**stated | changes)


HIGH = [
    {"level": "high", "any": [{"column": "score", "greater_than": 9}]},
    {"level": "low", "any": [{"column": "score", "greater_than": 0}]},
]


def test_the_score_is_capped_and_context_adds_to_it() -> None:
    lines = [event(line) for line in ["heavy"] * 4 + ["light"] * 3 + ["other", "excuse heavy"]]
    (finding,) = findings_of(lines, scored(HIGH))
    assert (finding["score"], finding["lines"], finding["signals"]) == (13, 7, ("heavy=4", "light=3"))
    assert finding.risk_message == "high on gpu-1: heavy=4, light=3 (13) by Suspicious Model Loading / Potential RCE"
    assert list(finding.spl_rows(9)) == [{"host": "gpu-1", "score": 13, "signals": ["heavy=4", "light=3"]}]
    assert finding.spl_row_count == 1


def test_below_the_last_step_there_is_no_finding_and_context_alone_makes_none() -> None:
    assert findings_of([event("light")] * 9, scored(HIGH)) == []
    assert findings_of([event("nothing"), event("excuse heavy")], scored(HIGH)) == []


def test_all_asks_for_every_condition() -> None:
    both = [{"labels": ["heavy"], "greater_than": 0}, {"column": "signals", "contains": "light"}]
    rule = scored([{"level": "critical", "all": both}])
    assert [f.severity.name for f in findings_of([event("heavy"), event("light")], rule)] == ["CRITICAL"]
    assert findings_of([event("heavy"), event("heavy")], rule) == []


def test_the_attack_type_may_depend_on_what_was_found() -> None:
    steps = [{"when": {"column": "lines", "greater_than": 1}, "is": "Many"}, {"is": "One"}]
    rule = scored(HIGH, attack_type=steps)
    assert [f.attack_type for f in findings_of([event("heavy")], rule)] == ["One"]
    assert [f.attack_type for f in findings_of([event("heavy"), event("light")], rule)] == ["Many"]


@pytest.mark.parametrize(
    ("client", "listed"), [("::ffff:10.0.0.1", "10.0.0.1"), ("2001:DB8:0::1", "2001:db8::1"), ("203.0.113.9", "203.0.113.9")]
)
def test_addresses_are_listed_as_an_index_has_them(client: str, listed: str) -> None:
    (finding,) = findings_of([event(ACCESS.replace("203.0.113.9", client).replace("create", "heavy"))], scored(HIGH[1:]))
    assert finding["sources"] == (listed,)


def test_a_risk_event_has_the_techniques_of_its_labels_and_the_addresses_that_were_seen() -> None:
    rule = scored(HIGH)
    (finding,) = findings_of([event(ACCESS.replace("/api/create", "/heavy"))], rule)
    stored = risk_event(rule, finding)
    assert stored["threat"]["technique"]["id"] == ["T1190"]
    assert stored["risk"]["threat_objects"] == ["model", "203.0.113.9"]
    assert stored["risk"]["score"] == 20
    (of_splunks,) = findings_of([event("level=ERROR model")])
    assert risk_event(RULE, of_splunks)["threat"]["technique"]["id"] == ["T1190"]
