"""Which place runs rules by itself on a cluster, and all that is desired there."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from integration.errors import InputError
from integration.install.deployment import Deployment
from integration.install.objects import Connections, Target
from integration.targets.kibana.connectors import connector_of
from integration.targets.kibana.rules import DetectionRule, KibanaTarget, StackRule
from integration.targets.opensearch.monitors import AlertingTarget
from integration.targets.opensearch.plugins import has_alerting, require_channel

SCHEDULER_HINT = "`detect watch` runs the rules on their schedule from this machine, and needs no alerting plugin"
"""What to do where nothing on the cluster runs rules."""


class Alerting(StrEnum):
    """What shall run the rules: what the cluster has, a named target, or nothing.

    `kibana` is a detection rule of Elastic Security, `kibana-stack` an Elasticsearch query rule with an alert a host.
    """

    AUTO = "auto"
    OPENSEARCH = "opensearch"
    KIBANA = "kibana"
    KIBANA_STACK = "kibana-stack"
    NONE = "none"


def targets_for(engine: str, deployment: Deployment) -> Sequence[Target]:
    """Return every target that an engine may have."""
    if engine == "opensearch":
        return (AlertingTarget(deployment),)
    return (KibanaTarget(DetectionRule, deployment), KibanaTarget(StackRule, deployment))


def target_of(
    connections: Connections, alerting: Alerting, deployment: Deployment, notify: str | None = None, connector: str | None = None
) -> Target | None:
    """Return the place where the rules shall run, None where the cluster has none.

    `notify` is the id of a notification channel of OpenSearch, `connector` that of a connector of Kibana.

    By `auto`: OpenSearch Alerting where it is, else Kibana where its address is given. `InputError` when a place is asked for that
    the cluster does not have, or a notification that nothing would send.
    """
    engine, kibana = connections.engine, connections.kibana
    if alerting in (Alerting.AUTO, Alerting.OPENSEARCH) and has_alerting(engine):
        if notify is not None:
            require_channel(engine, notify)
        if connector is not None:
            raise InputError("--connector is for rules in Kibana; OpenSearch Alerting takes --notify CHANNEL_ID")
        return AlertingTarget(deployment, notify)
    if notify is not None:
        raise InputError(f"--notify needs OpenSearch Alerting: it is not there, or --alerting leaves it out; {SCHEDULER_HINT}")
    if alerting is Alerting.OPENSEARCH:
        raise InputError(f"{engine.name} {engine.version_text} at {engine.url} has no Alerting plugin; {SCHEDULER_HINT}")
    is_asked = alerting in (Alerting.KIBANA, Alerting.KIBANA_STACK)
    if is_asked and engine.name != "elasticsearch":
        raise InputError(f"Kibana's rules read Elasticsearch, and {engine.url} is {engine.name}; {SCHEDULER_HINT}")
    if is_asked and kibana is None:
        raise InputError(f"--alerting {alerting} needs Kibana's address: --kibana-url or DETECT_KIBANA_URL")
    if kibana is None or alerting is Alerting.NONE or engine.name != "elasticsearch":
        if connector is not None:
            raise InputError(f"--connector is for rules in Kibana: it is not there, or --alerting leaves it out; {SCHEDULER_HINT}")
        return None
    kibana.check()
    hearing = None if connector is None else connector_of(kibana, connector)
    return KibanaTarget(StackRule if alerting is Alerting.KIBANA_STACK else DetectionRule, deployment, hearing)
