"""Risk events stay small enough to be stored, whatever a log holds."""

from __future__ import annotations

import json

from integration.lists import MAX_BYTES
from integration.risk import MAX_MESSAGE_CHARACTERS, bounded, risk_event
from tests.support import RULE, error, event, findings_of


def test_an_ordinary_finding_is_kept_whole() -> None:
    (finding,) = findings_of([event(error('msg="model" err="exit status 2"'))])
    assert bounded(finding) is finding
    assert risk_event(RULE, finding)["finding"]["error_messages"] == ["model"]


def test_a_long_message_is_cut() -> None:
    (finding,) = findings_of([event(error(f'msg="model {n} {"x" * 10_000}" err="EOF"')) for n in range(10)])
    cut = bounded(finding)
    assert len(cut.risk_message) == MAX_MESSAGE_CHARACTERS
    assert cut.error_messages == finding.error_messages
    assert bounded(cut) is cut


def test_a_value_that_fits_nowhere_is_counted_only() -> None:
    (finding,) = findings_of([event(error(f'msg="model {"x" * MAX_BYTES}"'))])
    cut = risk_event(RULE, finding)
    assert cut["finding"]["error_messages"] == []
    assert cut["finding"]["truncated"]["error_messages"] == 1
    assert len(json.dumps(cut)) < 100_000
