"""SPL 15 inside monitors: they fire for what passes the user's filter, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.findings import values
from integration.findings.filter import Filter
from integration.findings.finding import Finding
from integration.install.installation import install
from integration.install.objects import desired_assets
from integration.names import Namespace
from integration.render import selector
from integration.sandbox.local import Node
from integration.targets.opensearch.body import monitor
from tests.cluster import test_alerting
from tests.cluster.test_agreement import BASE, HOUR, line, reference_findings
from tests.support.alerting_node import engine_with_alerting
from tests.support.builders import RULE, drop
from tests.support.filters import HOSTS, entry, filters
from tests.support.servers import on_opensearch
from tests.support.shipped import Shipped, stored

pytestmark = on_opensearch

shipped = st.builds(Shipped, line, st.sampled_from(HOSTS), st.integers(BASE, BASE + 2 * HOUR - 1))
logs = st.lists(shipped, min_size=4, max_size=25)
_namespaces = count()  # for the whole run, since two engines take turns
few = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def alerting(node: Node) -> Iterator[Engine]:
    """Without the bounds on compiled triggers and monitors' searches (75 each in five minutes), which so many filters pass."""
    with engine_with_alerting(node.url) as engine:
        install(engine, desired_assets([RULE], engine.name), [RULE], on_step=lambda _: None)
        rates = [f"script.context.{context}.max_compilations_rate" for context in ("aggregation_selector", "template")]
        engine.request("PUT", "/_cluster/settings", {"transient": dict.fromkeys(rates, "10000/1m")})
        yield engine
        engine.request("PUT", "/_cluster/settings", {"transient": dict.fromkeys(rates)})
        for number in range(next(_namespaces)):
            drop(engine, f"logs-ollama.server-filter{number}")


def store(engine: Engine, lines: Sequence[Shipped]) -> Namespace:
    return stored(engine, Namespace(f"filter{next(_namespaces)}"), lines)


def fired(
    engine: Engine, namespace: Namespace, post_filter: Filter, found: Sequence[Finding], rule: Rule = RULE
) -> set[tuple[int, str, str]]:
    """Window, host and severity of every alert."""
    body = monitor(rule, namespace, None, post_filter)
    windows = {rule.windows.window_of(finding.window_start) for finding in found}
    return {
        (window.start, host, level)
        for window in windows
        for host, (level, _) in test_alerting.fired(test_alerting.executed(engine, body, window), rule).items()
    }


def told(findings: Iterable[Finding]) -> set[tuple[int, str, str]]:
    return {(finding.window_start, finding.host, str(finding.severity)) for finding in findings}


@given(logs, st.lists(filters, min_size=3, max_size=5))
@few
def test_a_monitor_fires_for_what_passes_the_filter(alerting: Engine, lines: list[Shipped], drawn: list[Filter]) -> None:
    namespace = store(alerting, lines)
    found = reference_findings(RULE, lines)
    for post_filter in drawn:
        assert fired(alerting, namespace, post_filter, found) == told(post_filter.kept(found))


def hosts(findings: Iterable[Finding]) -> set[str]:
    return {finding.host for finding in findings}


