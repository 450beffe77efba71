"""The rule for Kibana: as a detection rule of Elastic Security, and as a rule of Stack Management; both run its ES|QL query."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.detection.risk import Technique
from integration.detection.schedule import MINUTE_MS
from integration.detection.severity import Severity
from integration.install.deployment import Deployment
from integration.install.ownership import OWNER, content_hash
from integration.names import Namespace
from integration.targets.kibana.esql import query

MAX_ALERTS = 1_000
"""Alerts a run; more than Kibana's stock limit of a thousand it would not keep either. The most severe come first."""
_CHECKS_A_WINDOW = 12
_ATTACK = "https://attack.mitre.org"
_RULE_TAG = f"{OWNER}.rule:"


def detection_rule(rule: Rule, deployment: Deployment) -> dict[str, Any]:
    """Return the body of a detection rule of type `esql`, one alert for each finding that passes the filter.

    `RuleError` for a rule that ES|QL cannot say, `InputError` for such a filter.

    It runs as often as the schedule, and each time covers the last scheduled window, however late in the hour it runs.
    """
    span = _span(rule)
    body: dict[str, Any] = {
        "rule_id": detection_id(rule, deployment.namespace),
        "name": rule_name(rule, deployment.namespace),
        "description": rule.description,
        "type": "esql",
        "language": "esql",
        "query": query(rule, deployment.events, post_filter=deployment.filter),
        "interval": _duration(span),
        "from": f"now-{_look_back(rule)}m",
        "to": "now",
        "max_signals": MAX_ALERTS,
        "risk_score": rule.risk.score_of(rule.severity[-1].level),
        **_risk_score_mapping(rule),
        "severity": _kibana_severity(rule.severity[-1].level),
        "severity_mapping": [
            {"field": "finding.severity", "operator": "equals", "value": str(level), "severity": _kibana_severity(level)}
            for level in sorted({step.level for step in rule.severity})
        ],
        "threat": [_threat(technique) for technique in rule.attack],
        "author": [OWNER],
        "false_positives": [rule.known_false_positives],
        "references": list(rule.references),
        "note": _note(rule),
        "setup": rule.implementation,
        "version": rule.version,
    }
    return body | {"tags": _tags(rule, deployment.namespace, body), "enabled": rule.enabled}


