from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from integration.detection.columns import Column, Kind
from tests.support.builders import RULE, rule_with

COLUMNS = RULE.model_dump()["columns"]


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        ({"count": "events"}, Kind.EVENTS),
        ({"first": "@timestamp"}, Kind.TIME),
        ({"last": "@timestamp", "floor": "5m"}, Kind.FLOORED),
        ({"values": "source.ip"}, Kind.LIST),
        ({"values": "label"}, Kind.LABELS),
        ({"counts": "label"}, Kind.COUNTS),
        ({"distinct": "messages"}, Kind.DISTINCT),
        ({"score": "label"}, Kind.SCORE),
    ],
)
def test_a_column_is_what_it_states(stated: dict[str, str], kind: Kind) -> None:
    assert Column.model_validate(stated).kind is kind


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({}, "exactly one of `count`"),
        ({"count": "events", "values": "label"}, "exactly one of `count`"),
        ({"values": "label", "floor": "1h"}, "`floor` goes with `first` or `last` alone"),
        ({"values": "nope"}, "'nope' is not an event field; use one of ollama.msg"),
    ],
)
def test_what_is_no_column_is_refused(stated: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Column.model_validate(stated)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"columns": COLUMNS | {"severity": {"count": "events"}}}, "'severity' is the name of something else"),
        ({"columns": COLUMNS | {"condition_3": {"values": "ollama.msg"}}}, "'condition_3' is the name of something else"),
        ({"columns": COLUMNS | {"many": {"distinct": "error_count"}}}, "there is no list 'error_count'"),
        ({"rows": {"by": ["host", "nope"]}}, "names unknown nope; there are: attack_type, code_sources"),
        ({"severity": [{"level": "low", "any": [{"column": "nope", "greater_than": 1}]}]}, "names unknown nope"),
        (
            {"severity": [{"level": "low", "any": [{"column": "error_count", "contains": "x"}]}]},
            "error_count is tested by `greater_than` and by nothing else",
        ),
        (
            {"severity": [{"level": "low", "any": [{"labels": ["nope"], "greater_than": 1}]}]},
            "names unknown nope; there are: ",
        ),
    ],
)
def test_a_rule_names_its_own_columns_alone(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        rule_with(**changes)
