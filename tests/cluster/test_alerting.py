"""Monitors evaluated: each trigger fires for exactly the hosts of its severity, and alerts say what findings say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ClusterError, InputError
from integration.evaluation.cluster import evaluate, statistics_of
from integration.evaluation.history import AlertQuery, AlertState, FindingQuery, Skipped
from integration.findings.finding import Finding, build_finding
from integration.install.deployment import Deployment
from integration.install.objects import Connections
from integration.names import Namespace
from integration.sandbox.local import Node
from integration.targets.choose import Alerting, target_of
from integration.targets.opensearch import alerts as opensearch_alerts
from integration.targets.opensearch.body import as_searched, monitor, trigger_id
from integration.targets.opensearch.monitors import Monitor
from integration.targets.opensearch.plugins import has_alerting
from tests.support.alerting_node import engine_with_alerting, wipe
from tests.support.builders import RULE, merged, rule_with
from tests.support.drawn_logs import BASE, reference_findings, shipped
from tests.support.installing import install_shared, put
from tests.support.servers import on_opensearch
from tests.support.shipped import Shipped, stored

pytestmark = on_opensearch

MONITORS = "/_plugins/_alerting/monitors"
_namespaces = count()


@pytest.fixture(scope="module")
def engine(node: Node) -> Iterator[Engine]:
    with engine_with_alerting(node.url) as connected:
        wipe(connected)
        install_shared(connected, [RULE])
        yield connected
        for number in range(next(_namespaces)):
            connected.delete_data_stream(f"logs-ollama.server-alert{number}")
        wipe(connected)


def store(engine: Engine, lines: Sequence[Shipped]) -> Namespace:
    return stored(engine, Namespace(f"alert{next(_namespaces)}"), lines)


def executed(engine: Engine, body: dict[str, Any], window: Window) -> dict[str, Any]:
    answer = engine.request("POST", f"{MONITORS}/_execute", body, {"dryrun": True, "period_end": f"{window.run_at}ms"})
    assert answer["input_results"]["error"] is None
    assert [result["error"] for result in answer["trigger_results"].values() if result["error"]] == []
    return answer


def fired(answer: dict[str, Any], rule: Rule) -> dict[str, tuple[str, dict[str, Any]]]:
    """By host, the severity of the trigger that fired and the bucket in its alert; a host that fires twice is an error."""
    levels = {trigger_id(rule, step.level): str(step.level) for step in rule.severity}
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for key, result in answer["trigger_results"].items():
        for alert in result["agg_result_buckets"].values():
            bucket = as_searched(rule, alert["agg_alert_content"]["bucket"])
            host = bucket["key"]["host"]
            assert host not in found
            found[host] = (levels[key], bucket)
    return found


def assert_alerts_are_findings(engine: Engine, rule: Rule, lines: Sequence[Shipped], expected: Sequence[Finding]) -> None:
    namespace = store(engine, lines)
    body = monitor(rule, Deployment(namespace))
    windows = {finding.window_start: rule.windows.window_of(finding.window_start) for finding in expected}
    for start, window in windows.items():
        here = {finding.host: finding for finding in expected if finding.window_start == start}
        alerts = fired(executed(engine, body, window), rule)
        assert {host: level for host, (level, _) in alerts.items()} == {host: str(f.severity) for host, f in here.items()}
        for host, (_, bucket) in alerts.items():
            statistics = statistics_of(engine, rule, namespace.events, window, host, bucket)
            assert build_finding(rule, host, window, statistics) == here[host]


OTHER = rule_with(
    classification={
        "field": "other_type",
        "classes": [{"name": "crash", "contains": ["exited"]}, {"name": "model", "contains": ["model"]}],
        "otherwise": "rest",
    },
    severity=[
        {"level": "critical", "any": [{"column": "error_types", "contains": "cra"}]},
        {
            "level": "high",
            "any": [{"column": "unique_error_types", "greater_than": 1}, {"column": "error_messages", "contains": "é☃"}],
        },
        {"level": "medium", "any": [{"column": "code_sources", "contains": "sched"}]},
        {"level": "low"},
    ],
)


@given(st.sampled_from([RULE, OTHER]), st.lists(shipped, min_size=1, max_size=15))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_trigger_fires_for_exactly_the_hosts_of_its_severity(engine: Engine, rule: Rule, lines: list[Shipped]) -> None:
    assert_alerts_are_findings(engine, rule, lines, reference_findings(rule, lines))


LATER = rule_with(schedule={"cron": "5-59/30 * * * *", "earliest": "-100m@m", "latest": "-70m@m"})


@pytest.mark.parametrize("rule", [RULE, LATER], ids=["the rule's schedule", "another"])
def test_the_window_begins_and_ends_where_the_run_s_window_does(engine: Engine, rule: Rule) -> None:
    window = rule.windows.window_of(BASE)
    times = {"before": window.start - 1, "first": window.start, "last": window.end - 1, "after": window.end}
    namespace = store(engine, [Shipped("level=ERROR model", host, at) for host, at in times.items()])
    assert fired(executed(engine, monitor(rule, Deployment(namespace)), window), rule).keys() == {"first", "last"}


def test_braces_in_terms_regexes_and_lines_are_text(engine: Engine) -> None:
    rule = rule_with(
        selection=[{"level": ["ERROR"], "contains": ["{{period_end}}"]}, {"matches": [r"x\{{2}y", "[{{]{3}z"]}],
        classification={
            "field": "braces",
            "classes": [{"name": "one", "contains": ["{{period_end}}"]}, {"name": "two", "matches": [r"\{{2}y"]}],
            "otherwise": "rest",
        },
        severity=[{"level": "high", "any": [{"column": "error_messages", "contains": "{{{x}}}"}]}, {"level": "low"}],
    )
    texts = ["level=ERROR {{period_end}}", 'level=ERROR msg="{{period_end}} {{{x}}}"', "x{{y", "{{{z", "x{y", "level=ERROR 123"]
    lines = [Shipped(text, f"gpu-{number}", BASE) for number, text in enumerate(texts)]
    expected = reference_findings(rule, lines)
    assert [str(finding.severity) for finding in expected] == ["low", "high", "low", "low"]
    assert_alerts_are_findings(engine, rule, lines, expected)


def test_a_host_s_name_cannot_keep_the_monitor_busy_for_ever(engine: Engine) -> None:
    hosts = ["z{{ctx.monitor.name}}", "{{{a}}}", 'quote"\\', "{{#x}}", "plain{", "2026-11-24", "2026/{{x}}", "2026- "]
    lines = [Shipped("level=ERROR model", host, BASE) for host in hosts]
    assert_alerts_are_findings(engine, RULE, lines, reference_findings(RULE, lines))


def test_more_hosts_than_a_page(engine: Engine) -> None:
    lines = [Shipped(f'level=ERROR msg="model {n % 3}"', f"gpu-{n % 1_100:04}", BASE + n) for n in range(2_500)]
    expected = reference_findings(RULE, lines)
    assert len(expected) == 1_100
    assert_alerts_are_findings(engine, RULE, lines, expected)


def test_a_page_of_hosts_with_long_lists_fits_the_limit_of_buckets(engine: Engine) -> None:
    lines = [
        Shipped(f'level=ERROR source=server.go:{k} msg="model {k}" err="e {k}"', f"gpu-{host:03}", BASE + k)
        for host in range(999)
        for k in range(22)
    ]
    namespace = store(engine, lines)
    window = RULE.windows.window_of(BASE)
    alerts = fired(executed(engine, monitor(RULE, Deployment(namespace)), window), RULE)
    assert {level for level, _ in alerts.values()} == {"critical"}
    assert len(alerts) == 999
    bucket = alerts["gpu-000"][1]
    assert (bucket["doc_count"], len(bucket["error_messages"]["buckets"])) == (22, 20)
    assert bucket["error_messages"]["sum_other_doc_count"] == 2


def test_open_alerts_come_page_by_page_and_are_over_when_the_host_is_well(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensearch_alerts, "_PAGE", 20)
    # The first values look like dates: Alerting's index would take their fields for dates, and no other value any more.
    values = ["2026-11-24", "2026/11/24 10:00:00", "+12026-11-24 ", "2026T10", "a model", "0.1-2026"]
    lines = [
        Shipped(f'level=ERROR source={v.partition(" ")[0]} msg="{v}" err="{v}" model', f"gpu-{n:02}", BASE + n)
        for n in range(45)
        for v in values[n % 6 :]
    ]
    lines += [Shipped("level=ERROR model", f"gpu-{n:02}", BASE + 3_600_000) for n in range(5)]
    namespace = store(engine, lines)
    on, ours = Connections(engine), Monitor(RULE, Deployment(namespace))
    put(on, ours)
    found = ours.fetch(on)
    assert found is not None
    window = RULE.windows.window_of(BASE)
    for run, still_open in ((window.run_at, 45), (window.run_at + 3_600_000, 5)):
        engine.request("POST", f"{MONITORS}/{found.id}/_execute", None, {"dryrun": False, "period_end": f"{run}ms"})
        alerts = list(opensearch_alerts.alerts(engine, found.id, AlertState.OPEN, Skipped()))
        assert len({alert["id"] for alert in alerts}) == len(alerts) == still_open
        assert {alert["severity"] for alert in alerts} == ({"1", "2", "3"} if still_open == 45 else {"3"})
        health = ours.health(on, found)
        assert (health.open_alerts, health.last_error, health.enabled) == (still_open, None, False)
    first, second = (list(evaluate(engine, RULE, namespace.events, RULE.windows.window_of(BASE + n * 3_600_000))) for n in (0, 1))
    over = {(finding.host, finding.severity) for finding in first} - {(finding.host, finding.severity) for finding in second}
    ended = [finding for finding in first if (finding.host, finding.severity) in over]
    for state, expected in (
        (AlertState.OPEN, second),
        (AlertState.CLOSED, ended),
        (AlertState.ALL, [*ended, *second]),
    ):
        asked = AlertQuery(FindingQuery({RULE.id: RULE}), state, Skipped())
        listed = opensearch_alerts.alerts(engine, found.id, state, asked.left_out)
        assert merged(opensearch_alerts.monitor_findings(engine, RULE, namespace.events, listed, asked)) == expected
        assert list(asked.left_out.notes()) == []
    ours.delete(on, found)
    assert ours.fetch(on) is None


def test_a_script_that_fails_is_found_by_the_dry_run_and_replaces_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace = store(engine, [Shipped("level=ERROR model", "gpu-1", BASE)])
    on, ours = Connections(engine), Monitor(RULE, Deployment(namespace))
    put(on, ours)
    before = ours.fetch(on)
    assert before is not None

    def broken(*arguments: Any, **options: Any) -> dict[str, Any]:
        body = monitor(*arguments, **options)
        body["inputs"][0]["search"]["query"]["aggregations"]["by_host"]["aggregations"]["first_seen"] = {
            "min": {"script": {"source": "doc['nowhere'"}}
        }
        return body

    monkeypatch.setattr("integration.targets.opensearch.monitors.monitor", broken)
    with pytest.raises(ClusterError, match=r"fails when it is tried over a past run: (.|\n)*doc\['nowhere'"):
        put(on, Monitor(RULE, Deployment(namespace)))
    assert ours.fetch(on) == before
    ours.delete(on, before)


def test_the_message_s_braces_and_hosts_stay_text(engine: Engine) -> None:
    rule = rule_with(
        name="A {{ctx.monitor.name}} rule",
        attack_type="{{#ctx}}",
        risk=RULE.risk.model_dump() | {"message": "$host$ $attack_type$!"},
    )
    action = monitor(rule, Deployment(Namespace("x")), notify="c")["triggers"][0]["bucket_level_trigger"]["actions"][0]
    hostile = 'gpu"{{ctx.monitor.name}}\n'
    context = {"ctx": {"trigger": {"name": "high"}, "newAlerts": [{"bucket_keys": hostile}], "monitor": {"name": "LEAK"}}}
    texts = [action[part]["source"] for part in ("subject_template", "message_template")]
    source = '{"subject": "' + texts[0] + '", "message": "' + texts[1].replace("\n", "\\n") + '"}'
    rendered = engine.request("POST", "/_render/template", {"source": source, "params": context})["template_output"]
    assert rendered["subject"] == f"[high] A {{{{ctx.monitor.name}}}} rule: `{hostile}`"
    assert rendered["message"].startswith(f"`{hostile}` {{{{#ctx}}}}!\n")


def test_a_cluster_without_the_plugin_is_told(node: Node, engine: Engine) -> None:
    anywhere = Deployment(Namespace("x"))
    with connect(Connection(node.url)) as plain:
        assert not has_alerting(plain)
        assert target_of(Connections(plain), Alerting.AUTO, anywhere) is None
        with pytest.raises(InputError, match="detect watch"):
            target_of(Connections(plain), Alerting.OPENSEARCH, anywhere)
        with pytest.raises(InputError, match="--notify"):
            target_of(Connections(plain), Alerting.AUTO, anywhere, "channel")
    assert has_alerting(engine)
    assert target_of(Connections(engine), Alerting.NONE, anywhere) is None
