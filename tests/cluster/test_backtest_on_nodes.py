"""The past in one pass finds what a search for each window finds, and what the reference does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from integration.commands.evidence import first_lines
from integration.detection.cases import load_cases
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation import buckets
from integration.evaluation.backtest import Backtest
from integration.evaluation.cluster import evaluate
from integration.evaluation.comparison import compare
from integration.evaluation.reference import Classifier
from integration.findings.finding import Finding, build_finding
from integration.log.event import parse
from integration.names import Namespace
from integration.sandbox.local import Node
from integration.times import parse_time
from tests.support.builders import findings_of
from tests.support.cli import detect
from tests.support.html_page import HtmlPage
from tests.support.installing import install_shared
from tests.support.shipped import Shipped, drop, stored

BASE = parse_time("2026-11-24T08:50:00Z")
HOUR = 3_600_000
RULES = load_rules()
WINDOWS = list(RULES[0].windows.within(BASE - 2 * HOUR, BASE + 9 * HOUR))
NAMESPACE = Namespace("past")


def _lines() -> list[Shipped]:
    """Lines of every class of both rules on two hosts over seven windows, one of them with values that no search shows."""
    signals = [case.line for rule in RULES for file in load_cases(rule) for _, each in file.cases for case in each.labels]
    spread = [Shipped(line, f"gpu-{n % 2}", BASE + n * 7 * HOUR // len(signals)) for n, line in enumerate(signals)]
    loud = [Shipped(f'level=ERROR msg="model {n:04}"', "loud", BASE + HOUR + n) for n in range(1_050)]
    borders = [Shipped('level=ERROR msg="model"', "edge", BASE + at) for at in (-1, 0, HOUR - 1, HOUR)]
    long_line = Shipped(f'level=ERROR msg="model {"x" * 9_000}"', "long", BASE + 3 * HOUR)
    return [*spread, *loud, *borders, long_line]


LINES = _lines()


@pytest.fixture(scope="module")
def past(engine: Engine) -> Iterator[Engine]:
    install_shared(engine, RULES)
    stored(engine, NAMESPACE, LINES)
    yield engine
    drop(engine, NAMESPACE.events)


def in_one_pass(engine: Engine, rule: Rule, windows: Sequence[Window] = WINDOWS) -> list[Finding]:
    found = Backtest(engine, rule, NAMESPACE.events, windows).statistics()
    built = [build_finding(rule, host, window, statistics) for window, host, statistics in found]
    return [finding for finding in built if finding is not None]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_one_pass_finds_what_each_window_does(past: Engine, rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = [finding for window in WINDOWS for finding in evaluate(past, rule, NAMESPACE.events, window)]
    assert len({finding.window_start for finding in apart}) > 2
    assert in_one_pass(past, rule) == apart
    monkeypatch.setattr(buckets, "_FEW_EVENTS", 1)
    assert in_one_pass(past, rule) == apart
    found = findings_of([parse(each.line, host=each.host, shipped_at=each.at) for each in LINES], rule)
    within = [each for each in found if WINDOWS[0].start <= each.window_start < WINDOWS[-1].end]
    assert compare(within, apart).differences == ()
    monkeypatch.setattr(buckets, "_MAX_EVENTS", 40)  # several stretches, and windows that are too much alone
    assert in_one_pass(past, rule) == apart
    assert in_one_pass(past, rule, WINDOWS[3:5]) == [
        finding for finding in apart if WINDOWS[3].start <= finding.window_start < WINDOWS[4].end
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_first_lines_behind_a_finding_are_those_of_the_reference(past: Engine, rule: Rule) -> None:
    found = in_one_pass(past, rule)
    assert len(found) > 3
    classifier = Classifier(rule)
    events = [parse(each.line, host=each.host, shipped_at=each.at) for each in LINES]
    for finding in found:
        own = [each for each in events if each.host == finding.host and finding.window_start <= each.time < finding.window_end]
        selected = sorted((each.time, label, each.original) for each in own if (label := classifier.classify(each)))
        first = first_lines(past, NAMESPACE.events, finding, 3, 10_000)
        assert {(line.time, line.label, line.text) for line in first.shown} <= set(selected)
        assert [line.time for line in first.shown] == [time for time, _, _ in selected[:3]]
        assert first.left_out == len(selected) - len(first.shown)
        assert first_lines(past, NAMESPACE.events, finding, 1, 10).shown[0].text == f"{first.shown[0].text[:9]}…"


@pytest.mark.usefixtures("past")
def test_a_page_has_the_findings_and_their_lines(node: Node) -> None:
    span = ("--from", "2026-11-24T06:50:00Z", "--to", "2026-11-24T17:50:00Z")
    where = ("--url", node.url, "--namespace", "past")
    ran, answer = detect("run", *span, *where, "--format", "json"), detect("backtest", *span, *where, "--format", "html")
    assert answer.code == 0, answer.err
    page = HtmlPage(answer.out)
    assert all(f"id {finding['id']}" in page.text for finding in ran.json["findings"])
    assert "None of its lines" not in page.text
    assert "The first 10 lines in time; 1,040 more" in page.text
    assert 'level=ERROR msg="model 0009"' in page.text
    assert 'level=ERROR msg="model 0010"' not in page.text


@pytest.mark.usefixtures("past")
def test_the_verb_sums_up_what_run_finds(node: Node) -> None:
    span = ("--from", "2026-11-24T06:50:00Z", "--to", "2026-11-24T17:50:00Z")
    where = ("--url", node.url, "--namespace", "past", "--format", "json")
    ran, summed = detect("run", *span, *where), detect("backtest", *span, *where, "--suggest")
    assert (ran.code, summed.code) == (0, 0), summed.err
    (result,) = summed.json["results"]
    assert (result["findings"], summed.json["windows"]) == (len(ran.json["findings"]), len(WINDOWS))
    assert summed.json["events"] == ran.json["events"]
    assert {each["host"] for each in result["by_host"]} == {each["host"] for each in ran.json["findings"]}
    assert summed.json["suggestions"]
