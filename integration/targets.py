"""Which places run rules by themselves on a cluster."""

from __future__ import annotations

from enum import StrEnum

from integration.alerting import AlertingTarget, has_alerting
from integration.engines.base import Engine
from integration.errors import InputError
from integration.names import Namespace
from integration.target import RuleTarget


class Alerting(StrEnum):
    """What shall run the rules: what the cluster has, a named one, or nothing."""

    AUTO = "auto"
    OPENSEARCH = "opensearch"
    NONE = "none"


def targets_of(
    engine: Engine, alerting: Alerting, namespace: Namespace, index: str | None = None, notify: str | None = None
) -> list[RuleTarget]:
    """Give the places where the rules shall run, none where the cluster has none; `notify` is a notification channel's id.

    `InputError` when a place is asked for that the cluster does not have, or a notification that nothing would send.
    """
    if alerting is not Alerting.NONE and has_alerting(engine):
        return [AlertingTarget(engine, namespace, index, notify)]
    if alerting is Alerting.OPENSEARCH:
        raise InputError(f"{engine.name} {engine.version_text} at {engine.url} has no Alerting plugin; {SCHEDULER_HINT}")
    if notify is not None:
        raise InputError(f"--notify needs OpenSearch Alerting, which shall not be used here or is not there; {SCHEDULER_HINT}")
    return []


SCHEDULER_HINT = "`detect watch` runs the rules by their schedule from here, and needs nothing of the cluster"
"""What to do where nothing on the cluster runs rules."""
