"""The rule as a watch: one search each run, and a risk event for each finding, under the ids that `detect run --write` gives."""

from __future__ import annotations

import json
import re
from typing import Any

from integration.detection.fields import name_in_index
from integration.detection.model import LIST_STATS, Rule, StatCondition
from integration.detection.schedule import MINUTE_MS
from integration.errors import RuleError
from integration.findings.filter import NO_FILTER, Filter
from integration.findings.finding import LISTS
from integration.install.ownership import OWNER, rule_mark
from integration.names import Namespace
from integration.render import painless
from integration.render.aggregation import BY_HOST, class_field, condition_name, selection, statistics
from integration.render.selector import Selector
from integration.targets.watcher.cron import crons

MAX_HOSTS = 250
"""Hosts a run sees; a watch cannot page. It logs an error when there may be more."""
_MAX_BUCKETS = 65_535  # the stock `search.max_buckets`: a search past it fails, so that a hostile log could silence the watch
_EXACT_COUNT_UP_TO = 10_000
_SCHEDULED = "{{ctx.trigger.scheduled_time}}"


def watch(rule: Rule, namespace: Namespace, index: str | None = None, post_filter: Filter = NO_FILTER) -> dict[str, Any]:
    """Give the body of `PUT _watcher/watch/ID`. It says nothing of being active: create it with `active=false`.

    Of a host whose finding does not pass the filter the search gives no bucket. `InputError` for a filter that Watcher cannot be
    told, `RuleError` for a schedule that Watcher cannot be given, or a name in the selection that it would take for a variable.
    """
    search = _search(rule, Selector(rule, post_filter, _max_values(rule), "Watcher"))
    if json.dumps(search).replace(_SCHEDULED, "").count("{{"):
        raise RuleError(f"{rule.file or rule.id}: Watcher would take the `{{{{` in a name of the selection for a variable")
    schedule = _schedule(rule)
    body: dict[str, Any] = {
        "trigger": {"schedule": {"cron": schedule[0] if len(schedule) == 1 else schedule}},
        "input": {"search": {"request": {"indices": [index or namespace.events], "body": search}}},
        "condition": {
            "script": painless.script("def hosts = ctx.payload.aggregations?.hosts; return hosts != null && hosts.value > 0;")
        },
        "actions": {
            "write_risk_events": {
                "condition": {"script": painless.script(f"return !ctx.payload.aggregations.{BY_HOST}.buckets.isEmpty();")},
                "transform": {"script": painless.script(transform(rule), _params(rule))},
                "index": {"index": namespace.risk},
            },
            "more_hosts": {
                "condition": {"script": painless.script(f"return ctx.payload.aggregations.hosts.value >= {MAX_HOSTS};")},
                "logging": {
                    "level": "error",
                    "text": f"{watch_id(rule, namespace)}: {MAX_HOSTS} hosts or more have errors; "
                    f"`detect run --rule {rule.id} --write` writes those beyond",
                },
            },
        },
    }
    return body | {"metadata": rule_mark(rule, namespace, body)}


def _schedule(rule: Rule) -> list[str]:
    cron = rule.schedule.cron
    try:
        return crons(cron)
    except ValueError as error:
        raise RuleError(
            f"{rule.file or rule.id}: schedule.cron (or detect.toml's): {cron!r} {error}, so this rule cannot go to Watcher; "
            "write it otherwise, or let `detect watch` run the rule"
        ) from error


def watch_id(rule: Rule, namespace: Namespace) -> str:
    """Give the watch's id."""
    return f"{OWNER}-{rule.id}-{namespace.name}"


def _search(rule: Rule, selector: Selector) -> dict[str, Any]:
    window = {"gte": _before_run(rule.windows.earliest_ms), "lt": _before_run(rule.windows.latest_ms)}
    distinct = {
        f"{name}_distinct": {
            "cardinality": {"script": painless.script(painless.value(rule, field)), "precision_threshold": _EXACT_COUNT_UP_TO}
        }
        for name, field in rule.stats.values
    }
    passes = {"bucket_selector": {"buckets_path": selector.paths, "script": painless.script(selector.script)}}
    host = {"field": name_in_index(rule, "host.name")}
    return {
        "size": 0,
        "track_total_hits": False,
        "runtime_mappings": class_field(rule),
        "query": selection(rule, window),
        "aggs": {
            "hosts": {"cardinality": host | {"precision_threshold": 2 * MAX_HOSTS}},
            BY_HOST: {
                "composite": {"size": MAX_HOSTS, "sources": [{"host": {"terms": host}}]},
                "aggs": statistics(rule, _max_values(rule))
                | distinct
                | selector.aggregations
                | ({} if selector.passes_all else {"passes": passes}),
            },
        },
    }


def _before_run(offset_ms: int) -> str:
    """A border of the window in date math: `gte` and `lt` both round down, as Splunk's `@m` does."""
    return f"{_SCHEDULED}||{offset_ms // MINUTE_MS}m/m" if offset_ms else f"{_SCHEDULED}||/m"


