"""Which places run rules by themselves on a cluster."""

from __future__ import annotations

from enum import StrEnum

from integration.engines.base import Engine
from integration.engines.kibana import Kibana
from integration.errors import InputError
from integration.findings.filter import NO_FILTER, Filter
from integration.install.target import RuleTarget
from integration.names import Namespace
from integration.targets.kibana.rules import DetectionTarget, StackTarget
from integration.targets.opensearch.monitors import AlertingTarget, has_alerting, require_channel


class Alerting(StrEnum):
    """What shall run the rules: what the cluster has, a named one, or nothing.

    `kibana` is a detection rule of Elastic Security, `kibana-stack` an Elasticsearch query rule with an alert a host.
    """

    AUTO = "auto"
    OPENSEARCH = "opensearch"
    KIBANA = "kibana"
    KIBANA_STACK = "kibana-stack"
    NONE = "none"


def targets_of(
    engine: Engine,
    alerting: Alerting,
    namespace: Namespace,
    index: str | None = None,
    notify: str | None = None,
    kibana: Kibana | None = None,
    post_filter: Filter = NO_FILTER,
) -> list[RuleTarget]:
    """Give the places where the rules shall run, none where the cluster has none; `notify` is a notification channel's id.

    What is put there finds what passes the filter; the bodies of a place raise `InputError` for a filter it cannot be told.
    By `auto`: OpenSearch Alerting where it is, else Kibana where its address is given. `InputError` when a place is asked for that
    the cluster does not have, or a notification that nothing would send.
    """
    if alerting in (Alerting.AUTO, Alerting.OPENSEARCH) and has_alerting(engine):
        if notify is not None:
            require_channel(engine, notify)
        return [AlertingTarget(engine, namespace, index, notify, post_filter)]
    if notify is not None:
        raise InputError(f"--notify needs OpenSearch Alerting, which shall not be used here or is not there; {SCHEDULER_HINT}")
    if alerting is Alerting.OPENSEARCH:
        raise InputError(f"{engine.name} {engine.version_text} at {engine.url} has no Alerting plugin; {SCHEDULER_HINT}")
    if alerting in (Alerting.KIBANA, Alerting.KIBANA_STACK) and engine.name != "elasticsearch":
        raise InputError(f"Kibana's rules read Elasticsearch, and {engine.url} is {engine.name}; {SCHEDULER_HINT}")
    if kibana is not None and alerting in (Alerting.AUTO, Alerting.KIBANA) and engine.name == "elasticsearch":
        return [DetectionTarget(kibana, namespace, index, post_filter)]
    if kibana is not None and alerting is Alerting.KIBANA_STACK:
        return [StackTarget(kibana, namespace, index, post_filter)]
    if alerting in (Alerting.KIBANA, Alerting.KIBANA_STACK):
        raise InputError(f"--alerting {alerting} needs Kibana's address: --kibana-url or DETECT_KIBANA_URL")
    return []


SCHEDULER_HINT = "`detect watch` runs the rules by their schedule from here, and needs nothing of the cluster"
"""What to do where nothing on the cluster runs rules."""
