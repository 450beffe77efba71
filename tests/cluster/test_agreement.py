"""The heart of it: random logs through the installed pipeline, and the cluster's findings equal to the reference's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.commands.validate import validate
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation import buckets
from integration.evaluation.cluster import evaluate
from integration.evaluation.comparison import compare
from integration.findings import values
from integration.findings.finding import Finding
from integration.log.event import parse, parse_document
from integration.names import Namespace
from integration.render import aggregation
from tests.support.builders import RULE, findings_of, rule_with
from tests.support.drawn_logs import BASE, RULES, found_logs, of_any_kind, reference_findings, shipped, spans, wrapped
from tests.support.installing import install_shared
from tests.support.shipments import SHAPES
from tests.support.shipments import shipped as shipped_as
from tests.support.shipped import Shipped, drop, stored

_namespaces = count()  # for the whole run, since two engines take turns


@pytest.fixture(scope="module")
def installed(engine: Engine) -> Iterator[Engine]:
    rules = load_rules()
    install_shared(engine, rules)
    yield engine
    for index in {f"logs-ollama.server-agree{n}" for n in range(next(_namespaces))}:
        drop(engine, index)


def store(engine: Engine, lines: list[Shipped]) -> str:
    return stored(engine, Namespace(f"agree{next(_namespaces)}"), lines).events


def cluster_findings(engine: Engine, rule: Rule, index: str, lines: list[Shipped]) -> list[Finding]:
    """Return what a cluster finds in the windows of the lines, by the search for few events and by those for many."""
    times = [parse(s.line, host=s.host, shipped_at=s.at).time for s in lines]
    windows = sorted({rule.windows.window_of(time) for time in times}, key=lambda window: window.start)
    found = [finding for window in windows for finding in evaluate(engine, rule, index, window)]
    with mock.patch.object(buckets, "_FEW_EVENTS", 1):
        assert [finding for window in windows for finding in evaluate(engine, rule, index, window)] == found
    return found


@given(st.lists(shipped, min_size=1, max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cluster_findings_equal_the_reference_s(installed: Engine, lines: list[Shipped]) -> None:
    index = store(installed, lines)
    differences = compare(reference_findings(RULE, lines), cluster_findings(installed, RULE, index, lines)).differences
    assert differences == ()


@pytest.mark.parametrize("rule", RULES[1:], ids=lambda rule: rule.id)
@given(lines=st.lists(of_any_kind, min_size=1, max_size=30))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_of_all_kinds_make_the_reference_s_findings(installed: Engine, rule: Rule, lines: list[Shipped]) -> None:
    index = store(installed, lines)
    assert compare(reference_findings(rule, lines), cluster_findings(installed, rule, index, lines)).differences == ()


@given(st.sampled_from(RULES), st.lists(of_any_kind, min_size=1, max_size=20), spans)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_search_over_any_span_makes_the_reference_s_findings(
    installed: Engine, rule: Rule, lines: list[Shipped], span: Window
) -> None:
    found = list(evaluate(installed, rule, store(installed, lines), span))
    assert compare(reference_findings(rule, lines, span), found).differences == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("name", found_logs())
def test_logs_that_were_told_differently_once_make_the_reference_s_findings(installed: Engine, rule: Rule, name: str) -> None:
    lines = found_logs()[name]
    found = cluster_findings(installed, rule, store(installed, lines), lines)
    assert compare(reference_findings(rule, lines), found).differences == ()


@given(st.lists(st.builds(shipped_as, st.sampled_from([*SHAPES.values()]), wrapped), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_documents_of_shippers_make_the_reference_s_findings(installed: Engine, documents: list[dict[str, Any]]) -> None:
    index = Namespace(f"agree{next(_namespaces)}").events
    for item in installed.bulk_create(index, [(str(n), json.dumps(document)) for n, document in enumerate(documents)]):
        assert item.ok, item.reason
    installed.refresh(index)
    events = [parse_document(document, received_at=BASE) for document in documents]
    windows = sorted({RULE.windows.window_of(event.time) for event in events}, key=lambda window: window.start)
    found = [finding for window in windows for finding in evaluate(installed, RULE, index, window)]
    assert compare(findings_of(events, RULE), found).differences == ()


def test_errors_that_were_stored_before_they_had_a_field_of_their_own_are_selected_alike(installed: Engine) -> None:
    texts = ['source=s.go:1 msg="exited"', 'msg="Model" err="exit status 1"', 'msg="other"', f'msg="llama runner {"x" * 9_000}"']
    lines = [Shipped(f"level=ERROR {text}", host, BASE) for host in ("gpu-1", "gpu-2") for text in texts]
    index = store(installed, lines)
    older = {"script": {"source": "ctx._source.ollama.remove('error_line')"}, "query": {"term": {"host.name": "gpu-1"}}}
    changed = installed.request("POST", f"/{index}/_update_by_query", older, {"pipeline": "_none", "refresh": True})
    assert changed["updated"] == len(texts)
    indexed = {"bool": {"filter": [{"exists": {"field": "ollama.error_line"}}]}}
    assert installed.count(index, indexed) == len(texts) - 1  # one is too long for it
    found = cluster_findings(installed, RULE, index, lines)
    assert found == reference_findings(RULE, lines)
    assert [finding["error_count"] for finding in found] == [3, 3]


def test_values_longer_than_a_keyword_are_read_from_source(installed: Engine) -> None:
    long = "model " + "x" * 9_000
    lines = [
        Shipped(f'level=ERROR msg="{long}" err="{"y" * 9_000}exit status 2"', "gpu-1", BASE),
        Shipped(f'level=ERROR msg="{long} 2" err="EOF"', "gpu-1", BASE + 1),
    ]
    found = cluster_findings(installed, RULE, store(installed, lines), lines)
    assert found == reference_findings(RULE, lines)
    assert str(found[0].severity) == "critical"
    assert found[0]["error_messages"][0] == long


def test_more_hosts_than_a_page_and_than_the_bucket_limit_allows(installed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregation, "PAGE_SIZE", 100)
    lines = [Shipped(f'level=ERROR msg="model {n % 7}"', f"gpu-{n % 250}", BASE + n) for n in range(1_000)]
    index = store(installed, lines)
    installed.request("PUT", "/_cluster/settings", {"transient": {"search.max_buckets": 400}})
    try:
        found = cluster_findings(installed, RULE, index, lines)
    finally:
        installed.request("PUT", "/_cluster/settings", {"transient": {"search.max_buckets": None}})
    assert len(found) == 250
    assert found == reference_findings(RULE, lines)


def test_lists_past_the_bound_are_cut_and_counted_alike(installed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_VALUES", 5)
    lines = [Shipped(f'level=ERROR source=s.go:{n % 8} msg="model {n}" err="e"', "gpu-1", BASE + n) for n in range(23)]
    found = cluster_findings(installed, RULE, store(installed, lines), lines)
    assert found == reference_findings(RULE, lines)
    assert dict(found[0].truncated) == {"error_messages": 18, "code_sources": 3}
    assert found[0].spl_row_count == 23 * 8


def test_lists_that_are_too_long_for_a_search_are_read_line_by_line(installed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [f"model {n:03} {'x' * (9_000 if n % 3 == 0 else 100)}" for n in range(40)]
    lines = [
        Shipped(f'level=ERROR source=s.go:1 msg="{text}" err="exit status 1"', "gpu-100", BASE + n)
        for n, text in enumerate(messages)
    ]
    lines += [Shipped('level=ERROR msg="model"', f"gpu-{n}", BASE + n) for n in range(200)]
    index = store(installed, lines)
    monkeypatch.setattr(values, "MAX_BYTES", 20_000)
    monkeypatch.setattr(buckets, "LIST_SIZE", 7)
    monkeypatch.setattr(aggregation, "LIST_SIZE", 7)
    expected = reference_findings(RULE, lines)
    for most in (0, 1 << 20, 1 << 30):  # no host fits in a search, most do, all do
        monkeypatch.setattr(buckets, "_MAX_BYTES", most)
        assert cluster_findings(installed, RULE, index, lines) == expected
    assert len(expected) == 200
    heavy = next(finding for finding in expected if finding.host == "gpu-100")
    assert (heavy["error_count"], str(heavy.severity)) == (41, "critical")
    assert 0 < len(heavy["error_messages"]) < 40
    assert dict(heavy.truncated) == {"error_messages": 41 - len(heavy["error_messages"])}


def test_half_a_surrogate_pair_that_a_shipper_sends_is_read_as_the_index_has_it(installed: Engine) -> None:
    text = '{} level=ERROR source=\ud800server.go:1 msg="model \udfff" err="{}\ud83d"'
    lines = [Shipped(text.format("\ud800", "x" * length), "gpu\ud800", BASE) for length in (1, 9_000)]
    result = validate(installed, RULE, store(installed, lines), [RULE.windows.window_of(BASE)])
    assert (result.selected, result.comparison.differences) == (2, ())


def test_terms_cannot_break_out_of_the_script(installed: Engine) -> None:
    hostile = "model'); throw new RuntimeException('x"
    rule = rule_with(
        selection=[{"level": ["ERROR"], "contains": [hostile, "back\\slash", 'quo"te']}],
        classification={"field": "hostile", "classes": [{"name": "hostile", "contains": [hostile.lower()]}], "otherwise": "rest"},
    )
    lines = [Shipped(f"level=ERROR {t}", "gpu-1", BASE) for t in (hostile, "BACK\\SLASH", 'quo"te', "model")]
    found = cluster_findings(installed, rule, store(installed, lines), lines)
    assert found == reference_findings(rule, lines)
    assert found[0]["error_count"] == 3


def test_regexes_and_alternatives_agree(installed: Engine) -> None:
    rule = rule_with(
        selection=[{"level": ["WARN", "DISK"], "contains_all": ["manifest", "BAD"]}, {"matches": [r"cuda/error: \d+"]}],
        classification={
            "field": "gpu",
            "classes": [{"name": "cuda", "matches": [r"cuda/error: (?:700|999)"]}],
            "otherwise": "other",
        },
        severity=[{"level": "high", "any": [{"column": "error_types", "contains": "cuda"}]}, {"level": "low"}],
    )
    texts = ["level=WARN bad manifest", "level=ERROR bad manifest", "cuda/error: 700", "CUDA/error: 700", "cuda/error: 1\u00857"]
    # Java takes these letters for i, s and k where it ignores case.
    texts += [f"level={level} bad manifest" for level in ("disk", "d\u0131sk", "di\u017fk", "dis\u212a", "D\u0130SK")]
    lines = [Shipped(t, "gpu-1", BASE) for t in texts]
    found = cluster_findings(installed, rule, store(installed, lines), lines)
    assert found == reference_findings(rule, lines)
    assert (found[0]["error_count"], str(found[0].severity)) == (4, "high")


def test_a_line_that_a_regex_takes_too_long_for_hides_no_other(installed: Engine) -> None:
    rule = rule_with(
        selection=[{"matches": ["error.*model"]}],
        classification={"field": "slow", "classes": [{"name": "slow", "matches": ["r e.*x"]}], "otherwise": "other"},
    )
    lines = [Shipped("an error about a model", "gpu-1", BASE), Shipped("error " * 200, "gpu-2", BASE)]
    found = cluster_findings(installed, rule, store(installed, lines), lines)
    assert [finding.host for finding in reference_findings(rule, lines)] == ["gpu-1"]
    assert [(finding.host, finding["error_types"]) for finding in found] == [("gpu-1", ("other",)), ("gpu-2", ("slow",))]


def test_validate_sees_what_a_broken_cluster_says(installed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [Shipped('level=ERROR msg="model" err="exit status 1"', "gpu-1", BASE), Shipped("level=ERROR exited", "gpu-2", BASE)]
    index = store(installed, lines)
    window = RULE.windows.window_of(BASE)
    result = validate(installed, RULE, index, [window])
    assert result.agrees
    assert (result.events, result.selected, result.comparison.findings) == (2, 2, 2)
    monkeypatch.setattr(buckets, "_FEW_EVENTS", 1)
    honest = aggregation.window_search

    def blind(*arguments: Any) -> dict[str, Any]:
        body = honest(*arguments)
        body["query"]["bool"]["filter"].append({"term": {"host.name": "gpu-1"}})
        body["aggs"]["by_host"]["aggs"]["condition_0"] = {"max": {"field": "absent"}}
        return body

    monkeypatch.setattr("integration.evaluation.buckets.window_search", blind)
    differing = validate(installed, RULE, index, [window])
    assert {(d.host, d.field): (d.reference, d.cluster) for d in differing.comparison.differences if d.field != "spl_rows"} == {
        ("gpu-1", "severity"): ("critical", "medium"),
        ("gpu-2", "finding"): ("present", "absent"),
    }
