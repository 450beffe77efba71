from __future__ import annotations

import pytest

from integration.cli import findings_table
from integration.cli.findings_table import totals_of
from integration.commands.backtest import Sums
from integration.findings import severity_counts
from integration.findings.finding import Finding
from tests.support.builders import error, event, findings_of, rule_with


def found(*places: tuple[str, str, int]) -> list[Finding]:
    """Findings at a time on a host, each of so many errors."""
    return findings_of([event(error('msg="model"', at=f"{at}:00.000Z"), host) for at, host, count in places for _ in range(count)])


MANY = [("2026-11-24T09:00", "a", 1), ("2026-11-24T10:00", "b", 3), ("2026-11-25T09:00", "b", 6), ("2026-11-25T09:00", "a", 1)]


def said(findings: list[Finding], width: int | None = 120) -> dict[str, str]:
    sums = Sums()
    assert list(sums.counted(findings)) == findings
    return totals_of(sums, width)


def test_days_and_hosts_are_counted_by_severity_the_worst_host_first() -> None:
    assert said(found(*MANY)) == {
        "severity": "1 critical, 1 high, 2 medium",
        "day (UTC)": "11-25: 2 (1 critical), 11-24: 2 (1 high)",
        "host": "b: 2 (1 critical), a: 2 medium",
    }


def test_days_of_several_years_name_the_year() -> None:
    findings = found(("2026-12-31T09:00", "a", 1), ("2026-12-31T10:00", "a", 1), ("2027-01-01T09:00", "a", 1), *MANY[:1])
    assert said(findings)["day (UTC)"] == "2027-01-01: 1 medium, 2026-12-31: 2 medium, 2026-11-24: 1 medium"


def test_findings_of_one_window_need_no_totals() -> None:
    assert said(found(("2026-11-24T09:00", "a", 1), ("2026-11-24T09:00", "b", 3))) == {}


def test_rules_are_counted_where_there_are_several() -> None:
    events = [event(error('msg="model"', at=f"{at}:00.000Z"), host) for at, host, _ in MANY]
    both = [*findings_of(events), *findings_of(events, rule_with())]
    assert said(both)["rule"] == "ollama_possible_rce_via_model_loading: 4 medium, other_rule: 4 medium"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_line_names_as_many_hosts_as_it_holds(width: int) -> None:
    findings = found(*((f"2026-11-24T{n % 5:02}:00", f"gpu-{n:02}", 1 + 5 * (n < 20)) for n in range(30)))
    line = said(findings, width)["host"]
    assert width - len("day (UTC)  ") - len("gpu-00: 1 critical, ") < len(line) <= width - len("day (UTC)  ")
    *named, others = line.split(", ")
    assert named == [f"gpu-{n:02}: 1 critical" for n in range(len(named))]
    assert others == f"others: {30 - len(named)} ({20 - len(named)} critical)"


def test_the_last_name_stands_there_though_it_takes_a_second_line() -> None:
    events = [event(error('msg="model"', at=f"{at}:00.000Z"), host) for at, host, _ in MANY]
    rules = said([*findings_of(events), *findings_of(events, rule_with())], 60)["rule"]
    assert rules == "ollama_possible_rce_via_model_loading: 4 medium, other_rule: 4 medium"


def test_a_name_cannot_read_as_the_count_of_another() -> None:
    hosts = ("gpu-1 9 (9 critical), b", "x" * 500, 'a"\x1b', "a")
    findings = found(*((f"2026-11-24T{n:02}:00", host, 1) for n, host in enumerate(hosts)))
    quoted = (
        r'"a\"\\x1b": 1 medium',
        '"gpu-1 9 (9 critical), b": 1 medium',
        f'"{"x" * (findings_table._MAX_NAME - 1)}…": 1 medium',
    )
    assert said(findings, 500)["host"] == ", ".join(("a: 1 medium", *quoted))


def test_very_many_hosts_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(severity_counts, "MAX_KEYS", 20)
    findings = found(("2026-11-25T09:00", "zz", 6), *((f"2026-11-24T{n % 5:02}:00", f"gpu-{n:02}", 1) for n in range(30)))
    hosts = said(findings, 10_000)["host"].split(", ")
    assert len(hosts) == findings_table._MOST_SHOWN + 1
    assert hosts[-1] == f"others: {31 - findings_table._MOST_SHOWN} (1 critical)"
    whole = said(findings, None)["host"].splitlines()
    assert (len(whole), whole[0], whole[-1]) == (20 + 1, "gpu-00: 1 medium", "others: 11 (1 critical)")
