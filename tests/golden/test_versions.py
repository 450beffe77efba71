"""A rule that says something else has another version, by which an installed one is told from it."""

from __future__ import annotations

from typing import Any

import pytest

from integration.detection.loading import load_rules
from integration.detection.model import Rule
from tests.golden.versions import entry, kept, unraised
from tests.support.builders import RULE

RULES = load_rules()


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_another_content_has_another_version(rule: Rule) -> None:
    before = kept().get(rule.id)
    if unraised(rule, before):
        pytest.fail(f"{rule.file} has changed: raise its `version` above {rule.version}, then `make golden`", pytrace=False)
    assert before == entry(rule), f"the version of {rule.file} is new: `make golden` keeps it"


def test_rules_that_are_gone_are_not_kept() -> None:
    assert kept().keys() == {rule.id for rule in RULES}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, False), ({"name": "Another"}, True), ({"name": "Another", "version": 99}, False), ({"version": 99}, False)],
)
def test_what_counts_as_a_change(changes: dict[str, Any], expected: bool) -> None:
    assert unraised(RULE.model_copy(update=changes), entry(RULE)) is expected
