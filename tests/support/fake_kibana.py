"""Kibana's rule APIs on 127.0.0.1, as strict as the real ones: conventions, credentials, spaces, ids, and the keys of bodies.

The keys are those of Kibana's published API description (Security detections, Alerting); what the server adds to an object it
keeps is added here too. An update depends on nothing that was read, and is counted in `revision` if it changes something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Self

from tests.support.fake_cluster import Answer, FakeCluster, Fault, Request
from tests.support.fake_kibana_alerts import SIGNAL_KEYS, MemoryIndices, Search, fault_of_signals_search
from tests.support.fake_saved_objects import KIBANA, SavedObjects

API_KEY = "a2V5OnNlY3JldA=="
SPACES = ("default", "soc")
CONNECTORS = {"chat": ".slack", "hook": ".webhook", "post": ".email"}
VERSION = "9.1.0"

_TEXT, _LIST, _OBJECT = str, list, dict
_DETECTION_KEYS: dict[str, Any] = {
    **dict.fromkeys(("rule_id", "name", "description", "type", "language", "query", "severity", "interval", "from", "to"), _TEXT),
    **dict.fromkeys(("note", "setup", "license", "rule_name_override", "timestamp_override", "throttle"), _TEXT),
    **dict.fromkeys(("risk_score", "version", "max_signals"), int),
    **dict.fromkeys(("severity_mapping", "risk_score_mapping", "threat", "tags", "author", "references"), _LIST),
    **dict.fromkeys(("false_positives", "actions", "exceptions_list", "related_integrations", "required_fields"), _LIST),
    **dict.fromkeys(("meta", "investigation_fields", "alert_suppression"), _OBJECT),
    "enabled": bool,
}
_DETECTION_REQUIRED = ("name", "description", "risk_score", "severity", "type", "query", "language")
_DETECTION_DEFAULTS: dict[str, Any] = {
    "actions": [],
    "exceptions_list": [],
    "risk_score_mapping": [],
    "related_integrations": [],
    "required_fields": [],
    "immutable": False,
    "created_by": "elastic",
    "output_index": "",
}
_STACK_KEYS = {"name", "rule_type_id", "consumer", "schedule", "params", "tags", "actions", "enabled", "throttle", "notify_when"}
_STACK_KEYS |= {"alert_delay", "flapping"}
_STACK_UPDATE_KEYS = _STACK_KEYS - {"rule_type_id", "consumer", "enabled"}
_STACK_REQUIRED = ("name", "rule_type_id", "consumer", "schedule", "params")
_ACTION_KEYS = {"id", "group", "params", "frequency", "uuid", "alerts_filter", "use_alert_data_for_template"}
_FREQUENCY = {"summary": True, "notifyWhen": "onActiveAlert", "throttle": None}
_DETECTION_ACTION_KEYS = {"id", "group", "params", "action_type_id", "frequency", "uuid", "alerts_filter"}
_PARAM_KEYS = {"searchType", "esqlQuery", "timeField", "timeWindowSize", "timeWindowUnit", "threshold", "thresholdComparator"}
_PARAM_KEYS |= {"groupBy", "aggType", "size", "excludeHitsFromPreviousRun", "termSize", "sourceFields"}
# The attributes of a saved rule by the first version of their form; those in the second line may be missing.
_SAVED_KEYS: dict[str, Any] = {
    **dict.fromkeys(("name", "consumer", "alertTypeId", "createdAt", "updatedAt"), str),
    **dict.fromkeys(("apiKey", "apiKeyOwner", "createdBy", "updatedBy", "legacyId"), str | None),
    **dict.fromkeys(("enabled", "muteAll"), bool),
    **dict.fromkeys(("tags", "mutedInstanceIds", "actions"), list),
    **dict.fromkeys(("schedule", "params", "executionStatus"), dict),
    "revision": int,
}
_SAVED_OPTIONAL = {
    **dict.fromkeys(("throttle", "scheduledTaskId", "isSnoozedUntil", "notifyWhen", "nextRun"), str | None),
    **dict.fromkeys(("apiKeyCreatedByUser", "running"), bool | None),
    **dict.fromkeys(("meta", "monitoring", "lastRun", "mapped_params", "alertDelay"), dict | None),
}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_DURATION = re.compile(r"[1-9]\d*[smhd]")


class RefusalError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = Answer({"statusCode": status, "error": "Refused", "message": message}, status)


def _check(holds: object, message: str, status: int = 400) -> None:
    if not holds:
        raise RefusalError(status, message)


class FakeKibana:
    """A Kibana that runs until it is closed; `detections`, `stack` and `objects` hold what it keeps, by space and id.

    `alerts` are its indices of alerts; `search` looks into them, and may be a real node's.
    """

    def __init__(self, search: Search | None = None) -> None:
        self._made = 0
        self.detections: dict[tuple[str, str], dict[str, Any]] = {}
        self.stack: dict[tuple[str, str], dict[str, Any]] = {}
        self.objects = SavedObjects(KIBANA)
        self.alerts = MemoryIndices()
        self.before_update: Callable[[], object] = lambda: None
        """What happens before the next update."""
        self.search = search or self.alerts.search
        self._server = FakeCluster(Answer("<html>", headers={"kbn-name": "kibana"}))
        self._server.on(".*", r"/.+", self._answer)
        self.url = self._server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answer something else, as `FakeCluster.on` does."""
        self._server.on(method, path, *answers)

    def asked(self, method: str, path: str = ".*") -> list[Request]:
        """Return the requests that were made."""
        return self._server.asked(method, path)

    def fail(self, fault: Fault | None) -> None:
        """Let something else answer, as `FakeCluster.fault` does."""
        self._server.fault = fault

    def _answer(self, request: Request) -> Answer:
        try:
            _check(request.headers.get("authorization") == f"ApiKey {API_KEY}", "missing or wrong credentials", 401)
            if request.method != "GET":
                _check(request.headers.get("kbn-xsrf"), "Request must contain a kbn-xsrf header.")
            match = re.fullmatch(r"(?:/s/([^/]+))?(/.*)", request.path)
            assert match is not None
            space, path = match[1] or "default", match[2]
            _check(space in SPACES, "Not Found", 404)
            return self._route(request, space, path)
        except RefusalError as refusal:
            return refusal.answer

    def _route(self, request: Request, space: str, path: str) -> Answer:
        if path == "/api/status":
            return Answer({"version": {"number": VERSION}})
        if named := re.fullmatch(r"/api/spaces/space/([^/]+)", path):
            _check(named[1] in SPACES, "Not Found", 404)
            return Answer({"id": named[1]})
        if named := re.fullmatch(r"/api/actions/connector/([^/]+)", path):
            _check(named[1] in CONNECTORS, f"Saved object [action/{named[1]}] not found", 404)
            return Answer({"id": named[1], "name": named[1], "connector_type_id": CONNECTORS[named[1]], "is_preconfigured": False})
        if path in ("/api/detection_engine/rules/_find", "/api/alerting/rules/_find"):
            return self._listed(request, space)
        if path == "/api/detection_engine/rules":
            return self._detection(request, space)
        if path.startswith("/api/saved_objects"):
            return self.objects.answer(request, space, path)
        if path == "/api/detection_engine/signals/search":
            return self._signals(request.json, space)
        if named := re.fullmatch(r"/api/alerting/rule/([^/]+)(/_enable|/_disable)?", path):
            return self._stack(request, space, named[1], named[2] or "")
        raise RefusalError(404, "Not Found")

    def _signals(self, body: dict[str, Any], space: str) -> Answer:
        fault = fault_of_signals_search(body)
        _check(fault is None, str(fault))
        known = {key: value for key, value in body.items() if key in SIGNAL_KEYS}
        return Answer(self.search(f".alerts-security.alerts-{space}", known))

    def _listed(self, request: Request, space: str) -> Answer:
        """Rules with a tag; detection rules are among the rules of alerting, too."""
        _check(request.method == "GET", "Not Found", 404)
        tag = re.fullmatch(r'alert\.attributes\.tags:"([^"]+)"', request.query["filter"])
        assert tag is not None, "this filter is not known here"
        kinds = [self.detections] if "detection_engine" in request.path else [self.detections, self.stack]
        found = [rule for kind in kinds for (where, _), rule in kind.items() if where == space and tag[1] in rule["tags"]]
        return Answer({"page": 1, "total": len(found), "data": found[: int(request.query["per_page"])]})

    def _detection(self, request: Request, space: str) -> Answer:
        body = json.loads(request.body) if request.body else {}
        rule_id = request.query.get("rule_id") or body.get("rule_id", "")
        found = self.detections.get((space, rule_id))
        if request.method == "POST":
            _check(found is None, f'rule_id: "{rule_id}" already exists', 409)
            check_detection(body, required=_DETECTION_REQUIRED)
            self.detections[space, rule_id] = _DETECTION_DEFAULTS | {"id": f"so-{rule_id}"} | self._first() | body
            return Answer(self.detections[space, rule_id])
        _check(found is not None, f'rule_id: "{rule_id}" not found', 404)
        assert found is not None
        if request.method == "DELETE":
            return Answer(self.detections.pop((space, rule_id)))
        if request.method in ("PATCH", "PUT"):
            check_detection(body, required=_DETECTION_REQUIRED if request.method == "PUT" else ())
            self._meet()
            found = self.detections[space, rule_id]
            kept = {"id", "revision", "created_at", "enabled"} if request.method == "PUT" else found.keys()
            changed = _DETECTION_DEFAULTS | {key: found[key] for key in kept} | body
            self.detections[space, rule_id] = _counted(found, changed)
        return Answer(self.detections[space, rule_id])

    def _stack(self, request: Request, space: str, rule_id: str, action: str) -> Answer:
        found = self.stack.get((space, rule_id))
        body = json.loads(request.body) if request.body else {}
        if request.method == "POST" and not action:
            _check(_UUID.fullmatch(rule_id), "Predefined IDs are not allowed unless the ID is a UUID.")
            _check(not any(key[1] == rule_id for key in self.stack), "Saved object conflict", 409)
            check_stack(body, _STACK_KEYS, _STACK_REQUIRED)
            self.stack[space, rule_id] = {"id": rule_id, "execution_status": {"status": "pending"}} | self._first() | body
            return Answer(self.stack[space, rule_id])
        _check(found is not None, f"Saved object [alert/{rule_id}] not found", 404)
        assert found is not None
        if action:
            found["enabled"] = action == "/_enable"
            return Answer("", 204)
        if request.method == "DELETE":
            del self.stack[space, rule_id]
            return Answer("", 204)
        if request.method == "PUT":
            check_stack(body, _STACK_UPDATE_KEYS, ("name", "schedule"))
            self._meet()
            found = self.stack[space, rule_id]
            found.update(_counted(found, found | {"actions": [], "tags": []} | body))
        return Answer(found)

    def _first(self) -> dict[str, Any]:
        self._made += 1
        return {"revision": 0, "created_at": f"2026-11-24T09:00:00.{self._made:03}Z"}

    def _meet(self) -> None:
        meeting, self.before_update = self.before_update, lambda: None
        meeting()


