"""What a cluster has of OpenSearch's plugins for alerting."""

from __future__ import annotations

from integration.engines.base import Engine
from integration.errors import ForbiddenError, InputError, MissingApiError


def has_alerting(engine: Engine) -> bool:
    """Whether the cluster has the Alerting plugin."""
    if engine.name != "opensearch":
        return False
    try:
        engine.request("GET", "/_plugins/_alerting/monitors/alerts", params={"size": 0}, retry=True)
    except MissingApiError:
        return False
    return True


def require_channel(engine: Engine, channel: str) -> None:
    """`InputError` when there is no such notification channel: Alerting takes any id, and no alert tells of a message not sent.

    A user who may not list channels is believed.
    """
    try:
        answer = engine.request("GET", "/_plugins/_notifications/channels", retry=True)
    except ForbiddenError:
        return
    except MissingApiError as error:
        raise InputError("--notify: the cluster has no Notifications plugin, so nothing would be sent; leave it out") from error
    names = {each["config_id"]: each["name"] for each in answer["channel_list"]}
    if channel not in names and len(names) == answer["total_hits"]:
        known = ", ".join(f"{key} ({name})" for key, name in names.items()) or "none"
        raise InputError(f"--notify: the cluster has no notification channel {channel!r}; it has: {known}")