def test_nothing_is_hidden_that_the_reference_shows_where_a_bucket_does_not_tell_all(
    alerting: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (values, selector):
        monkeypatch.setattr(module, "MAX_VALUES", 40)
    monkeypatch.setattr(selector, "_SURELY_FEW", 30)
    lines = [
        Shipped(f'level=ERROR source=s.go:1 msg="model {k:03}" err="e"', f"distinct-{n}", BASE + k)
        for n in (30, 60)
        for k in range(n)
    ]
    lines += [Shipped('level=ERROR source=s.go:1 msg="model" err="e"', "same-60", BASE + k) for k in range(60)]
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    everybody = {"distinct-30", "distinct-60", "same-60"}
    cases = [
        # A monitor's bucket shows 20 values of a list: how many there are it knows to lie between 20 and the number of events.
        (entry("exclude", less_than={"spl_row_count": 25}), {"distinct-30", "distinct-60"}, set()),
        (entry("exclude", less_than={"spl_row_count": 31}), {"distinct-60"}, set()),
        (entry("exclude", greater_than={"spl_row_count": 19}), {"same-60"}, set()),
        (entry("exclude", greater_than={"spl_row_count": 25}), {"same-60"}, {"distinct-30", "distinct-60"}),
        (entry("keep", greater_than={"spl_row_count": 25}), {"distinct-30", "distinct-60"}, set()),
        (entry("keep", less_than={"spl_row_count": 25}), {"same-60"}, {"distinct-30", "distinct-60"}),
        # A list past the bound of the reference.
        (entry("exclude", all_contain={"error_messages": "model"}), {"distinct-60"}, set()),
        (entry("exclude", contains={"error_messages": "model 059"}), everybody, set()),
        (entry("exclude", contains={"error_messages": "model 000"}), {"same-60"}, {"distinct-60"}),
        (entry("keep", contains={"error_messages": "model 059"}), set(), {"distinct-60"}),
        (entry("keep", all_contain={"error_messages": "model"}), {"distinct-30", "same-60"}, {"distinct-60"}),
    ]
    for stated, shown, besides in cases:
        post_filter = Filter((stated,))
        assert hosts(post_filter.kept(found)) == shown, stated
        assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == shown | besides, stated


def test_a_list_with_too_long_values_for_the_reference_hides_nothing(alerting: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (values, selector):
        monkeypatch.setattr(module, "MAX_BYTES", 1_000)
    texts = {"long": "x" * 600, "long-in-bytes": "☃" * 200, "short": "☃" * 100}
    lines = [Shipped(f'level=ERROR msg="model {n} {text}"', host, BASE) for host, text in texts.items() for n in (1, 2)]
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    for stated, shown, besides in (
        (entry("exclude", all_contain={"error_messages": "model"}), {"long", "long-in-bytes"}, set[str]()),
        (entry("exclude", contains={"error_messages": "model 2"}), {"long", "long-in-bytes"}, set[str]()),
        (entry("exclude", contains={"error_messages": "model 1"}), set[str](), {"long", "long-in-bytes"}),
    ):
        post_filter = Filter((stated,))
        assert hosts(post_filter.kept(found)) == shown, stated
        assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == shown | besides, stated


def test_values_longer_than_a_keyword_are_read_whole(alerting: Engine) -> None:
    long = "model " + "x" * 9_000
    lines = [
        Shipped(f'level=ERROR msg="{long} Disk FULL"', "long-1", BASE),
        Shipped(f'level=ERROR msg="{long}"', "long-2", BASE),
        Shipped('level=ERROR msg="model: disk full"', "long-2", BASE),
    ]
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    for stated, shown in (
        (entry("exclude", all_contain={"error_messages": "disk full"}), {"long-2"}),
        (entry("keep", contains={"error_messages": "DISK FULL"}), {"long-1", "long-2"}),
    ):
        post_filter = Filter((stated,))
        assert hosts(post_filter.kept(found)) == shown
        assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == shown


def test_many_entries_need_few_scripts(alerting: Engine) -> None:
    """A cluster compiles 75 in five minutes, and keeps 100."""
    lines = [Shipped('level=ERROR msg="model 7"', "gpu-1", BASE), Shipped('level=ERROR msg="model 700"', "gpu-2", BASE)]
    stated = [entry("exclude", host=f"lab-{n}*", contains={"error_messages": f"model {n}00"}) for n in range(150)]
    stated += [
        entry("exclude", all_contain={name: [f"text {n}" for n in range(500)]}) for name in ("error_messages", "error_details")
    ]
    post_filter = Filter((*stated, entry("exclude", host="*-2", all_contain={"error_messages": "model 700"})))
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == {"gpu-1"}


def test_text_in_a_filter_stays_text(alerting: Engine) -> None:
    awkward = ["'); throw new RuntimeException('", '"} {{period_end}} {{{x}}}', "\\' + params._source + '", "a\nb", "${x}", "//*"]
    lines = [Shipped(f"level=ERROR model msg={awkward[4]}", host, BASE) for host in [*awkward, "plain"]]
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    globs = ["".join(f"[{c}]" if c in "*?[" else c for c in host) for host in awkward]
    for stated in ([entry("exclude", host=globs)], [entry("exclude", host=glob) for glob in globs]):
        texts = entry("exclude", contains={"error_messages": [text for text in awkward if text != "${x}"]}, host="plain")
        post_filter = Filter((*stated, texts))
        assert hosts(post_filter.kept(found)) == {"plain"}
        assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == {"plain"}


def test_case_is_ignored_as_python_does(alerting: Engine) -> None:
    names = ["ΟΔΟΣ", "οδος", "οδοσ", "İx", "Kelvin", "ẞ", "DŽ", "Ａ"]
    lines = [Shipped("level=ERROR model", host, BASE) for host in names]
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    for glob in ("ΟΔΟΣ", "οδος", "i?x", "kelvin", "[ß]", "dž", "ａ", "?", "[Α-Ω]*"):
        post_filter = Filter((entry("keep", host=glob),))
        assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == hosts(post_filter.kept(found)), glob
