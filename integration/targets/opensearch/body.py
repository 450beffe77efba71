"""The rule as a bucket-level monitor of OpenSearch Alerting: one search, one trigger a severity, one alert a host."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from integration.detection.model import Rule
from integration.detection.risk import Token
from integration.detection.schedule import MINUTE_MS
from integration.detection.severity import Severity
from integration.errors import InputError
from integration.install.deployment import Deployment
from integration.install.ownership import rule_tag
from integration.log.event import UNKNOWN_HOST
from integration.names import Namespace
from integration.render import painless
from integration.render.aggregation import BY_HOST, class_field, conditions, selection, statistics, values_of
from integration.targets.opensearch.trigger import TriggerCondition

PAGE_SIZE = 1_000
"""Hosts a page. Alerting follows pages by itself, but each one compiles a template, and a cluster compiles 75 in five minutes."""
MAX_BUCKETS = 65_535
"""The stock `search.max_buckets`: a page past it fails the whole run, and a bucket-level monitor tells nobody."""
ACTION = "detect_notify"
"""The id of the one action that is ours; any other action of a trigger is the user's."""

PERIOD_END = "{{period_end}}"
"""What Alerting puts the instant of a run in place of."""
# An alert is in one of these lists: both for an action that runs once an alert and where Alerting bundles very many in one.
_HOST = "{{#ctx.newAlerts}}`{{bucket_keys}}`{{/ctx.newAlerts}}{{#ctx.dedupedAlerts}}`{{bucket_keys}}`{{/ctx.dedupedAlerts}}"


def monitor(rule: Rule, deployment: Deployment, *, enabled: bool = False, notify: str | None = None) -> dict[str, Any]:
    """Return the body of a deployment's monitor for `rule`; `notify` is a channel's id.

    A host whose finding does not pass the filter fires no trigger.

    The ownership tag is in `ui_metadata`, which Alerting shows to Dashboards only, and in the aggregation's `meta`, which it shows
    to all. `InputError` for a rule that Alerting would misread: it takes `{{` in a search for the beginning of a variable.
    """
    condition = TriggerCondition(rule, deployment.filter)
    search, triggers = _search(rule, condition), _triggers(rule, condition)
    if json.dumps(search).replace(PERIOD_END, "").count("{{"):
        raise InputError(f"rule {rule.id}: OpenSearch Alerting would take the `{{{{` in a name of the selection for a variable")
    body: dict[str, Any] = {
        "type": "monitor",
        "name": monitor_name(rule, deployment.namespace),
        "monitor_type": "bucket_level_monitor",
        "schedule": {"cron": {"expression": rule.schedule.cron, "timezone": "UTC"}},
        "inputs": [{"search": {"indices": [deployment.events], "query": search}}],
        "triggers": [{"bucket_level_trigger": trigger} for trigger in triggers],
    }
    tag = rule_tag(rule, deployment.namespace, body)
    search["aggregations"][BY_HOST]["meta"] = tag
    for trigger in triggers:
        trigger["actions"] = [] if notify is None else [action(rule, notify)]
    return body | {"enabled": enabled, "ui_metadata": {"detect": tag}}


def monitor_name(rule: Rule, namespace: Namespace) -> str:
    """Return the monitor's name; Alerting lets several have one, so a name alone proves nothing."""
    return f"{rule.name} ({namespace.name})"


def trigger_id(rule: Rule, level: Severity) -> str:
    """Return the id of a severity's trigger: always the same, so that open alerts outlive an upgrade."""
    return f"{rule.id}_{level}"


def action(rule: Rule, channel: str) -> dict[str, Any]:
    """Return the action that tells a notification channel of each host once a window, as long as the host has a finding."""
    return {
        "id": ACTION,
        "name": "Notify of the finding",
        "destination_id": channel,
        "subject_template": {"lang": "mustache", "source": f"[{{{{ctx.trigger.name}}}}] {_plain(rule.name)}: {_HOST}"},
        "message_template": {"lang": "mustache", "source": _message(rule)},
        "throttle_enabled": False,
        "action_execution_policy": {"action_execution_scope": {"per_alert": {"actionable_alerts": ["DEDUPED", "NEW"]}}},
    }


