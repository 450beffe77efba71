"""Two monitors compared: what Alerting rewrites and adds by itself, and what the user owns, is no difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integration.detection.model import Rule
from integration.install.comparison import Difference
from integration.targets.opensearch.body import ACTION, action

_OURS = ("name", "monitor_type", "schedule", "inputs")
# What Alerting writes into a body that says nothing of it.
_DEFAULTS: dict[str, Any] = {
    "adjust_pure_negative": True,
    "boost": 1.0,
    "gap_policy": "skip",
    "min_doc_count": 1,
    "missing_bucket": False,
    "order": "asc",
    "shard_min_doc_count": 0,
    "show_term_doc_count_error": False,
}


def comparable(body: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce a monitor, desired or read back, to what is ours in it, in one form; triggers by their ids, without their actions."""
    ours = {key: _plain(body.get(key)) for key in _OURS}
    return ours | {"triggers": {key: _plain(trigger) for key, trigger in _triggers(body)}}


def keeping(body: dict[str, Any], found: Mapping[str, Any], rule: Rule, notify: str | None) -> dict[str, Any]:
    """Return the desired monitor with the enabled state and the actions of the found one, but our own action to `notify` if given.

    A trigger that is new gets our action when the others have it.
    """
    actions: dict[str, list[dict[str, Any]]] = {}
    for key, trigger in _all_triggers(found):
        actions[key] = trigger.get("actions", [])
    channels = [a["destination_id"] for those in actions.values() for a in those if a.get("id") == ACTION]
    channel = notify or (channels[0] if channels else None)
    for key, trigger in _all_triggers(body):
        kept = actions.get(key)
        others = [a for a in kept or () if a.get("id") != ACTION]
        if kept is None or notify is not None:
            kept = [*others, *([action(rule, channel)] if channel else [])]
        trigger["actions"] = kept
    return body | {"enabled": found["enabled"]}


def other_channels(found: Mapping[str, Any], notify: str | None) -> Iterator[Difference]:
    """Say of each trigger that does not notify the channel `notify`, and so must be changed; of none when it is None."""
    for key, trigger in _all_triggers(found):
        channels = [a["destination_id"] for a in trigger.get("actions", ()) if a.get("id") == ACTION]
        if notify is not None and channels != [notify]:
            yield f"triggers.{key}.actions.{ACTION}.destination_id", notify, channels[0] if channels else None


def _triggers(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, trigger in _all_triggers(body):
        yield key, {name: value for name, value in trigger.items() if name != "actions"}


def _all_triggers(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each trigger with its id, whatever its type."""
    for wrapped in body.get("triggers", ()):
        for trigger in wrapped.values():
            yield str(trigger.get("id")), trigger


def _plain(value: Any) -> Any:
    """Take out what Alerting adds, and write ranges and single values as people do."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = {key: _plain(item) for key, item in value.items() if key not in _DEFAULTS or item != _DEFAULTS[key]}
    if "include_lower" in fields and "include_upper" in fields:
        fields["gte" if fields.pop("include_lower") else "gt"] = fields.pop("from", None)
        fields["lte" if fields.pop("include_upper") else "lt"] = fields.pop("to", None)
    return fields["value"] if fields.keys() == {"value"} else fields
