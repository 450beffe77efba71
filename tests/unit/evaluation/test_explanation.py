"""Each thing that a rule states, tried alone on an event, and the same verdict as the reference's."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.detection.loading import load_rules
from integration.evaluation.explanation import Part, Trial, reasons, verdict
from integration.evaluation.reference import Classifier, Reference
from integration.log.event import Event
from integration.times import parse_time
from tests.support.builders import RULE, error, event, rule_with
from tests.support.lines import lines
from tests.support.shipments import attack_lines

TERMS = "it holds `llama runner`, `model`, `server.go` or `exited`"


def test_a_selected_line_names_what_holds_and_where() -> None:
    why = verdict(RULE, event("level=ERROR The Model exited"))
    assert (why.label, why.window.start) == ("service_crash", parse_time("2026-11-24T08:50:00Z"))
    found = "`model` at character 17, `exited` at character 23"
    assert why.alternatives == (
        Trial("alternative 1", True, (Part("its level is ERROR", True, "it is ERROR"), Part(TERMS, True, found))),
    )
    assert why.classes == (Trial("service_crash", True, (Part("it holds `exited`", True, "`exited` at character 23"),)),)


def test_classes_are_tried_up_to_the_one_that_takes_the_line() -> None:
    why = verdict(RULE, event("level=ERROR llama runner, server.go"))
    assert [(trial.name, trial.holds) for trial in why.classes] == [
        ("service_crash", False),
        ("model_error", False),
        ("runner_error", True),
    ]
    rest = verdict(RULE, event("level=ERROR server.go"))
    assert (rest.label, [trial.holds for trial in rest.classes]) == ("unknown_error", [False] * 3)


@pytest.mark.parametrize(
    ("line", "failing"),
    [
        ("model exited", [Part("its level is ERROR", False, "it has none")]),
        ("level=WARN model", [Part("its level is ERROR", False, "it is WARN")]),
        ("level=ERROR no space", [Part(TERMS, False)]),
        ("x", [Part("its level is ERROR", False, "it has none"), Part(TERMS, False)]),
    ],
)
def test_a_line_that_is_not_selected_names_what_fails(line: str, failing: list[Part]) -> None:
    why = verdict(RULE, event(line))
    assert (why.label, why.classes) == (None, ())
    assert [part for part in why.alternatives[0].parts if not part.holds] == failing


def test_what_does_not_hold_says_so() -> None:
    condition = {
        "kind": ("access",),
        "level": ("ERROR",),
        "not_level": ("DEBUG",),
        "fields": {"url.path": {"begins": ("/api",)}},
        "contains": ("q", "r"),
        "contains_all": ("s",),
        "any_of": ({"contains": ("t",)},),
        "matches": ("[0-9]",),
    }
    (tried,) = verdict(rule_with(selection=(condition,)), event("level=DEBUG x")).alternatives
    assert [part.outcome for part in tried.parts] == [
        "its line is not of the kind access: it is record",
        "its level is not ERROR: it is DEBUG",
        "its level is DEBUG: it is DEBUG",
        "does not hold: url.path begins `/api`: it has none",
        "it does not hold `q` or `r`",
        "it does not hold `s`",
        "does not hold: it holds `t`",
        "it does not match `[0-9]`",
    ]
    (tried,) = verdict(rule_with(selection=({"contains": ("x",)},)), event("x")).alternatives
    assert [part.outcome for part in tried.parts] == ["it holds `x`: `x` at character 1"]


def test_all_of_several_terms_and_any_of_several_expressions() -> None:
    selection = [{"contains_all": ["a", "b"], "matches": ["[0-9]+x", "zzz"]}, {"level": ["INFO", "WARN"]}]
    rule = rule_with(selection=selection)
    first, second = verdict(rule, event("level=DEBUG a 123x")).alternatives
    assert first.parts == (
        Part("it holds `a`", True, "`a` at character 13"),
        Part("it holds `b`", True, "`b` at character 9"),
        Part("it matches `[0-9]+x` or `zzz`", True, "`[0-9]+x` by `123x` at character 15"),
    )
    assert second.parts == (Part("its level is INFO or WARN", False, "it is DEBUG"),)


def test_many_and_long_terms_are_shortened() -> None:
    rule = rule_with(selection=[{"contains": [*(f"term{n}" for n in range(20)), "y" * 200]}])
    (part,) = verdict(rule, event("y" * 300)).alternatives[0].parts
    assert part.says == f"it holds {', '.join(f'`term{n}`' for n in range(8))} or 13 more"
    assert part.found == f"`{'y' * 79}…` at character 1"


SIGNALS = rule_with(
    selection=({"kind": ("access", "other", "record")},),
    classification={
        "field": "signal",
        "classes": (
            {"name": "traversal", "kind": ("access",), "fields": {"url.path": {"matches": (r"\.\./",)}}, "weight": 8, "cap": 1},
            {
                "name": "refused",
                "fields": {
                    "http.request.method": {"equals": ("POST", "PUT")},
                    "http.response.status_code": {"from": 400, "to": 499},
                    "source.ip": {"in": ("10.0.0.0/8",), "not_in": ("10.1.0.0/16",)},
                },
                "weight": 2,
                "context": True,
            },
            {"name": "shortage", "contains": ("out of memory",), "excuses": True},
            {
                "name": "crash",
                "any_of": ({"contains": ("panic", "fault")}, {"contains_all": ("a", "b"), "matches": ("[0-9]",)}),
                "cap": 3,
            },
        ),
    },
    columns={"lines": {"count": "events"}, "score": {"score": "label"}, "signals": {"counts": "label"}},
    rows={"table": ("host", "score")},
    severity=(
        {
            "level": "high",
            "any": ({"column": "score", "greater_than": 9},),
            "all": ({"labels": ("traversal",), "greater_than": 0}, {"labels": ("crash", "refused"), "greater_than": 1}),
        },
        {"level": "low", "any": ({"column": "score", "greater_than": 0},)},
    ),
    risk={"score": 1, "object": "host", "object_type": "system", "message": "$host$"},
)


def gin(path: str, *, status: int = 200, method: str = "GET", client: str = "10.2.0.1") -> Event:
    return event(f'[GIN] 2026/11/24 - 09:00:00 | {status} |  1.0s |  {client} | {method}  "{path}"')


def test_conditions_on_fields_and_what_a_class_adds_to_a_score() -> None:
    why = verdict(SIGNALS, gin("/../etc"))
    assert (why.label, why.remark) == ("traversal", "it adds 8 to score, once")
    assert why.classes[0].parts == (
        Part("its line is of the kind access", True, "it is access"),
        Part(r"url.path matches `\.\./`", True, "it is `/../etc`"),
    )
    refused = verdict(SIGNALS, gin("/api/pull", status=404, method="POST"))
    assert (refused.label, refused.remark) == ("refused", "it adds 2 to score; it is context: alone it makes no score")
    assert refused.classes[1].parts == (
        Part("http.request.method equals `POST` or `PUT`", True, "it is `POST`"),
        Part("http.response.status_code from 400, to 499", True, "it is `404`"),
        Part("source.ip in `10.0.0.0/8`, not in `10.1.0.0/16`", True, "it is `10.2.0.1`"),
    )
    other = verdict(SIGNALS, gin("/api/pull", status=404, method="POST", client="10.1.0.1"))
    assert [part.says for part in other.classes[1].parts if not part.holds] == ["source.ip in `10.0.0.0/8`, not in `10.1.0.0/16`"]


def test_one_of_several_texts_and_a_class_that_excuses() -> None:
    says = "it holds `panic` or `fault`; or it holds all of `a`, `b` and it matches `[0-9]`"
    crash = verdict(SIGNALS, event("b a 1"))
    assert (crash.label, crash.remark) == ("crash", "it adds 1 to score, 3 times at most")
    assert crash.classes[-1].parts == (Part(says, True, "it holds all of `a`, `b` and it matches `[0-9]`"),)
    excused = verdict(SIGNALS, event("fault, out of memory"))
    assert (excused.label, excused.remark) == (None, "the class excuses it: it gets no label")
    nothing = verdict(SIGNALS, event("hello"))
    assert (nothing.label, nothing.remark) == (None, "no class takes it, and the rule has none for the rest")
    assert nothing.classes[-1].parts == (Part(says, False),)


def why_so_severe(*lines: Event) -> list[tuple[str, bool, str]]:
    with closing(Reference(SIGNALS)) as reference:
        for line in lines:
            reference.add(line)
        ((_, _, statistics),) = reference.statistics()
        (finding,) = reference.findings()
    return [(part.says, part.holds, part.found) for part in reasons(SIGNALS, statistics, finding)]


def test_what_does_not_make_a_severity_says_so() -> None:
    with closing(Reference(RULE)) as reference:
        reference.add(event(error("model exited")))
        ((_, _, statistics),) = reference.statistics()
        (finding,) = reference.findings()
    assert [part.outcome for part in reasons(RULE, statistics, finding)] == [
        "critical: error_details has no value that contains `exit status`",
        "critical: error_count is not greater than 5: it is 1",
        "high: error_count is not greater than 2: it is 1",
        "medium: whatever is left",
    ]


def test_what_made_the_severity() -> None:
    score = ("high: score is greater than 9", False, "it is 8 (traversal 8)")
    assert why_so_severe(gin("/../x"), gin("/../y")) == [
        score,
        ("high, with the others: more than 0 events are traversal", True, "there are 2"),
        ("high, with the others: more than 1 events are crash or refused", False, "there are 0"),
        ("low: score is greater than 0", True, "it is 8 (traversal 8)"),
    ]
    together = why_so_severe(gin("/../x"), event("fault"), event("panic, fault"))
    assert [holds for _, holds, _ in together] == [True] * 3
    assert together[0][2] == "it is 10 (traversal 8, crash 2)"


@given(lines | st.sampled_from([each["line"] for each in attack_lines()]), st.booleans())
def test_the_explanation_says_what_the_reference_says(line: str, as_error: bool) -> None:
    one = event(error(line) if as_error else line)
    for rule in (*load_rules(), SIGNALS):
        why = verdict(rule, one)
        assert why.label == Classifier(rule).classify(one)
        selected = any(trial.holds for trial in why.alternatives)
        taking = next((trial.name for trial in why.classes if trial.holds), rule.classification.otherwise if selected else None)
        excusing = {each.name for each in rule.classification.classes if each.excuses}
        assert why.label == (None if taking in excusing else taking)
