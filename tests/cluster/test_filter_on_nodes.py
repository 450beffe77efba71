"""SPL 15 inside monitors: they fire for what passes the user's filter, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.findings.filter import Filter
from integration.findings.finding import Finding
from integration.install.deployment import Deployment
from integration.names import Namespace
from integration.render.post_filter import MOST_CHARACTERS, MOST_WILDCARDS
from integration.sandbox.local import Node
from integration.targets.opensearch.body import monitor
from tests.cluster import test_alerting
from tests.support.alerting_node import engine_with_alerting
from tests.support.builders import RULE
from tests.support.drawn_logs import BASE, HOUR, line, reference_findings
from tests.support.filters import HOSTS, entry, filters
from tests.support.installing import install_shared
from tests.support.servers import on_opensearch
from tests.support.shipped import Shipped, drop, stored

pytestmark = on_opensearch

shipped = st.builds(Shipped, line, st.sampled_from(HOSTS), st.integers(BASE, BASE + 2 * HOUR - 1))
logs = st.lists(shipped, min_size=4, max_size=25)
_namespaces = count()  # for the whole run, since two engines take turns
few = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def alerting(node: Node) -> Iterator[Engine]:
    """Without the bounds on compiled triggers and monitors' searches (75 each in five minutes), which so many filters pass."""
    with engine_with_alerting(node.url) as engine:
        install_shared(engine, [RULE])
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
    body = monitor(rule, Deployment(namespace, None, post_filter))
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


def test_many_entries_need_few_scripts(alerting: Engine) -> None:
    """A cluster compiles 75 in five minutes, and keeps 100."""
    lines = [Shipped("level=ERROR model", f"gpu-{n}", BASE) for n in (1, 2)]
    stated = [entry("exclude", host=f"lab-{n}*", less_than={"error_count": n}) for n in range(150)]
    stated += [entry("exclude", host=[f"host-{n}" for n in range(500)])]
    post_filter = Filter((*stated, entry("exclude", host="*-2")))
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == {"gpu-1"}


def test_text_in_a_filter_stays_text(alerting: Engine) -> None:
    awkward = ["'); throw new RuntimeException('", '"} {period_end}} {x}}}', "\\' + params._source + '", "a\nb", "${x}", "//"]
    lines = [Shipped("level=ERROR model", host, BASE) for host in [*awkward, "plain"]]
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    for stated in ([entry("exclude", host=awkward)], [entry("exclude", host=pattern) for pattern in awkward]):
        post_filter = Filter(tuple(stated))
        assert {finding.host for finding in post_filter.kept(found)} == {"plain"}
        assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == {"plain"}


def test_host_patterns_match_as_python_s_do(alerting: Engine) -> None:
    names = ["ΟΔΟΣ", "οδος", "οδοσ", "İx", "Kelvin", "ẞ", "DŽ", "Ａ", "😀b", "a*b?", "aab", "a" * 8_000]
    lines = [Shipped("level=ERROR model", host, BASE) for host in names]
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    patterns = [
        "ΟΔΟΣ",
        "οδος",
        "i?x",
        "kelvin",
        "ß",
        "dž",
        "ａ",
        "?",
        "??",
        "*??",
        "*?b",
        "a*b",
        "*a?b*",
        "a*b?",
        "*" + "a" * 92 + "?b*?a?*",
    ]
    for pattern in patterns:
        post_filter = Filter((entry("keep", host=pattern),))
        kept = {finding.host for finding in post_filter.kept(found)}
        assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == kept, pattern


def test_the_longest_host_and_pattern_are_not_too_much_for_a_script(alerting: Engine) -> None:
    worst = "*" + "?" * MOST_WILDCARDS + "a" * (MOST_CHARACTERS - MOST_WILDCARDS - 2) + "b"
    lines = [Shipped("level=ERROR model", host, BASE) for host in ("a" * 8_191, "a" * 8_190 + "b")]
    namespace, found = store(alerting, lines), reference_findings(RULE, lines)
    post_filter = Filter((entry("keep", host=worst),))
    assert {host for _, host, _ in fired(alerting, namespace, post_filter, found)} == {"a" * 8_190 + "b"}
