"""The index behind the stand-in for OpenSearch Alerting, in which a real node looks for alerts as the plugin does."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

_NAME = "stand-in-alerting-alerts"
_OPTIONS = {"monitorId", "alertState", "severityLevel", "size", "startIndex", "sortString", "sortOrder", "searchString"}
_DEFAULTS = {"alertState": "ALL", "severityLevel": "ALL", "sortString": "monitor_name.keyword", "sortOrder": "asc"}
_TEXT = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
# The plugin's mapping, as far as its list searches it, and as it takes what buckets hold: fields whose kind the first text decides.
_MAPPING = {
    "dynamic": False,
    "properties": {
        "agg_alert_content": {"dynamic": True, "properties": {"parent_bucket_path": {"type": "text"}}},
        **{name: {"type": "keyword"} for name in ("id", "monitor_id", "severity", "state")},
        **{name: {"type": "date"} for name in ("start_time", "end_time", "last_notification_time")},
        "monitor_name": _TEXT,
        "trigger_name": _TEXT,
    },
}


class AlertIndex:
    """Alerts that are listed by a search; `node` sends a request to the node."""

    def __init__(self, node: Callable[..., tuple[int, Any]]) -> None:
        self._node = node
        self._stored: list[dict[str, Any]] | None = None
        self._lock = threading.Lock()  # two installers may list at once

    def drop(self) -> None:
        self._node("DELETE", f"/{_NAME}")

    def listed(self, alerts: list[dict[str, Any]], options: Mapping[str, str]) -> tuple[int, Any]:
        """Answer a request for a list of these alerts: status and body, a reason where it is refused."""
        if unknown := options.keys() - _OPTIONS:
            return 400, f"request contains unrecognized parameter: {sorted(unknown)}"
        with self._lock:
            self._store(alerts)
            status, answer = self._node("POST", f"/{_NAME}/_search", _search({**_DEFAULTS, **options}))
        if status != 200:
            return status, str(answer["error"]["root_cause"][0]["reason"])
        # The id of a new alert is not in what is stored of it.
        found = [hit["_source"] | {"id": hit["_id"]} for hit in answer["hits"]["hits"]]
        return 200, {"alerts": found, "totalAlerts": answer["hits"]["total"]["value"]}

    def _store(self, alerts: list[dict[str, Any]]) -> None:
        """Bring the index up to date; the plugin writes it alert by alert."""
        if alerts == self._stored:
            return
        self._stored = copy.deepcopy(alerts)
        self.drop()
        self._node("PUT", f"/{_NAME}", {"mappings": _MAPPING, "settings": {"number_of_replicas": 0}})
        lines = [json.dumps(line) for a in alerts for line in ({"index": {"_id": a["id"]}}, a | {"id": ""})]
        if lines:
            # As little as the plugin does this look at what the index refused: such an alert is lost.
            self._node("POST", f"/{_NAME}/_bulk?refresh=true", "\n".join(lines) + "\n")


def _search(options: Mapping[str, str]) -> dict[str, Any]:
    terms = {"monitor_id": options.get("monitorId"), "state": options["alertState"], "severity": options["severityLevel"]}
    query: dict[str, Any] = {"filter": [{"term": {key: value}} for key, value in terms.items() if value not in (None, "ALL")]}
    if text := options.get("searchString", "").strip():
        fields = ["monitor_name", "trigger_name"]
        query["must"] = [{"query_string": {"query": text, "default_operator": "and", "fields": fields}}]
    return {
        "from": int(options.get("startIndex", 0)),
        "size": int(options.get("size", 20)),
        "sort": [{options["sortString"]: {"order": options["sortOrder"]}}],
        "query": {"bool": query},
    }
