"""A stack rule as the saved object that Kibana's import of saved objects takes."""

from __future__ import annotations

from typing import Any

# The form of rules that Kibana brings up to its own by itself, in each version that can run ours.
_CORE_VERSION, _TYPE_VERSION = "8.8.0", "10.1.0"
# Kibana wants times; none is known, and the file shall be the same each time.
_NO_TIME = "1970-01-01T00:00:00.000Z"
_KEPT = ("name", "tags", "consumer", "schedule", "params", "actions")


def saved_rule(body: dict[str, Any], identifier: str) -> dict[str, Any]:
    """Return the saved object of a rule's body for the API, as Kibana exports one: disabled, and without the key that it runs with.

    Kibana makes the key for whoever enables the rule after the import.
    """
    attributes: dict[str, Any] = {
        **{key: body[key] for key in _KEPT},
        "alertTypeId": body["rule_type_id"],
        "enabled": False,
        "throttle": None,
        "notifyWhen": None,
        "apiKey": None,
        "apiKeyOwner": None,
        "apiKeyCreatedByUser": None,
        "createdBy": None,
        "updatedBy": None,
        "createdAt": _NO_TIME,
        "updatedAt": _NO_TIME,
        "muteAll": False,
        "mutedInstanceIds": [],
        "revision": 0,
        "running": False,
        "legacyId": None,
        "scheduledTaskId": None,
        "executionStatus": {"status": "pending", "lastExecutionDate": _NO_TIME, "error": None, "warning": None},
    }
    return {
        "type": "alert",
        "id": identifier,
        "attributes": attributes,
        "references": [],
        "coreMigrationVersion": _CORE_VERSION,
        "typeMigrationVersion": _TYPE_VERSION,
    }
