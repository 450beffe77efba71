from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.errors import InputError
from integration.findings.filter import Filter
from integration.install.comparison import differences
from integration.install.deployment import Deployment
from integration.names import Namespace
from integration.render.aggregation import conditions, statistics
from integration.targets.opensearch.body import ACTION, MAX_BUCKETS, PAGE_SIZE, as_searched, monitor, trigger_id
from integration.targets.opensearch.comparison import comparable, keeping, other_channels
from integration.targets.opensearch.trigger import severity_script
from tests.support.alerting_parser import RefusedError, alerting_parser
from tests.support.builders import RULE, rule_with
from tests.support.filters import entry, filters

NAMESPACE = Namespace("default")
DEPLOYMENT = Deployment(NAMESPACE)
LADDER = [
    {
        "level": "critical",
        "any": [{"column": "error_types", "contains": "crash"}, {"column": "error_messages", "contains": "{{x}}"}],
    },
    {"level": "high", "any": [{"column": "unique_error_types", "greater_than": 2}]},
    {"level": "high", "any": [{"column": "error_count", "greater_than": 7}]},
    {"level": "low"},
]
RULES = {
    "shipped": RULE,
    "one step": rule_with(severity=[{"level": "informational"}]),
    "every kind of condition": rule_with(severity=LADDER),
    "braces": rule_with(
        name="A {{ctx.monitor.name}} rule",
        selection=[{"level": ["ERROR"], "contains": ["{{period_end}}"]}, {"matches": [r"a\{{2}/", "[{{]"]}],
    ),
}


@pytest.fixture(params=RULES, scope="module")
def rule(request: pytest.FixtureRequest) -> Rule:
    return RULES[request.param]


