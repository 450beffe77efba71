"""The second rule over made-up logs: what had an impact is found, what is honest is not."""

from __future__ import annotations

import pytest

from integration.detection.loading import load_rules
from integration.detection.severity import Severity
from integration.log.event import parse
from integration.sandbox.sample import Plan, Scenario, occurrences
from integration.sandbox.sample.generator import by_host
from integration.times import parse_time
from tests.support.builders import findings_of

RULE = load_rules(ids=["ollama_model_loading_exploitation"])[0]
START = parse_time("2026-11-24T00:00:00Z")
HOUR = 3_600_000


def plan(scenario: Scenario, seed: int) -> Plan:
    """A day of three hosts, one a version."""
    return Plan(hosts=3, lines=6_000, scenarios=(scenario,), seed=seed, start=START, span=24 * HOUR)


def found(made: Plan) -> dict[tuple[str, int], Severity]:
    """The severities by host and window."""
    events = [parse(line.text, host=host, shipped_at=line.instant) for host, _, lines in by_host(made) for line in lines]
    return {(finding.host, finding.window_start): finding.severity for finding in findings_of(events, RULE)}


@pytest.mark.parametrize("seed", range(2))
def test_every_impact_is_serious(seed: int) -> None:
    made = plan(Scenario.ATTACK, seed)
    severities = found(made)
    missed = [
        (one.version, one.episode.name, severity)
        for one in occurrences(made)
        if one.episode.impact and not one.episode.blind
        if (severity := severities.get((one.host, RULE.windows.window_of(one.start).start), Severity.INFORMATIONAL)) < Severity.HIGH
    ]
    assert missed == []


@pytest.mark.parametrize("scenario", [Scenario.BENIGN, Scenario.NOISY])
def test_honest_logs_have_no_finding(scenario: Scenario) -> None:
    assert found(plan(scenario, 0)) == {}
