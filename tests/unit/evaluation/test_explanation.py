"""Each thing that a rule states, tried alone on an event, and the same verdict as the reference's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.detection.loading import load_rules
from integration.evaluation.explanation import Part, Trial, verdict
from integration.evaluation.reference import Classifier
from integration.times import parse_time
from tests.support.builders import RULE, error, event, rule_with
from tests.support.lines import lines

TERMS = "it holds `llama runner`, `model`, `server.go` or `exited`"


def test_a_selected_line_names_what_holds_and_where() -> None:
    why = verdict(RULE, event("level=ERROR The Model exited"))
    assert (why.label, why.window.start) == ("service_crash", parse_time("2026-11-24T08:50:00Z"))
    found = "`model` at character 17, `exited` at character 23"
    assert why.alternatives == (
        Trial("alternative 1", True, (Part(TERMS, True, found), Part("its level is ERROR", True, "it is ERROR"))),
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
        ("x", [Part(TERMS, False), Part("its level is ERROR", False, "it has none")]),
    ],
)
def test_a_line_that_is_not_selected_names_what_fails(line: str, failing: list[Part]) -> None:
    why = verdict(RULE, event(line))
    assert (why.label, why.classes) == (None, ())
    assert [part for part in why.alternatives[0].parts if not part.holds] == failing


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


@given(lines, st.booleans())
def test_the_explanation_says_what_the_reference_says(line: str, as_error: bool) -> None:
    one = event(error(line) if as_error else line)
    for rule in load_rules():
        why = verdict(rule, one)
        assert why.label == Classifier(rule).classify(one)
        assert any(trial.holds for trial in why.alternatives) == (why.label is not None)
        taking = [trial.name for trial in why.classes if trial.holds]
        assert taking == ([why.label] if why.label not in (None, rule.classification.otherwise) else [])
