from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from integration.detection.schedule import Window
from integration.findings import values
from integration.findings.finding import Finding, Statistics, build_finding, in_zone
from integration.findings.values import Values
from integration.log.event import UNKNOWN_HOST
from integration.times import millis_shown
from tests.support.builders import RULE, error, event, findings_of, with_columns


def finding_with(zone: str = "UTC", **columns: tuple[str, ...]) -> Finding:
    base = {"error_messages": ("m",), "error_details": ("d",), "code_sources": ("s",)}
    values = {name: Values(shown) for name, shown in (base | columns).items()}
    statistics = Statistics(2, 1_795_510_200_001, 1_795_513_000_999, values, {"model_error": 2}, frozenset())
    finding = build_finding(RULE, "gpu-1", Window(1_795_510_200_000, 1_795_513_800_000, 0), statistics, ZoneInfo(zone))
    assert finding is not None
    return finding


def test_rows_are_dropped_when_a_list_is_empty() -> None:
    finding = finding_with(error_details=())
    assert finding.spl_row_count == 0
    assert list(finding.spl_rows(10)) == []


def test_rows_explode_in_the_order_of_the_by_fields() -> None:
    finding = finding_with(code_sources=("s1", "s2"), error_messages=("m1", "m2"))
    rows = list(finding.spl_rows(10))
    assert finding.spl_row_count == 4 == len(rows)
    assert [(r["code_sources"], r["error_messages"]) for r in rows] == [("s1", "m1"), ("s1", "m2"), ("s2", "m1"), ("s2", "m2")]
    assert list(rows[0]) == [
        "first_error",
        "last_error",
        "host",
        "code_sources",
        "error_count",
        "unique_error_types",
        "error_types",
        "error_messages",
        "error_details",
        "severity",
        "attack_type",
        "count",
    ]


def test_row_count_is_computed_not_enumerated() -> None:
    many = tuple(f"{n:05d}" for n in range(10_000))
    finding = finding_with(error_messages=many, error_details=many, code_sources=many)
    assert finding.spl_row_count == 10**12
    assert len(list(finding.spl_rows(3))) == 3


def test_times_print_in_the_zone_after_flooring_to_epoch_hours() -> None:
    finding = finding_with(zone="Asia/Kolkata")
    assert finding["first_error"] == "2026-11-24 13:30:00"
    assert finding.to_json()["window_start"] == "2026-11-24T08:50:00Z"


def test_a_kept_finding_prints_in_any_zone() -> None:
    kept, shown = finding_with(zone="Asia/Tokyo"), finding_with(zone="Asia/Kolkata")
    assert in_zone(kept, ZoneInfo("Asia/Kolkata")) == shown != kept
    meddled = with_columns(kept, last_seen=millis_shown("9999-12-31T23:59:59Z"))
    assert in_zone(meddled, ZoneInfo("Asia/Kolkata")) == meddled


def test_risk_message_fills_tokens_once() -> None:
    finding = finding_with(error_messages=("$host$", "b"))
    assert "errors detected on gpu-1 with 2 failures showing error messages $host$, b, potentially" in finding.risk_message


def test_the_message_of_an_unknown_host_says_that_it_may_be_several() -> None:
    (finding,) = findings_of([event(error('msg="model"'), host=UNKNOWN_HOST)])
    assert finding.risk_message.endswith(" (the host is unknown: this may sum up several machines)")
    assert "unknown" not in finding_with().risk_message


def test_id_depends_on_rule_host_and_window_only() -> None:
    one, other = finding_with(), finding_with(error_messages=("else",))
    assert one.id == other.id
    (elsewhere,) = findings_of([event(error('msg="model"'), host="gpu-2")])
    assert elsewhere.id != one.id
    (early,), (late,) = (findings_of([event(error('msg="model"', at=f"2026-11-24T09:{m}:00.000Z"))]) for m in ("05", "40"))
    assert early.id == late.id


def test_json_has_the_contract_s_keys_in_order_and_round_trips() -> None:
    finding = finding_with()
    record = finding.to_json()
    assert list(record) == [
        "rule_id",
        "host",
        "window_start",
        "window_end",
        "error_count",
        "first_error",
        "last_error",
        "first_seen",
        "last_seen",
        "error_messages",
        "error_details",
        "code_sources",
        "error_types",
        "unique_error_types",
        "severity",
        "attack_type",
        "risk_score",
        "risk_message",
        "spl_row_count",
    ]
    assert Finding.from_json(record, RULE) == finding


def test_long_lists_are_cut_and_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_VALUES", 3)
    lines = [event(error(f'msg="model {n}" err="e"')) for n in (9, 1, 8, 2, 7, 1, 9, 0)]
    (finding,) = findings_of(lines)
    assert finding["error_messages"] == ("model 0", "model 1", "model 2")
    assert finding.to_json()["truncated"] == {"error_messages": 3}
    assert finding.spl_row_count == 0  # no line has a source
    assert Finding.from_json(finding.to_json(), RULE) == finding
