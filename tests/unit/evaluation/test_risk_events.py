"""Risk events stay small enough to be stored, whatever a log holds."""

from __future__ import annotations

import json

import pytest
from tenacity import stop_after_attempt

from integration.errors import PartlyAppliedError
from integration.evaluation.risk_events import MAX_MESSAGE_CHARACTERS, Written, risk_event, with_bounded_message, write
from integration.findings.values import MAX_BYTES
from integration.log.event import stored
from tests.support.builders import RULE, error, event, findings_of
from tests.support.memory_engine import MemoryEngine


def test_an_ordinary_finding_is_kept_whole() -> None:
    (finding,) = findings_of([event(error('msg="model" err="exit status 2"'))])
    assert with_bounded_message(finding) is finding
    assert risk_event(RULE, finding)["finding"]["error_messages"] == ["model"]


def test_the_risk_event_is_the_one_of_the_search() -> None:
    (finding,) = findings_of([event(error('msg="model"'), host="gpu-7")])
    kept = risk_event(RULE, finding)
    assert kept["risk"] == {"score": 10, "object": "gpu-7", "object_type": "system", "threat_objects": []}
    assert (kept["host"], kept["message"]) == ({"name": "gpu-7"}, finding.risk_message)
    assert kept["threat"] == {
        "tactic": {"id": ["TA0001"], "name": ["Initial Access"]},
        "technique": {"id": ["T1190"], "name": ["Exploit Public-Facing Application"]},
    }


def test_a_long_message_is_cut() -> None:
    (finding,) = findings_of([event(error(f'msg="model {n} {"x" * 10_000}" err="EOF"')) for n in range(10)])
    cut = with_bounded_message(finding)
    assert len(cut.risk_message) == MAX_MESSAGE_CHARACTERS
    assert cut["error_messages"] == finding["error_messages"]
    assert with_bounded_message(cut) is cut


def test_a_value_that_fits_nowhere_is_counted_only() -> None:
    (finding,) = findings_of([stored(error(f'msg="model {"x" * MAX_BYTES}"'), host="gpu-1", time=0)])
    cut = risk_event(RULE, finding)
    assert cut["finding"]["error_messages"] == []
    assert cut["finding"]["truncated"]["error_messages"] == 1
    assert len(json.dumps(cut)) < 100_000


@pytest.mark.parametrize(("length", "hosts", "bulks"), [(1, 501, 2), (600_000, 60, 5)])
def test_batches_are_bounded_by_number_and_by_text(length: int, hosts: int, bulks: int) -> None:
    """600,000 characters stand in the list and in the message: 13 findings make a batch."""
    found = findings_of([stored(error(f'msg="model {"x" * length}"'), host=f"gpu-{n}", time=0) for n in range(hosts)])
    asked: list[str] = []
    with MemoryEngine() as engine:
        engine.fault = lambda _, path: asked.append(path)
        assert write(engine, "risk", {RULE.id: RULE}, found) == Written(hosts, 0, 0)
    assert asked.count("/_bulk") == asked.count("/risk/_search") == bulks


def test_what_another_writer_just_stored_is_read_back_again_until_it_is_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integration.evaluation.risk_events._READ_BACK.sleep", lambda _seconds: None)
    found = findings_of([event(error('msg="model"'))])
    told: list[tuple[str, str]] = []
    searches = 0
    with MemoryEngine() as engine:
        write(engine, "risk", {RULE.id: RULE}, found)
        visible = dict(engine.indices["risk"])

        def hide(_method: str, path: str) -> None:
            nonlocal searches
            searches += path == "/risk/_search"
            engine.indices["risk"] = {} if path == "/risk/_search" and searches < 3 else dict(visible)

        engine.fault = hide
        assert write(engine, "risk", {RULE.id: RULE}, found, lambda f, result: told.append((f.id, result))) == Written(0, 0, 1)
    assert (searches, told) == (3, [])


def test_what_is_not_read_back_the_same_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integration.evaluation.risk_events._READ_BACK.stop", stop_after_attempt(2))
    monkeypatch.setattr("integration.evaluation.risk_events._READ_BACK.sleep", lambda _seconds: None)
    found = findings_of([event(error('msg="model"'), host="gpu-7")])
    told: list[tuple[str, str]] = []
    with MemoryEngine() as engine:
        engine.fault = lambda _method, path: engine.indices["risk"].clear() if path == "/risk/_search" else None
        with pytest.raises(PartlyAppliedError, match="gpu-7: stored, but not read back the same"):
            write(engine, "risk", {RULE.id: RULE}, found, lambda f, result: told.append((f.id, result)))
    assert told == [(found[0].id, "created")]
