"""Rows that Splunk printed against ours: what differs, what is explained, and what may be the cause of the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integration.errors import InputError
from integration.evaluation import splunk_rows
from integration.evaluation.reference import Reference
from integration.evaluation.splunk_export import Export, ExportRow
from integration.evaluation.splunk_reasons import FILTERED, LINE_CUT, LIST_CUT, NOT_FLOORED, REDACTED
from integration.evaluation.splunk_rows import RowComparison, RowKind, compare_rows
from integration.findings.finding import Finding
from tests.support.builders import RULE, error, event, findings_of, rule_with, with_columns

LINE = 'source=server.go:1 msg="model" err="disk full"'


def found(*hosts: str, line: str = LINE) -> list[Finding]:
    return findings_of([event(error(line), host) for host in hosts])


def rows_of(findings: list[Finding]) -> list[dict[str, Any]]:
    return [{name: str(value) for name, value in row.items()} for finding in findings for row in finding.spl_rows(1_000)]


def exported(rows: list[dict[str, Any]]) -> Export:
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Export("e.csv", columns, tuple(ExportRow(f"e.csv:{n}", row) for n, row in enumerate(rows, 2)))


def compared(
    rows: list[dict[str, Any]], findings: list[Finding], zone: tzinfo = UTC, filtered: tuple[str, ...] = ()
) -> RowComparison:
    return compare_rows(RULE, exported(rows), findings, zone, filtered)


def test_the_same_rows_in_any_order_agree() -> None:
    findings = found("a", "b")
    result = compared(rows_of(findings)[::-1], findings)
    assert (result.agrees, result.splunk, result.here, result.same) == (True, 2, 2, 2)
    assert "count" in result.columns


def test_a_row_that_is_there_twice_is_one_too_many() -> None:
    findings = found("a")
    result = compared(rows_of(findings) * 2, findings)
    (difference,) = result.unexplained
    assert (difference.kind, difference.place, result.agrees) == (RowKind.ONLY_SPLUNK, "e.csv:3", False)


def test_rows_of_one_side_and_hosts_that_are_named_otherwise() -> None:
    result = compared(rows_of(found("gpu-1.lan")), found("gpu-1"))
    assert [(each.kind, each.host) for each in result.unexplained] == [
        (RowKind.ONLY_HERE, "gpu-1"),
        (RowKind.ONLY_SPLUNK, "gpu-1.lan"),
    ]
    assert result.hints == ["No host is on both sides: are the machines named alike? --host names that of a log."]
    assert {cell.splunk for cell in result.unexplained[0].cells} == {""}


def test_a_cell_that_differs_is_told_with_its_column() -> None:
    findings = found("a")
    (row,) = rows_of(findings)
    (difference,) = compared([row | {"error_details": "Disk full", "severity": "high"}], findings).unexplained
    assert [(cell.column, cell.splunk, cell.here) for cell in difference.cells] == [
        ("error_details", "Disk full", "disk full"),
        ("severity", "high", "medium"),
    ]
    assert (difference.kind, difference.place) == (RowKind.CELLS, "e.csv:2")


def test_of_several_rows_the_most_alike_are_paired() -> None:
    findings = findings_of([event(error(f'source=s.go:{n} msg="model" err="e{n}"'), "a") for n in range(3)])
    rows = rows_of(findings)
    rows[4]["error_details"] = "E"
    (difference,) = compared(rows, findings).unexplained
    assert [(cell.column, cell.splunk) for cell in difference.cells] == [("error_details", "E")]


def test_a_host_without_a_row_is_explained() -> None:
    findings = [*found("a"), *found("b", line='source=server.go:1 msg="model"')]
    result = compared(rows_of(findings), findings)
    assert (result.agrees, [(each.host, each.empty) for each in result.silent]) == (True, [("b", ("error_details",))])
    assert compared([], findings[1:]).agrees


def test_nothing_on_either_side_is_no_agreement() -> None:
    assert not compared([], []).agrees


def test_times_are_compared_as_they_are_printed_in_the_zone_of_the_export() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    lines = [event(error(LINE), "a")]
    reference = Reference(RULE, zone)
    for each in lines:
        reference.add(each)
    findings = list(reference.findings())
    reference.close()
    (row,) = rows_of(findings)
    assert row["first_error"] == "2026-11-24 14:30:00"
    for text in ("2026-11-24T14:30:00.000+0530", "1795510800", "2026-11-24 09:00:00 UTC"):
        assert compared([row | {"first_error": text, "last_error": text}], findings, zone).agrees
    with pytest.raises(InputError, match=r"^e\.csv:2, column first_error: 'soon' is not a time"):
        compared([row | {"first_error": "soon"}], findings, zone)


def test_times_of_another_zone_are_hinted_at() -> None:
    findings = found("a", "b")
    rows = [row | dict.fromkeys(("first_error", "last_error"), "2026-11-24 10:00:00") for row in rows_of(findings)]
    result = compared(rows, findings)
    assert (len(result.unexplained), result.agrees) == (2, False)
    assert result.hints == [
        "Every time is 1 hour later in Splunk: give the time zone of the user who exported the rows by --timezone."
    ]


def test_times_that_are_not_floored_are_explained() -> None:
    findings = found("a")
    (row,) = rows_of(findings)
    result = compared([row | {"first_error": "2026-11-24 09:17:31", "last_error": "2026-11-24 09:59:59"}], findings)
    assert (result.agrees, [each.reason for each in result.explained]) == (True, [NOT_FLOORED])
    assert not compared([row | {"first_error": "2026-11-24 10:00:01"}], findings).agrees


@pytest.mark.parametrize("leaked", ["bob@example.com", "api_key=hunter2 ", "Authorization=Bearer hunter2"])
def test_what_is_redacted_here_is_explained(leaked: str) -> None:
    findings = found("a", line=f'source=server.go:1 msg="model of {leaked}" err="EOF"')
    (row,) = rows_of(findings)
    assert leaked not in row["error_messages"]
    result = compared([row | {"error_messages": f"model of {leaked}"}], findings)
    assert (result.agrees, [each.reason for each in result.explained]) == (True, [REDACTED])
    assert not compared([row | {"error_messages": f"model of {leaked}", "error_count": "9"}], findings).agrees
    assert not compared([row | {"error_messages": f"another model of {leaked}"}], findings).agrees


def test_a_credential_that_the_add_on_leaves_is_explained() -> None:
    findings = found("a", line='source=server.go:1 msg="model of Authorization: Bearer hunter2" err="EOF"')
    (row,) = rows_of(findings)
    assert "hunter2" not in row["error_messages"]
    result = compared([row | {"error_messages": "model of Authorization=[REDACTED] hunter2"}], findings)
    assert (result.agrees, [each.reason for each in result.explained]) == (True, [REDACTED])


def test_a_redaction_explains_no_other_difference_beside_it() -> None:
    findings = found("a", line='source=server.go:1 msg="model of api_key=hunter2 is broken" err="EOF"')
    (row,) = rows_of(findings)
    for text in ("model of api_key=[REDACTED] is fine", "model of api_key=hunter2 is fine", "model of api_key=[REDACTED]"):
        assert not compared([row | {"error_messages": text}], findings).agrees


def test_in_a_list_each_value_that_differs_must_be_explained() -> None:
    rule = rule_with(rows={"table": ["host", "error_messages"]})
    texts = ("model of api_key=hunter2", "model of bob@example.com", "model one", "model two")
    findings = findings_of([event(error(f'source=s.go:1 msg="{text} "'), "a") for text in texts], rule)

    def result(*values: str) -> RowComparison:
        return compare_rows(
            rule, exported([{"host": "a", "error_messages": "\n".join(f"{each} " for each in values)}]), findings, UTC
        )

    assert [each.reason for each in result(*texts).explained] == [REDACTED]
    assert not result(*texts[:3]).agrees
    assert not result(*texts, "model three").agrees
    assert not result(*texts[:3], "model x").agrees


def test_a_value_that_no_line_was_cut_at_is_a_difference() -> None:
    findings = found("a")
    (row,) = rows_of(findings)
    assert not compared([row | {"error_details": "disk full" + "x" * 20_000}], findings).agrees


def test_a_time_that_lacks_on_one_side_is_a_difference() -> None:
    findings = found("a")
    (row,) = rows_of(findings)
    result = compared([row | {"first_error": ""}], findings)
    assert [(cell.column, cell.splunk) for cell in result.unexplained[0].cells] == [("first_error", "")]


def test_values_that_are_one_when_redacted_are_explained() -> None:
    findings = found("a", line='source=server.go:1 msg="model of bob@example.com" err="EOF"')
    (row,) = rows_of(findings)
    rows = [row | {"error_messages": f"model of {name}@example.com"} for name in ("bob", "eve")]
    result = compared(rows, findings)
    assert (result.agrees, [each.reason for each in result.explained]) == (True, [REDACTED] * 2)


def test_lines_that_splunk_cut_are_explained() -> None:
    long = "model " + "x" * 20_000
    findings = found("a", line=f'source=server.go:1 msg="{long}" err="EOF"')
    (row,) = rows_of(findings)
    assert [each.reason for each in compared([row | {"error_messages": long[:9_900]}], findings).explained] == [LINE_CUT]
    assert not compared([row | {"error_messages": long[1:]}], findings).agrees


def test_values_beyond_those_that_a_finding_shows_are_explained() -> None:
    (whole,) = findings_of([event(error(f'source=s.go:1 msg="model" err="{n}"'), "a") for n in range(3)])
    cut = replace(with_columns(whole, error_details=("0", "1")), truncated=(("error_details", 1),))
    rows = rows_of([whole])
    result = compared(rows, [cut])
    assert (result.agrees, result.same, [each.reason for each in result.explained]) == (True, 2, [LIST_CUT])


def test_a_host_that_the_filter_takes_away_is_explained() -> None:
    result = compared(rows_of(found("a", "b")), found("b"), filtered=("a",))
    assert (result.agrees, [(each.host, each.reason) for each in result.explained]) == (True, [("a", FILTERED)])


def test_more_rows_than_are_compared_are_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splunk_rows, "MAX_ROWS", 2)
    findings = findings_of([event(error(f'source=s.go:1 msg="model" err="{n}"'), "a") for n in range(5)])
    result = compared(rows_of(findings)[:2], findings)
    assert (result.agrees, result.same, result.beyond, result.unexplained) == (False, 2, 3, [])


def test_differences_are_counted_beyond_those_that_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splunk_rows, "MAX_DIFFERENCES", 2)
    result = compared([], found("a", "b", "c"))
    assert (len(result.unexplained), result.left_out, result.agrees) == (2, 1, False)


def test_columns_that_only_one_side_has_are_not_compared() -> None:
    findings = found("a")
    (row,) = rows_of(findings)
    del row["attack_type"], row["count"]
    result = compared([row | {"_time": "2026"}], findings)
    assert (result.agrees, {"attack_type", "count", "_time"} & set(result.columns)) == (True, set())


def test_a_table_has_lists_in_its_cells() -> None:
    rule = rule_with(rows={"table": ["host", "error_messages", "first_seen"]})
    findings = findings_of([event(error(f'source=s.go:1 msg="model {n}"'), "a") for n in range(2)], rule)
    row = {"host": "a", "error_messages": "model 0\nmodel 1", "first_seen": "1795510800"}
    assert compare_rows(rule, exported([row]), findings, UTC).agrees
    assert not compare_rows(rule, exported([row | {"error_messages": "model 1"}]), findings, UTC).agrees
