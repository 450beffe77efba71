from __future__ import annotations

from typing import Any

import pytest

from integration.detection.conditions import Condition
from integration.detection.loading import tuples
from integration.detection.needles import needles_of, needles_of_rule
from tests.support.builders import RULE, rule_with


@pytest.mark.parametrize(
    ("stated", "needles"),
    [
        ({"contains": ["Panic: x", "y+fatal error"]}, ["panic: x", "fatal error"]),
        ({"contains": ["a b"], "contains_all": ["longer", "the longest"]}, ["the longest"]),
        ({"any_of": [{"contains": ["one", "two"]}, {"contains_all": ["three", "3"]}]}, ["one", "two", "three"]),
        ({"any_of": [{"contains": ["one"]}, {"matches": ["two"]}]}, []),
        ({"contains": ['"']}, []),
        ({"contains": ["bearer=x"]}, []),
        ({"matches": ["panic"], "kind": ["panic"]}, []),
        ({"kind": ["access"]}, ["[gin]"]),
        (
            {"kind": ["access"], "fields": {"url.path": {"equals": ["/api/push"], "begins": ["/api/blobs/"]}}},
            ["/api/push", "/api/blobs/"],
        ),
        ({"kind": ["access"], "fields": {"url.path": {"equals": ["/x/y"], "matches": ["z"]}}}, ["[gin]"]),
    ],
)
def test_a_line_that_meets_a_condition_holds_one_of_them(stated: dict[str, Any], needles: list[str]) -> None:
    assert needles_of(Condition.model_validate(tuples(stated))) == needles


def test_a_rule_of_levels_is_known_by_them() -> None:
    assert needles_of_rule(RULE) == ["level=error"]
    levels = [{"level": ["WARN", "Error+1"], "contains": ["x"]}, {"level": ["fatal"]}]
    assert needles_of_rule(rule_with(selection=levels)) == ["level=warn", "level=error+1", "level=fatal"]


def test_a_rule_with_a_class_for_the_rest_is_known_by_levels_alone() -> None:
    assert needles_of_rule(rule_with(selection=[{"level": ["none"], "contains": ["model"]}])) == []
    assert needles_of_rule(rule_with(selection=[{"level": ["ERROR"]}, {"contains": ["model"]}])) == []