def triggers(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [trigger["bucket_level_trigger"] for trigger in body["triggers"]]


def search(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["inputs"][0]["search"]["query"]
    return found


@pytest.mark.tools
def test_the_server_takes_the_monitor_and_shows_it_as_the_same(rule: Rule) -> None:
    body = monitor(rule, DEPLOYMENT, enabled=True, notify="channel-1")
    shown = alerting_parser().parse(body)
    assert list(differences(comparable(body), comparable(shown))) == []
    assert shown["enabled"] is True
    assert shown["ui_metadata"] == body["ui_metadata"]
    assert alerting_parser().parse(shown)["inputs"] == shown["inputs"]


@pytest.mark.tools
def test_no_key_is_lost_that_the_server_would_ignore_in_silence(rule: Rule) -> None:
    body = monitor(rule, DEPLOYMENT, notify="channel-1")
    lost = list(_missing(body, alerting_parser().parse(body)))
    rewritten = {"gte", "lt"}
    assert [path for path in lost if path.rpartition(".")[2] not in rewritten] == []


def _missing(sent: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Every key of what was sent that the server has not kept; what it parsed for itself may be shown as another type."""
    if isinstance(sent, dict):
        for key, value in sent.items():
            if not isinstance(kept, dict) or key not in kept:
                yield f"{path}.{key}"
            else:
                yield from _missing(value, kept[key], f"{path}.{key}")
    elif isinstance(sent, list):
        assert isinstance(kept, list), path
        assert len(sent) == len(kept), path
        for number, (left, right) in enumerate(zip(sent, kept, strict=True)):
            yield from _missing(left, right, f"{path}[{number}]")


@pytest.mark.tools
@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("schedule", "cron", "expression"), "0 0 * * * *", "6 parts"),
        (("schedule", "cron", "timezone"), "Mars/Olympus", "Mars"),
        (("inputs", 0, "search", "query", "runtime_mappings"), {"a": {"type": "keyword"}}, "runtime_mappings"),
        (("triggers", 1, "bucket_level_trigger", "id"), trigger_id(RULE, Severity.CRITICAL), "Duplicate trigger id"),
    ],
)
def test_the_parser_refuses_what_the_server_would(path: tuple[str | int, ...], value: object, words: str) -> None:
    body: Any = monitor(RULE, DEPLOYMENT)
    at = body
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(RefusedError, match=words):
        alerting_parser().parse(body)


def test_triggers_are_the_severities_most_severe_first() -> None:
    found = triggers(monitor(RULE, DEPLOYMENT))
    assert [(t["name"], t["severity"]) for t in found] == [("critical", "1"), ("high", "2"), ("medium", "3")]
    assert [t["id"] for t in found] == [trigger_id(RULE, Severity.parse(t["name"])) for t in found]
    assert all(next(iter(t)) == "id" for t in found), "the parser names the condition by the id it has read so far"


def test_two_steps_of_one_level_share_a_trigger() -> None:
    found = triggers(monitor(RULES["every kind of condition"], DEPLOYMENT))
    assert [t["name"] for t in found] == ["critical", "high", "low"]
    assert found[0]["condition"]["buckets_path"] == {
        "error_count": "_count",
        "unique_error_types": "error_types._bucket_count",
        "label_0": "error_types['service_crash']>_count",
        "condition_0": "condition_0",
    }


@pytest.mark.parametrize(
    ("earliest", "latest", "borders"),
    [("-70m@m", "-10m@m", ("-70m/m", "-10m/m")), ("-60m@m", "now", ("-60m/m", "/m")), ("-2h@m", "-1h@m", ("-120m/m", "-60m/m"))],
)
def test_the_window_counts_back_from_the_run(earliest: str, latest: str, borders: tuple[str, str]) -> None:
    rule = rule_with(schedule={"cron": "0 * * * *", "earliest": earliest, "latest": latest})
    window = search(monitor(rule, DEPLOYMENT))["query"]["bool"]["filter"][0]["range"]["@timestamp"]
    assert (window["gte"], window["lt"]) == tuple(f"{{{{period_end}}}}||{border}" for border in borders)


def test_a_page_of_hosts_with_full_lists_stays_below_the_limit_of_buckets(rule: Rule) -> None:
    found = search(monitor(rule, DEPLOYMENT))["aggregations"]["by_host"]
    sizes = [found["aggregations"][name]["terms"]["size"] for name in RULE.lists]
    assert found["composite"]["size"] == PAGE_SIZE >= 1_000
    assert min(sizes[:3]) >= 10
    assert PAGE_SIZE * (1 + sum(sizes)) <= MAX_BUCKETS
    assert found["aggregations"].keys() == {*statistics(rule, rule.field_lists), *conditions(rule)}


@pytest.mark.parametrize(("classes", "lists", "size"), [(2, 1, 62), (2, 2, 31), (20, 2, 22), (80, 1, 1)])
def test_an_alert_shows_the_more_values_the_fewer_lists_and_classes_there_are(classes: int, lists: int, size: int) -> None:
    risk = RULE.risk.model_dump() | {"message": "$lines$ on $host$"}
    fields = ["ollama.msg", "ollama.err"][:lists]
    rule = rule_with(
        classification={"field": "kinds", "classes": [{"name": f"k{n}", "contains": [f"k{n}"]} for n in range(classes)]},
        columns={"lines": {"count": "events"}} | {f"list_{n}": {"values": field} for n, field in enumerate(fields)},
        rows={"table": ["host"]},
        severity=[{"level": "low"}],
        risk=risk,
    )
    found = search(monitor(rule, DEPLOYMENT))["aggregations"]["by_host"]["aggregations"]
    assert [found[f"list_{n}"]["terms"]["size"] for n in range(lists)] == [size] * lists


def test_only_the_run_s_instant_is_a_variable(rule: Rule) -> None:
    text = json.dumps(search(monitor(rule, DEPLOYMENT)))
    assert text.count("{{") == text.count("{{period_end}}") == 2


def test_a_dataset_that_would_be_a_variable_is_refused() -> None:
    rule = rule_with(data_source=RULE.data_source.model_dump() | {"dataset": "{{x}}"})
    with pytest.raises(InputError, match="other_rule"):
        monitor(rule, DEPLOYMENT)


def test_the_mark_tells_rule_namespace_version_and_content() -> None:
    body = monitor(RULE, DEPLOYMENT)
    mark = body["ui_metadata"]["detect"]
    assert mark == search(body)["aggregations"]["by_host"]["meta"]
    assert (mark["rule_id"], mark["rule_version"], mark["namespace"]) == (RULE.id, RULE.version, "default")
    other = monitor(RULE, Deployment(NAMESPACE, "own-index"))["ui_metadata"]["detect"]
    assert other["hash"] != mark["hash"]
    assert monitor(RULE, DEPLOYMENT, enabled=True, notify="c")["ui_metadata"]["detect"] == mark


def shown(body: dict[str, Any]) -> dict[str, Any]:
    return alerting_parser().parse(body)


@pytest.mark.tools
def test_what_a_user_changes_is_a_difference_unless_it_is_the_user_s() -> None:
    desired = monitor(RULE, DEPLOYMENT)
    found = shown(monitor(RULE, DEPLOYMENT, enabled=True, notify="theirs"))
    assert list(differences(comparable(desired), comparable(found))) == []
    edited = copy.deepcopy(found)
    search(edited)["query"]["bool"]["filter"][0]["range"]["@timestamp"]["include_upper"] = True
    search(edited)["aggregations"]["by_host"]["composite"]["sources"][0]["host"]["terms"]["missing_bucket"] = True
    edited["triggers"][2]["bucket_level_trigger"]["severity"] = "5"
    assert [path.rpartition(".")[2] for path, _, _ in differences(comparable(desired), comparable(edited))] == [
        "missing_bucket",
        "lt",
        "lte",
        "severity",
    ]


@pytest.mark.tools
def test_an_upgrade_keeps_the_user_s_actions_and_whether_it_runs() -> None:
    own = {"id": "mine", "name": "Mine", "destination_id": "pager", "message_template": {"source": "x", "lang": "mustache"}}
    found = shown(monitor(RULE, DEPLOYMENT, enabled=True, notify="slack"))
    found["triggers"][0]["bucket_level_trigger"]["actions"].append(own)
    kept = keeping(monitor(RULE, DEPLOYMENT), found, RULE, None)
    assert kept["enabled"] is True
    assert [[a["destination_id"] for a in t["actions"]] for t in triggers(kept)] == [["slack", "pager"], ["slack"], ["slack"]]
    moved = keeping(monitor(RULE, DEPLOYMENT), found, RULE, "teams")
    assert [[a["destination_id"] for a in t["actions"]] for t in triggers(moved)] == [["pager", "teams"], ["teams"], ["teams"]]


@pytest.mark.tools
def test_a_new_trigger_notifies_the_channel_of_the_others() -> None:
    grown = rule_with(
        id=RULE.id, severity=[{"level": "critical", "any": [{"column": "error_count", "greater_than": 5}]}, {"level": "low"}]
    )
    kept = keeping(monitor(grown, DEPLOYMENT), shown(monitor(RULE, DEPLOYMENT, notify="slack")), grown, None)
    assert [[(a["id"], a["destination_id"]) for a in t["actions"]] for t in triggers(kept)] == [[(ACTION, "slack")]] * 2


@pytest.mark.tools
def test_another_channel_is_a_difference_when_one_is_asked_for() -> None:
    found = shown(monitor(RULE, DEPLOYMENT, notify="slack"))
    assert list(other_channels(found, None)) == list(other_channels(found, "slack")) == []
    assert [(want, there) for _, want, there in other_channels(found, "teams")] == [("teams", "slack")] * 3
    assert [there for _, _, there in other_channels(shown(monitor(RULE, DEPLOYMENT)), "teams")] == [None] * 3


def test_the_message_says_the_risk_message_and_nothing_of_a_log_line() -> None:
    action = triggers(monitor(RULES["braces"], DEPLOYMENT, notify="c"))[0]["actions"][0]
    message, subject = (action[f"{part}_template"]["source"] for part in ("message", "subject"))
    assert message.startswith("Suspicious model loading errors detected on {{#ctx.newAlerts}}`{{bucket_keys}}`")
    assert "[error_messages]" in message
    assert "{{=<% %>=}}{{<%={{ }}=%>ctx.monitor.name}}" in subject
    assert "{{{" not in message + subject


def test_the_message_names_severity_and_attack_type() -> None:
    risk = RULE.risk.model_dump() | {"message": "$severity$: $attack_type$ on $host$"}
    (first, *_) = triggers(monitor(rule_with(risk=risk, attack_type="A {{x}}"), DEPLOYMENT, notify="c"))
    message = first["actions"][0]["message_template"]["source"]
    assert message.startswith("{{ctx.trigger.name}}: A {{=<% %>=}}{{<%={{ }}=%>x}} on {{#ctx.newAlerts}}")


def test_a_monitor_is_disabled_unless_it_is_asked_for() -> None:
    assert monitor(RULE, DEPLOYMENT)["enabled"] is False


def bucket(host: str, **lists: list[str]) -> dict[str, Any]:
    values = {name: {"buckets": [{"key": text, "doc_count": 1} for text in texts]} for name, texts in lists.items()}
    return {"key": {"host": host}, "doc_count": 3, "labels": {"buckets": []}, **values}


def test_a_bucket_of_an_alert_reads_like_one_of_a_search() -> None:
    dated = bucket("2026-11-24 ", error_messages=["b", "2026/11/24 x ", "a "], code_sources=[])
    plain = bucket("2026-11-24", error_messages=["2026/11/24 x", "a ", "b"], code_sources=[])
    assert as_searched(RULE, dated) == plain
    assert dated["key"] == {"host": "2026-11-24 "}, "the bucket itself is left as it is"


@pytest.mark.parametrize(("stored", "name"), [("a{ { x", "a{{x"), ("{ { {x", "{{{x"), ("a{ x", "a{ x"), ("gpu ", "gpu ")])
def test_a_host_s_name_is_read_back_from_an_alert(stored: str, name: str) -> None:
    assert as_searched(RULE, bucket(stored))["key"] == {"host": name}


# With a filter

EVERY_KIND = Filter(
    (
        entry("exclude", host=["lab-*", "x}}?{"], severity_at_most="high", less_than={"error_count": 2**40}),
        entry("keep", severity_at_least="low", less_than={"unique_error_types": 3}),
        entry("keep", host="lab-*", greater_than={"error_count": 7, "unique_error_types": 1}),
    )
)


@pytest.mark.tools
@given(filters)
@settings(deadline=None, max_examples=50)
def test_the_server_takes_any_filter_and_shows_it_as_the_same(post_filter: Filter) -> None:
    body = monitor(RULE, Deployment(NAMESPACE, None, post_filter))
    shown_body = alerting_parser().parse(body)
    assert list(differences(comparable(body), comparable(shown_body))) == []
    text = json.dumps(search(body))
    assert text.count("{{") == text.count("{{period_end}}") == 2


def test_a_filter_is_in_every_trigger_and_nowhere_else_than_needed() -> None:
    body = monitor(RULE, Deployment(NAMESPACE, None, EVERY_KIND))
    sources = [trigger["condition"]["script"]["source"] for trigger in triggers(body)]
    plain = [trigger["condition"]["script"]["source"] for trigger in triggers(monitor(RULE, DEPLOYMENT))]
    assert len({source.removeprefix(before) for source, before in zip(sources, plain, strict=True)}) == 1
    assert "< 1099511627776L" in sources[0]
    added = search(body)["aggregations"]["by_host"]["aggregations"].keys() - {
        *statistics(RULE, RULE.field_lists),
        *conditions(RULE),
    }
    assert added == {"host_0", "host_1"}
    read = {path.partition(".")[0] for path in triggers(body)[0]["condition"]["buckets_path"].values()}
    assert added <= read


def test_a_host_is_excluded_when_all_its_names_match_and_kept_when_one_does() -> None:
    both = Filter((entry("exclude", host="a", severity_at_most="low"), entry("keep", host="b")))
    added = search(monitor(RULE, Deployment(NAMESPACE, None, both)))["aggregations"]["by_host"]["aggregations"]
    assert [added[name].keys() for name in ("host_0", "host_1")] == [{"min"}, {"max"}]


def test_distinct_values_are_counted_where_their_list_is() -> None:
    columns = RULE.model_dump()["columns"] | {"different": {"distinct": "error_messages"}}
    steps = [{"level": "high", "any": [{"column": name, "greater_than": 2}]} for name in ("different", "unique_error_types")]
    paths, _ = severity_script(rule_with(columns=columns, severity=[*steps, {"level": "low"}]))
    assert paths == {"different": "error_messages._bucket_count", "unique_error_types": "error_types._bucket_count"}


def test_labels_that_are_all_context_make_no_score() -> None:
    classes = [{"name": "odd", "contains": ["odd"], "weight": 2, "context": True}]
    score = {"score": {"score": "label"}, "lines": {"count": "events"}}
    risk = RULE.risk.model_dump() | {"message": "$score$ on $host$"}
    rule = rule_with(
        classification={"field": "oddness", "classes": classes},
        columns=score,
        rows={"table": ["host"]},
        severity=[{"level": "low", "any": [{"column": "score", "greater_than": 0}]}],
        risk=risk,
    )
    _, ladder = severity_script(rule)
    assert ladder == "((0 > 0 ? (2 * (params.label_0 == null ? 0 : params.label_0)) : 0) > 0 ? 1 : -1)"


def test_equal_host_patterns_share_an_aggregation() -> None:
    twice = Filter((entry("exclude", host="A", severity_at_most="low"), entry("exclude", host="a")))
    added = search(monitor(RULE, Deployment(NAMESPACE, None, twice)))["aggregations"]["by_host"]["aggregations"]
    assert [name for name in added if name.startswith("host_")] == ["host_0"]


def test_what_the_rule_alone_answers_is_not_asked() -> None:
    other = Filter((entry("exclude", rule="other", host="a"),))
    assert monitor(RULE, Deployment(NAMESPACE, None, other)) == monitor(RULE, DEPLOYMENT)
    nothing = monitor(RULE, Deployment(NAMESPACE, None, Filter((entry("keep", rule="other"),))))
    assert all(trigger["condition"]["script"]["source"].endswith(" && false") for trigger in triggers(nothing))


def test_a_filter_is_part_of_what_the_mark_tells() -> None:
    assert (
        monitor(RULE, Deployment(NAMESPACE, None, EVERY_KIND))["ui_metadata"]["detect"]["hash"]
        != monitor(RULE, DEPLOYMENT)["ui_metadata"]["detect"]["hash"]
    )