def as_searched(rule: Rule, bucket: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert's bucket with its host and its lists as other searches give them (see `_search`)."""
    host = painless.undated(bucket["key"]["host"])
    lists = {name: bucket[name] | {"buckets": _values(bucket[name]["buckets"])} for name in rule.field_lists if name in bucket}
    return {**bucket, "key": {"host": host.replace("{ ", "{") if "{ {" in host else host}, **lists}


def _values(buckets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({**each, "key": painless.undated(each["key"])} for each in buckets), key=itemgetter("key"))


def _search(rule: Rule, condition: TriggerCondition) -> dict[str, Any]:
    """Return the search of one run: the window counts back from the cron instant that Alerting runs for, whenever it gets to it.

    Two things that Alerting does with a bucket are kept from harm. It writes the last host of a page into the search for the next
    one and reads that as a template: `{{x}}` would vanish from it, the page would come again, and the run would make alerts without
    end. And it stores buckets in an index that takes a field for a date when the first text in it looks like one: from then on it
    would lose every alert with another text, without a word.
    """
    window = {"gte": _before_run(rule.windows.earliest_ms), "lt": _before_run(rule.windows.latest_ms), "format": "epoch_millis"}
    scripts = {name: painless.script(painless.undated_value(rule, field)) for name, field in rule.field_lists.items()}
    lists = {name: values_of({"script": script}, _max_values(rule)) for name, script in scripts.items()}
    each = statistics(rule, lists) | conditions(rule)
    host = {"terms": {"script": painless.script(painless.undated_hosts(rule))}}
    return {
        "size": 0,
        "derived": class_field(rule),
        "query": selection(rule, "opensearch", window),
        "aggregations": {
            BY_HOST: {
                "composite": {"size": PAGE_SIZE, "sources": [{"host": host}]},
                "aggregations": each | condition.aggregations,
            }
        },
    }


def _before_run(offset_ms: int) -> str:
    """A border of the window in date math; rounding down to the minute is what Splunk's `@m` says."""
    return f"{PERIOD_END}||{offset_ms // MINUTE_MS}m/m" if offset_ms else f"{PERIOD_END}||/m"


def _max_values(rule: Rule) -> int:
    """How many values of a list an alert shows: so few that a page of hosts with as many cannot pass `MAX_BUCKETS`."""
    for_lists = MAX_BUCKETS // PAGE_SIZE - 1 - len(rule.classification.names)
    return max(1, for_lists // max(1, len(rule.field_lists)))


def _triggers(rule: Rule, condition: TriggerCondition) -> list[dict[str, Any]]:
    """One trigger a severity, most severe first, exclusive: each asks whether the whole ladder of SPL 12 ends at its level."""
    levels = sorted({step.level for step in rule.severity}, reverse=True)
    passes = "" if condition.passes is None else f" && {condition.passes}"
    return [
        {
            "id": trigger_id(rule, level),  # before the condition, which Alerting names by it
            "name": str(level),
            "severity": str(Severity.CRITICAL - level + 1),
            "condition": {
                "parent_bucket_path": BY_HOST,
                "buckets_path": condition.paths,
                "script": {"lang": "painless", "source": f"{condition.ladder} == {int(level)}{passes}"},
            },
        }
        for level in levels
    ]


def _message(rule: Rule) -> str:
    """The risk message, as far as Alerting tells an action what it needs: of an alert's bucket it gives the host alone.

    So nothing of a log line is in it; the host's name is escaped as in JSON.
    """
    known = {"host": _HOST, "severity": "{{ctx.trigger.name}}"}
    if isinstance(rule.attack_type, str):
        known["attack_type"] = _plain(rule.attack_type)
    parts = rule.risk.message_parts
    text = "".join(known.get(part.name, f"[{part.name}]") if isinstance(part, Token) else _plain(part) for part in parts)
    return (
        f"{text}\n\nSeverity: {{{{ctx.trigger.name}}}}\nRule: {rule.id}, version {rule.version}\n"
        f"The host {UNKNOWN_HOST} stands for every machine whose events name none.\n"
        "The statistics in brackets are in the alert, and in the answer to:\n"
        f"detect run --rule {rule.id} --at {{{{ctx.periodEnd}}}}\n"
        "It names each finding by an id, whose lines this shows:\ndetect explain --finding ID\n"
    )


def _plain(text: str) -> str:
    """Write text into a template so that it stands for itself: `{{` would begin a variable."""
    return text.replace("{{", "{{=<% %>=}}{{<%={{ }}=%>")
