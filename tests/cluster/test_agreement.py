"""The heart of it: random logs through the installed pipeline, and the cluster's findings equal to the reference's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.commands.validate import validate
from integration.detection.cases import load_cases
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.evaluation import buckets
from integration.evaluation.cluster import evaluate
from integration.evaluation.comparison import compare
from integration.findings import values
from integration.findings.finding import Finding
from integration.log.event import parse, parse_document
from integration.names import Namespace
from integration.render import aggregation
from integration.times import parse_time, rfc3339
from tests.golden.bodies import EVERY_KEY
from tests.support.builders import RULE, findings_of, rule_with
from tests.support.installing import install_shared
from tests.support.lines import carriers
from tests.support.shipments import SHAPES
from tests.support.shipments import shipped as shipped_as
from tests.support.shipped import Shipped, drop, stored

BASE = parse_time("2026-11-24T08:50:00Z")
HOUR = 3_600_000
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
    times = [parse(s.line, host=s.host, shipped_at=s.at).time for s in lines]
    windows = {rule.windows.window_of(time) for time in times}
    return [finding for window in sorted(windows, key=lambda w: w.start) for finding in evaluate(engine, rule, index, window)]


def reference_findings(rule: Rule, lines: list[Shipped]) -> list[Finding]:
    return findings_of([parse(s.line, host=s.host, shipped_at=s.at) for s in lines], rule)


TERMS = [
    "model",
    "Model",
    "llama runner",
    "server.go",
    "exited",
    "EXITED",
    "exit status 1",
    "other",
    "é☃",
    "\\",
    '\\"',
    "=",
    "a\tb",
]
text = st.lists(st.sampled_from(TERMS), min_size=1, max_size=3).map(" ".join)
stamp = st.one_of(st.none(), st.integers(0, 3 * HOUR - 1).map(lambda ms: rfc3339(BASE + ms, millis=True)))
level = st.sampled_from(["ERROR", "ERROR", "ERROR", "error", "ERROR+1", "INFO", "WARN"])
quoted = text.map(lambda value: '"' + value.replace('"', '\\"') + '"')
value = st.one_of(quoted, st.sampled_from(["bare", "EOF", "<nil>", ""]))
attribute = st.tuples(st.sampled_from(["err", "error", "xerr", "model", "msg", "level", "source", "api_key"]), value).map("=".join)
source = st.sampled_from(["source=server.go:12 ", "source=sched.go:9 ", "", "source=C:\\x\\llama_server.go:1 "])


@st.composite
def slog_line(draw: st.DrawFn) -> str:
    time = draw(stamp)
    head = f"time={time} " if time else ""
    attributes = " ".join(draw(st.lists(attribute, max_size=3)))
    return f"{head}level={draw(level)} {draw(source)}msg={draw(value)} {attributes}"


line = st.one_of(slog_line(), slog_line(), text, text.map("level=ERROR {}".format))
wrapped = st.builds("{}{}".format, st.lists(carriers, max_size=2).map("".join), line)
shipped = st.builds(Shipped, wrapped, st.sampled_from(["gpu-1", "gpu-2", "Häns"]), st.integers(BASE, BASE + 3 * HOUR - 1))


@given(st.lists(shipped, min_size=1, max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cluster_findings_equal_the_reference_s(installed: Engine, lines: list[Shipped]) -> None:
    index = store(installed, lines)
    differences = compare(reference_findings(RULE, lines), cluster_findings(installed, RULE, index, lines)).differences
    assert differences == ()


EXPLOITATION = load_rules(ids=["ollama_model_loading_exploitation"])[0]
# A line for each of its classes, and lines that look like them.
SIGNALS = [case.line for file in load_cases(EXPLOITATION) for _, each in file.cases for case in each.labels]
ADDRESSES = [
    "203.0.113.9",
    "127.0.0.1",
    "10.1.2.3",
    "172.31.0.1",
    "172.32.0.1",
    "::1",
    "2001:DB8::1",
    "::ffff:10.0.0.1",
    "fe80::1%en0",
    "x",
]
PATHS = [
    "/api/create",
    "/api/blobs/sha256:12",
    "/api/push",
    "/api/pull",
    "/api/tags",
    "/a/../b",
    "/%2e%2e/x?y=..",
    "/api/blobs/",
    "",
]
access = st.builds(
    '[GIN] 2026/11/24 - 09:00:00 | {} | {:>13} | {:>15} | {:<8} "{}"'.format,
    st.sampled_from([200, 201, 400, 404, 499, 500, 599, 600]),
    st.sampled_from(["9.999999ms", "10ms", "10.000001ms", "1m5s", "812.4µs", "0s", "x"]),
    st.sampled_from(ADDRESSES),
    st.sampled_from(["POST", "HEAD", "DELETE", "post"]),
    st.sampled_from(PATHS),
)
OTHERS = [
    "panic: created by x",
    "goroutine 7 [running]:",
    "created by main.x",
    "cuda/error: 700",
    "out of memory",
    "100%_*?",
    "model",
    "../ open it's",
]
of_any_kind = st.builds(
    "{}{}".format, st.one_of(st.just(""), carriers), st.one_of(st.sampled_from([*SIGNALS, *OTHERS]), access, line)
)
shipped_of_any_kind = st.builds(Shipped, of_any_kind, st.sampled_from(["gpu-1", "Häns"]), st.integers(BASE, BASE + 2 * HOUR - 1))


@pytest.mark.parametrize("rule", [EXPLOITATION, EVERY_KEY], ids=lambda rule: rule.id)
@given(lines=st.lists(shipped_of_any_kind, min_size=1, max_size=30))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_of_all_kinds_make_the_reference_s_findings(installed: Engine, rule: Rule, lines: list[Shipped]) -> None:
    index = store(installed, lines)
    assert compare(reference_findings(rule, lines), cluster_findings(installed, rule, index, lines)).differences == ()


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
