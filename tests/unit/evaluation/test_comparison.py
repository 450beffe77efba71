"""How the findings of both sides are held against each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration.evaluation import comparison
from integration.evaluation.comparison import compare
from integration.findings.finding import Finding
from tests.support.builders import error, event, findings_of, with_columns

HOSTS = ("a", "b", "c", "d", "\uffff", "\U00010000")


def found(*hosts: str) -> list[Finding]:
    return findings_of([event(error('source=server.go:1 msg="model" err="exit status 1"'), host=host) for host in hosts])


def test_each_side_may_lack_any_finding() -> None:
    result = compare(found("b", "c", "\U00010000"), found("a", "c", "d", "\uffff"))
    assert (result.findings, result.agrees, result.left_out) == (6, False, 0)
    assert [(d.host, d.field, d.reference, d.cluster) for d in result.differences] == [
        ("a", "finding", "absent", "present"),
        ("b", "finding", "present", "absent"),
        ("d", "finding", "absent", "present"),
        ("\uffff", "finding", "absent", "present"),
        ("\U00010000", "finding", "present", "absent"),
    ]
    assert compare(found(*HOSTS), found(*HOSTS)).agrees
    assert compare([], []).findings == 0


def test_of_the_rows_the_first_that_differ_are_told() -> None:
    (reference,) = found("a")
    reference = with_columns(reference, error_details=("x", "y"))
    cluster = with_columns(reference, error_details=("x", "z"))
    result = compare([reference], [cluster])
    told = {d.field: (d.reference, d.cluster) for d in result.differences}
    assert told["error_details"] == (["x", "y"], ["x", "z"])
    assert [row["error_details"] for row in told["spl_rows"]] == ["y", "z"]
    assert told.keys() == {"error_details", "spl_rows"}


@pytest.mark.parametrize(("bound", "value", "kept"), [("MAX_DIFFERENCES", 3, 3), ("MAX_CHARACTERS", 0, 1)])
def test_differences_are_counted_beyond_those_that_are_kept(
    monkeypatch: pytest.MonkeyPatch, bound: str, value: int, kept: int
) -> None:
    monkeypatch.setattr(comparison, bound, value)
    reference = found(*HOSTS)
    result = compare(reference, [replace(finding, risk_score=1) for finding in reference])
    assert [d.field for d in result.differences] == ["risk_score"] * kept
    assert result.left_out == len(HOSTS) - kept
    assert not result.agrees