def _max_values(rule: Rule) -> int:
    """How many values of a list a risk event shows: so few that hosts with as many cannot pass `_MAX_BUCKETS`."""
    return max(1, (_MAX_BUCKETS // MAX_HOSTS - 1 - len(rule.classification.names)) // len(LIST_STATS))


def _params(rule: Rule) -> dict[str, Any]:
    """What a risk event says whatever was found, as `risk.risk_event` does."""
    return {
        "rule": {"id": rule.id, "name": rule.name, "version": str(rule.version)},
        "threat": {
            "tactic": {"id": [t.tactic_id for t in rule.attack], "name": [t.tactic for t in rule.attack]},
            "technique": {"id": [t.technique for t in rule.attack], "name": [t.name for t in rule.attack]},
        },
        "object_type": rule.risk.object_type,
        "threat_objects": list(rule.risk.threat_objects),
        "score": rule.risk.score,
        "attack_type": rule.attack_type,
        "lists": list(LISTS),
        "earliest": rule.windows.earliest_ms,
        "latest": rule.windows.latest_ms,
        "bin": rule.stats.bin_ms,
    }


def transform(rule: Rule) -> str:
    """Give the Painless that turns the search's answer into `_doc`, the risk events with their ids.

    `risk.risk_event` and `Finding.id` say the same in Python; the tests hold the two together.
    """
    return _TRANSFORM.replace("SEVERITY", _severity(rule)).replace("MESSAGE", _message(rule))


_TRANSFORM = """
String at(long millis, String pattern) {
  return DateTimeFormatter.ofPattern(pattern).withZone(ZoneId.of('UTC')).format(Instant.ofEpochMilli(millis));
}
String part(String text) {
  return text.codePointCount(0, text.length()) + ':' + text;
}
String seconds = "yyyy-MM-dd'T'HH:mm:ss'Z'";
String exact = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'";
String spl = 'yyyy-MM-dd HH:mm:ss';
long minute = 60000L;
long run = ctx.trigger.scheduled_time.toInstant().toEpochMilli();
long start = (run + (long) params.earliest) / minute * minute;
long end = (run + (long) params.latest) / minute * minute;
long span = (long) params.bin;
String nul = Character.toString((char) 0);
def docs = new ArrayList();
for (def bucket : ctx.payload.aggregations.by_host.buckets) {
  String host = bucket.key.host.toString();
  long count = ((Number) bucket.doc_count).longValue();
  long first = ((Number) bucket.first_seen.value).longValue();
  long last = ((Number) bucket.last_seen.value).longValue();
  Map lists = new HashMap();
  Map truncated = new HashMap();
  long rows = 1L;
  for (String name : params.lists) {
    List values = new ArrayList();
    for (def value : bucket[name].buckets) { values.add(value.key.toString()); }
    long beyond = 0L;
    if (((Number) bucket[name].sum_other_doc_count).longValue() > 0L) {
      beyond = (long) Math.max(0L, ((Number) bucket[name + '_distinct'].value).longValue() - values.size());
    }
    lists[name] = values;
    truncated[name] = beyond;
    rows = rows * (values.size() + beyond);
  }
  long types = ((List) lists.error_types).size();
  String severity = SEVERITY;
  String message = MESSAGE;
  String id = (part(params.rule.id) + nul + part(host) + nul + part(at(start, exact))).sha256().substring(0, 32);
  Map finding = new HashMap(lists);
  finding.rule_id = params.rule.id;
  finding.host = host;
  finding.window_start = at(start, seconds);
  finding.window_end = at(end, seconds);
  finding.error_count = count;
  finding.first_error = at(first / span * span, spl);
  finding.last_error = at(last / span * span, spl);
  finding.first_seen = at(first, exact);
  finding.last_seen = at(last, exact);
  finding.unique_error_types = types;
  finding.severity = severity;
  finding.attack_type = params.attack_type;
  finding.risk_score = params.score;
  finding.risk_message = message;
  finding.spl_row_count = rows;
  finding.truncated = truncated;
  Map doc = new HashMap();
  doc['_id'] = id;
  doc['@timestamp'] = at(end, exact);
  doc.message = message;
  doc.event = ['kind': 'alert', 'id': id, 'dataset': 'detect.risk'];
  doc.host = ['name': host];
  doc.risk = ['score': params.score, 'object': host, 'object_type': params.object_type, 'threat_objects': params.threat_objects];
  doc.rule = params.rule;
  doc.threat = params.threat;
  doc.finding = finding;
  docs.add(doc);
}
return ['_doc': docs];
"""


def _severity(rule: Rule) -> str:
    """SPL 12 as an expression."""
    code = ""
    for step in rule.severity[:-1]:
        tests = " || ".join(_holds(rule, condition) for condition in step.any)
        code += f"({tests}) ? {painless.literal(str(step.level))} : "
    return code + painless.literal(str(rule.severity[-1].level))


def _holds(rule: Rule, condition: StatCondition) -> str:
    if condition.greater_than is not None:
        return f"{'count' if condition.stat == 'error_count' else 'types'} > {condition.greater_than}L"
    name = condition_name(rule, condition)
    return f"bucket.{name}.{'doc_count' if condition.stat == 'error_types' else 'value'} > 0"


def _message(rule: Rule) -> str:
    known = {
        "host": "host",
        "error_count": "count",
        "unique_error_types": "types",
        "attack_type": "params.attack_type",
        **{name: f"String.join(', ', (List) lists.{name})" for name in LISTS},
    }
    parts = re.split(r"\$(\w+)\$", rule.risk.message)
    return " + ".join(["''", *(known[part] if n % 2 else painless.literal(part) for n, part in enumerate(parts) if part)])