def stack_rule(rule: Rule, deployment: Deployment) -> dict[str, Any]:
    """Return the body of an Elasticsearch query rule (`.es-query`): one alert a host, active while its finding is the last one.

    Kibana tells the alerts apart by the column after BY, the host; that came with 8.19 and 9.1. It looks several times a window,
    which makes no second alert. `RuleError` for a rule that ES|QL cannot say, `InputError` for such a filter.
    """
    params: dict[str, Any] = {
        "searchType": "esqlQuery",
        "esqlQuery": {"esql": query(rule, deployment.events, post_filter=deployment.filter)},
        "timeField": name_in_index(rule, "@timestamp"),
        "timeWindowSize": _look_back(rule),
        "timeWindowUnit": "m",
        "threshold": [0],
        "thresholdComparator": ">",
        "groupBy": "row",
        "aggType": "count",
        "size": 100,
        "excludeHitsFromPreviousRun": False,
    }
    body: dict[str, Any] = {
        "name": rule_name(rule, deployment.namespace),
        "rule_type_id": ".es-query",
        "consumer": "stackAlerts",
        "schedule": {"interval": _duration(max(1, _span(rule) // _CHECKS_A_WINDOW))},
        "params": params,
    }
    return body | {"tags": _tags(rule, deployment.namespace, body), "actions": [], "enabled": rule.enabled}


def ndjson(objects: Iterable[dict[str, Any]]) -> str:
    """Write objects as a file that Kibana's imports take, one a line."""
    return "".join(f"{json.dumps(body, ensure_ascii=False)}\n" for body in objects)


def detection_id(rule: Rule, namespace: Namespace) -> str:
    """Return the `rule_id` of a detection rule, the same each time: Kibana takes no second one of it in a space."""
    return f"{OWNER}-{rule.id}-{namespace.name}"


def stack_id(rule: Rule, namespace: Namespace, space: str) -> str:
    """Return the id of a stack rule, the same each time. Kibana wants a UUID of version 4, unique among all spaces."""
    digest = sha256("\0".join((OWNER, rule.id, namespace.name, space)).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def rule_name(rule: Rule, namespace: Namespace) -> str:
    """Return the name that people see."""
    return f"{rule.name} ({namespace.name})"


def owner_tags(rule: Rule, namespace: Namespace) -> list[str]:
    """Return the tags that tell whose a rule in Kibana is, whatever its version or content."""
    return [OWNER, f"{_RULE_TAG}{rule.id}", namespace_tag(namespace)]


def namespace_tag(namespace: Namespace) -> str:
    """Return the tag that all rules of ours in Kibana for a namespace bear."""
    return f"{OWNER}.namespace:{namespace.name}"


def tagged_rule(tags: Sequence[str]) -> str | None:
    """Return the id of the rule that the tags of a rule in Kibana name."""
    return next((tag.removeprefix(_RULE_TAG) for tag in tags if tag.startswith(_RULE_TAG)), None)


def other_tags(tags: Sequence[str]) -> list[str]:
    """Return those of a rule's tags that are the user's."""
    return [tag for tag in tags if tag != OWNER and not tag.startswith(f"{OWNER}.")]


def _tags(rule: Rule, namespace: Namespace, body: dict[str, Any]) -> list[str]:
    return [*owner_tags(rule, namespace), f"{OWNER}.version:{rule.version}", f"{OWNER}.hash:{content_hash(body)}"]


def _span(rule: Rule) -> int:
    """Minutes from run to run."""
    return (rule.windows.latest_ms - rule.windows.earliest_ms) // MINUTE_MS


def _look_back(rule: Rule) -> int:
    """Minutes before a run within which Kibana must let the query see events: it may run as late as the next scheduled run."""
    return -rule.windows.earliest_ms // MINUTE_MS + _span(rule)


def _duration(minutes: int) -> str:
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def _kibana_severity(level: Severity) -> str:
    """Kibana knows no severity below low."""
    return str(max(level, Severity.LOW))


def _risk_score_mapping(rule: Rule) -> dict[str, Any]:
    """Where the rule's score depends on the severity, each alert has that of its finding."""
    if isinstance(rule.risk.score, int):
        return {}
    return {"risk_score_mapping": [{"field": "finding.risk_score", "operator": "equals", "value": ""}]}


def _threat(attack: Technique) -> dict[str, Any]:
    identifier, _, sub = attack.technique.partition(".")
    technique: dict[str, Any] = {
        "id": identifier,
        "name": attack.name,
        "reference": f"{_ATTACK}/techniques/{identifier}/",
        "subtechnique": [],
    }
    if sub:
        reference = f"{_ATTACK}/techniques/{identifier}/{sub}/"
        technique["subtechnique"] = [{"id": attack.technique, "name": attack.name, "reference": reference}]
    tactic = {"id": attack.tactic_id, "name": attack.tactic, "reference": f"{_ATTACK}/tactics/{attack.tactic_id}/"}
    return {"framework": "MITRE ATT&CK", "tactic": tactic, "technique": [technique]}


def _note(rule: Rule) -> str:
    return (
        "## Investigation\n\n"
        "Each alert is one finding: a host in one window of the schedule. Its statistics are under `finding.`, with the severity "
        "that the alert's own is mapped from; `finding.risk_message` sums them up.\n\n"
        f"`detect run --rule {rule.id} --at TIME` gives the same finding with every value of its lists, and whole ones (TIME: when "
        "the alert was made), and its id; `detect explain --finding ID` shows the lines behind it, and what made its severity. "
        "`detect validate` with the options of `run` holds it against the reference of the search.\n\n"
        f"Attack type: {rule.attack_type if isinstance(rule.attack_type, str) else ', '.join(s.called for s in rule.attack_type)}"
    )