def _counted(found: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """The rule after an update. That it is enabled counts as no change; actions, which are kept in another form, always as one."""
    content = [{key: value for key, value in each.items() if key != "enabled"} for each in (found, changed)]
    counts = content[0] != content[1] or bool(changed["actions"])
    return changed | {"revision": found["revision"] + counts}


def check_detection(body: dict[str, Any], required: tuple[str, ...] = _DETECTION_REQUIRED) -> None:
    """Refuse a detection rule as Kibana's schema does."""
    _check(not set(required) - body.keys(), f"Required: {', '.join(sorted(set(required) - body.keys()))}")
    _check(not body.keys() - _DETECTION_KEYS.keys(), f"unknown keys {sorted(body.keys() - _DETECTION_KEYS.keys())}")
    for key, value in body.items():
        _check(isinstance(value, _DETECTION_KEYS[key]), f"{key}: Invalid type")
    for action in body.get("actions", ()):
        _check({"id", "params", "action_type_id"} <= action.keys() <= _DETECTION_ACTION_KEYS, "actions: Required, or unknown keys")
        _check(action.get("frequency", _FREQUENCY).keys() == _FREQUENCY.keys(), "actions.frequency: Required, or unknown keys")
    if "severity" in body:
        levels = ("low", "medium", "high", "critical")
        _check(body["severity"] in levels and 0 <= body["risk_score"] <= 100, "severity: Invalid enum value")
        for each in body["severity_mapping"]:
            _check(each.keys() == {"field", "operator", "value", "severity"}, "severity_mapping: unknown keys")
            _check(each["operator"] == "equals" and each["severity"] in levels, "severity_mapping: Invalid value")
        for threat in body["threat"]:
            _check(threat.keys() == {"framework", "tactic", "technique"}, "threat: unknown keys")
            for part in (threat["tactic"], *threat["technique"]):
                _check(
                    {"id", "name", "reference"} <= part.keys() <= {"id", "name", "reference", "subtechnique"},
                    "threat: unknown keys",
                )
        _check(body["type"] == body["language"] == "esql", "language: Invalid literal")
        _check(_DURATION.fullmatch(body["interval"]), "interval: Invalid")
        _check(re.fullmatch(r"now-\d+[smhd]", body["from"]), "from: Failed to parse date-math expression")
        _check(body["version"] >= 1 and 1 <= body["max_signals"] <= 1000, "out of range")


def check_stack(body: dict[str, Any], keys: set[str], required: tuple[str, ...]) -> None:
    """Refuse a stack rule as Kibana's schema, and the one of `.es-query` in ES|QL, do."""
    _check(not body.keys() - keys, f"[request body.{min(body.keys() - keys, default='')}]: definition for this key is missing")
    _check(not set(required) - body.keys(), "expected value of type [string] but got [undefined]")
    _check(_DURATION.fullmatch(body["schedule"]["interval"]), "string is not a valid duration")
    for action in body.get("actions", ()):
        _check({"id", "params"} <= action.keys() <= _ACTION_KEYS, "actions: definition for this key is missing")
        frequency = action.get("frequency", {"summary", "notify_when", "throttle"})
        _check(set(frequency) == {"summary", "notify_when", "throttle"}, "actions.frequency: definition for this key is missing")
    params = body.get("params", {})
    _check(params.keys() <= _PARAM_KEYS, "params invalid: definition for this key is missing")
    _check(params["searchType"] == "esqlQuery" and params["esqlQuery"].keys() == {"esql"}, "params invalid: [esqlQuery]")
    _check(params.get("timeField"), "[timeField]: is required")
    _check(params["threshold"] == [0] and params["thresholdComparator"] == ">", "[threshold]: is required to be 0")
    _check(params["groupBy"] in ("all", "row") and params["timeWindowUnit"] in "smhd", "params invalid")
    _check(params["timeWindowSize"] >= 1 and 0 <= params["size"] <= 10_000, "params invalid")


def check_saved_rule(saved: dict[str, Any]) -> None:
    """Refuse a saved object that is no rule as Kibana saves one, or that no export gives: with a key, or enabled."""
    _check(saved.keys() == {"type", "id", "attributes", "references", "coreMigrationVersion", "typeMigrationVersion"}, "keys")
    _check(saved["type"] == "alert" and _UUID.fullmatch(saved["id"]) and saved["references"] == [], "no rule")
    attributes = saved["attributes"]
    _check(not _SAVED_KEYS.keys() - attributes.keys(), f"expected: {_SAVED_KEYS.keys() - attributes.keys()}")
    for key, value in attributes.items():
        kind = (_SAVED_KEYS | _SAVED_OPTIONAL).get(key)
        _check(kind is not None and isinstance(value, kind), f"[attributes.{key}]: definition for this key is missing, or its type")
    _check(attributes["executionStatus"].keys() == {"status", "lastExecutionDate", "error", "warning"}, "executionStatus")
    _check(not attributes["enabled"] and attributes["apiKey"] is None and attributes["scheduledTaskId"] is None, "not disabled")
    body = {key: attributes[key] for key in ("name", "consumer", "schedule", "params", "tags", "actions")}
    check_stack(body | {"rule_type_id": attributes["alertTypeId"]}, _STACK_KEYS, _STACK_REQUIRED)
