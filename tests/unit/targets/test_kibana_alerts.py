"""Alerts in Kibana read back to findings: their forms, their pages, their states, and what somebody meddled with."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.engines.kibana import Kibana
from integration.errors import ClusterError, ForbiddenError
from integration.evaluation.history import AlertQuery, AlertState, FindingQuery, Skipped
from integration.findings.finding import Finding
from integration.names import Namespace
from integration.targets.kibana import alerts as kibana_alerts
from integration.targets.kibana.alerts import flattened, kibana_findings
from tests.support.builders import RULE, error, event, findings_of, merged
from tests.support.fake_cluster import Answer
from tests.support.fake_kibana import FakeKibana
from tests.support.fake_kibana_alerts import detection_alert

NAMESPACE = Namespace("default")
DETECTIONS = ".alerts-security.alerts-default"
SIGNALS = "/api/detection_engine/signals/search"
FOUND = findings_of([event(error(f'msg="model {n}" err="e {n % 2}"'), host=f"gpu-{n % 5}") for n in range(12)])


def read(kibana: Kibana, state: AlertState = AlertState.ALL) -> tuple[list[Finding], list[str]]:
    """The findings, and what was left out."""
    left_out = Skipped()
    asked = AlertQuery(FindingQuery({RULE.id: RULE}), state, left_out)
    found = merged(kibana_findings(kibana, RULE, NAMESPACE, asked))
    return found, list(left_out.notes())


def test_alerts_of_a_detection_rule_come_page_by_page(
    fake_kibana: FakeKibana, kibana: Kibana, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kibana_alerts, "_PAGE", 2)
    alerts = [detection_alert(RULE, NAMESPACE, finding) for finding in FOUND]
    random.Random(1).shuffle(alerts)
    fake_kibana.alerts.add(DETECTIONS, *alerts)
    fake_kibana.alerts.add(DETECTIONS, detection_alert(RULE, Namespace("other"), FOUND[0]) | {"finding.host": "not ours"})
    fake_kibana.alerts.add(".alerts-security.alerts-soc", detection_alert(RULE, NAMESPACE, FOUND[0]) | {"finding.host": "not here"})
    assert read(kibana) == (FOUND, [])
    assert [request.json["size"] for request in fake_kibana.asked("POST", SIGNALS)] == [2, 2, 2]


def test_open_and_closed_alerts_are_told_apart(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    states = ["open", "acknowledged", "closed", "closed", "open"]
    fake_kibana.alerts.add(DETECTIONS, *(detection_alert(RULE, NAMESPACE, f, s) for f, s in zip(FOUND, states, strict=True)))
    assert read(kibana, AlertState.OPEN)[0] == [FOUND[0], FOUND[1], FOUND[4]]
    assert read(kibana, AlertState.CLOSED)[0] == [FOUND[2], FOUND[3]]
    assert read(kibana, AlertState.ALL)[0] == FOUND


def nested(flat: dict[str, Any], chosen: random.Random) -> dict[str, Any]:
    """The same names, some of their dots as objects."""
    document: dict[str, Any] = {}
    for name, value in flat.items():
        parts = name.split(".")
        cuts = [chosen.random() < 0.5 for _ in parts[1:]]
        keys = [parts[0]]
        for part, cut in zip(parts[1:], cuts, strict=True):
            if cut:
                keys.append(part)
            else:
                keys[-1] += f".{part}"
        at = document
        for key in keys[:-1]:
            at = at.setdefault(key, {})
        at[keys[-1]] = value
    return document


@given(st.randoms(use_true_random=False))
def test_names_may_be_nested_flat_or_both(chosen: random.Random) -> None:
    alert = detection_alert(RULE, NAMESPACE, FOUND[0])
    assert dict(flattened(nested(alert, chosen))) == alert


HOSTILE: list[dict[str, Any]] = [
    {"finding.host": {"deep": {"er": 1}}},
    {"finding.host": ["gpu-1", "gpu-2"]},
    {"finding.error_count": "many\x1b[2J"},
    {"finding.error_count": float("inf")},
    {"finding.risk_score": {"$gt": 0}},
    {"finding.severity": 4},
    {"finding.severity": "grave"},
    {"finding.window_start": "yesterday"},
    {"finding.window_start": None},
    {"finding.error_messages": [None, {"a": 1}]},
    {"finding.truncated.error_messages": "NaN"},
    {"finding.rule_id": 7},
]


@pytest.mark.parametrize("meddled", HOSTILE, ids=lambda meddled: "".join(meddled))
def test_an_alert_that_somebody_meddled_with_is_passed_over_and_told(
    fake_kibana: FakeKibana, kibana: Kibana, meddled: dict[str, Any]
) -> None:
    first, *others = [detection_alert(RULE, NAMESPACE, finding) for finding in FOUND]
    fake_kibana.alerts.add(DETECTIONS, first | meddled, *others)
    found, notes = read(kibana)
    assert found == FOUND[1:]
    (note,) = notes
    assert note.startswith("Left out: 1 alerts of detection rules that hold no finding")
    assert "\n" not in note
    assert len(note) < 500


def test_alerts_that_kibana_does_not_show_are_an_error(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    fake_kibana.on("POST", SIGNALS, Answer({"message": "Forbidden"}, 403))
    with pytest.raises(ForbiddenError, match="403"):
        read(kibana)


def test_an_answer_that_is_no_result_is_told(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    fake_kibana.on("POST", SIGNALS, Answer({"hits": "none"}))
    with pytest.raises(ClusterError, match="not a result of a search"):
        read(kibana)
