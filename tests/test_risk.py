"""Risk events stay small enough to be stored, whatever a log holds."""

from __future__ import annotations

import json

from integration.risk import MAX_LIST_BYTES, MAX_MESSAGE_CHARACTERS, bounded, risk_event
from tests.support import RULE, error, event, findings_of


def test_an_ordinary_finding_is_kept_whole() -> None:
    (finding,) = findings_of([event(error('msg="model" err="exit status 2"'))])
    assert bounded(finding) is finding
    assert risk_event(RULE, finding)["finding"]["error_messages"] == ["model"]


def test_lists_are_cut_by_their_bytes_and_the_rest_is_counted() -> None:
    length = MAX_LIST_BYTES // 8
    lines = [event(error(f'msg="model {n} {"é" * (length // 2)}" err="EOF"')) for n in range(10)]
    (finding,) = findings_of(lines)
    cut = bounded(finding)
    assert cut.error_messages == finding.error_messages[:7]
    assert dict(cut.truncated) == {"error_messages": 3}
    assert (cut.error_count, cut.severity, cut.error_details) == (10, finding.severity, ("EOF",))
    assert cut.spl_row_count == finding.spl_row_count
    assert len(cut.risk_message) == MAX_MESSAGE_CHARACTERS
    assert bounded(cut) is cut


def test_a_value_that_fits_nowhere_is_counted_only() -> None:
    (finding,) = findings_of([event(error(f'msg="model {"x" * MAX_LIST_BYTES}"'))])
    cut = risk_event(RULE, finding)
    assert cut["finding"]["error_messages"] == []
    assert cut["finding"]["truncated"]["error_messages"] == 1
    assert len(json.dumps(cut)) < 100_000
