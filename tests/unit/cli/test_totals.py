from __future__ import annotations

import pytest

from integration.cli import totals
from integration.cli.totals import Totals
from integration.findings import severity_counts
from integration.findings.finding import Finding
from tests.support.builders import error, event, findings_of, rule_with


def found(*places: tuple[str, str, int]) -> list[Finding]:
    """Findings at a time on a host, each of so many errors."""
    return findings_of([event(error('msg="model"', at=f"{at}:00.000Z"), host) for at, host, count in places for _ in range(count)])


MANY = [("2026-11-24T09:00", "a", 1), ("2026-11-24T10:00", "b", 3), ("2026-11-25T09:00", "b", 6), ("2026-11-25T09:00", "a", 1)]


def shown(findings: list[Finding], *, whole: bool = False) -> list[list[list[str]]]:
    counted = Totals()
    assert list(counted.counted(findings)) == findings
    return [[columns, *([str(cell) for cell in row] for row in rows)] for columns, rows in counted.tables(whole=whole)]


def test_days_and_hosts_are_counted_by_severity_the_worst_host_first() -> None:
    days, hosts = shown(found(*MANY))
    header = ["findings", "critical", "high", "medium"]
    assert days == [["day (UTC)", *header], ["2026-11-25", "2", "1", "", "1"], ["2026-11-24", "2", "", "1", "1"]]
    assert hosts == [["host", *header], ["b", "2", "1", "1", ""], ["a", "2", "", "", "2"]]


def test_findings_of_one_window_need_no_totals() -> None:
    assert shown(found(("2026-11-24T09:00", "a", 1), ("2026-11-24T09:00", "b", 3))) == []


def test_rules_are_counted_where_there_are_several() -> None:
    events = [event(error('msg="model"', at=f"{at}:00.000Z"), host) for at, host, _ in MANY]
    both = [*findings_of(events), *findings_of(events, rule_with())]
    assert [table[0][0] for table in shown(both)] == ["day (UTC)", "rule", "host"]


def test_very_many_hosts_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(severity_counts, "MAX_KEYS", 20)
    findings = found(("2026-11-25T09:00", "zz", 6), *((f"2026-11-24T{n % 5:02}:00", f"gpu-{n:02}", 1) for n in range(30)))
    hosts = shown(findings)[1]
    assert len(hosts) == 1 + totals._MOST_HOSTS + 1
    assert sum(int(row[1]) for row in hosts[1:]) == 31
    assert hosts[-1][:2] == ["all others", str(31 - totals._MOST_HOSTS)]
    assert len(shown(findings, whole=True)[1]) == 1 + 20 + 1
