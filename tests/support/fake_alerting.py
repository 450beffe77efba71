"""A cluster with OpenSearch Alerting: a real node behind a stand-in for the plugin, which Maven Central does not have.

All but `/_plugins/_alerting` goes to the node. Monitors go through the plugin's own parser; their searches and triggers are
evaluated by the node. What the plugin refuses, forgets and hides was observed on a real one.
"""

from __future__ import annotations

import copy
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from tests.support.alerting_parser import RefusedError, alerting_parser
from tests.support.fake_alert_index import AlertIndex
from tests.support.fake_cluster import Answer, FakeCluster, Fault, Request

_BASE = "/_plugins/_alerting"
_SHOWN_TO_DASHBOARDS_ONLY = "ui_metadata"
_TIME = re.compile(r"(\d+)(ms|s|m|h|d)")
_MOST_PAGES = 20


class _RefusalError(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.answer = Answer({"error": {"type": "alerting_exception", "reason": reason}, "status": status}, status)


@dataclass
class _Monitor:
    id: str
    body: dict[str, Any]
    version: int
    seq_no: int

    def shown(self, *, to_writer: bool = False) -> dict[str, Any]:
        body = {key: value for key, value in self.body.items() if to_writer or key != _SHOWN_TO_DASHBOARDS_ONLY}
        return {"_id": self.id, "_version": self.version, "_seq_no": self.seq_no, "_primary_term": 1, "monitor": body}

    @property
    def triggers(self) -> list[dict[str, Any]]:
        return [trigger["bucket_level_trigger"] for trigger in self.body["triggers"]]


@dataclass
class AlertingCluster:
    """The front: `url` is where clients go. `fault`, when set, may answer a request in the cluster's place, or spoil the answer."""

    node_url: str
    monitors: dict[str, _Monitor] = field(default_factory=dict)
    alerts: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    completed: list[dict[str, Any]] = field(default_factory=list)
    last_runs: dict[str, int] = field(default_factory=dict)
    fault: Fault | None = None
    _seq_no: int = 0

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager()
        self._index = AlertIndex(self.node)
        self.front = FakeCluster()
        self.front.on(".*", ".*", self._answer)
        self.url = self.front.url

    def close(self) -> None:
        self._index.drop()
        self.front.close()
        self._pool.clear()

    def _answer(self, request: Request) -> Answer:
        return self._handled(request) if self.fault is None else self.fault(request, self._handled)

    def _handled(self, request: Request) -> Answer:
        if not request.path.startswith(_BASE):
            return self._forwarded(request)
        try:
            return self._alerting(request, request.path.removeprefix(_BASE).strip("/").split("/"))
        except _RefusalError as refusal:
            return refusal.answer

    def _forwarded(self, request: Request) -> Answer:
        answer = self._pool.request(
            request.method,
            f"{self.node_url}{quote(request.path)}?{urlencode(request.query)}",
            body=request.body or None,
            headers={name: value for name, value in request.headers.items() if name in ("content-type", "accept")},
        )
        return Answer(answer.json() if answer.data else {}, answer.status)

    def node(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        text = isinstance(body, str)
        content = {"body": body, "headers": {"content-type": "application/x-ndjson"}} if text else {"json": body}
        answer = self._pool.request(method, self.node_url + path, **content)
        return answer.status, answer.json()

    # The plugin's requests

    def _alerting(self, request: Request, path: list[str]) -> Answer:
        match request.method, *path:
            case "POST", "monitors":
                return self._create(request)
            case "POST" | "GET", "monitors", "_search":
                return self._search(request)
            case "GET", "monitors", "alerts":
                return self._list_alerts(request)
            case "POST", "monitors", "_execute":
                return self._execute(request, None)
            case "POST", "monitors", monitor_id, "_execute":
                return self._execute(request, self._monitor(monitor_id))
            case "GET", "monitors", monitor_id:
                return Answer(self._monitor(monitor_id).shown())
            case "PUT", "monitors", monitor_id:
                return self._update(request, monitor_id)
            case "DELETE", "monitors", monitor_id:
                self._forget_alerts(self._monitor(monitor_id), keep=set())
                del self.monitors[monitor_id]
                return Answer({"_id": monitor_id, "_version": 2})
            case "GET", "stats", "jobs_info":
                return Answer({"nodes": {"n1": {"jobs_info": self._jobs()}}})
        return Answer({"error": f"no handler found for uri [{request.path}] and method [{request.method}]", "status": 400}, 400)

    def _monitor(self, monitor_id: str) -> _Monitor:
        if monitor_id not in self.monitors:
            raise _RefusalError(404, f"Can't find monitor with id: {monitor_id}")
        return self.monitors[monitor_id]

    def _create(self, request: Request) -> Answer:
        body = self._parsed(request)
        created = _Monitor(uuid.uuid4().hex[:20], body, 1, self._next())
        self.monitors[created.id] = created
        return Answer(created.shown(to_writer=True), 201)

    def _update(self, request: Request, monitor_id: str) -> Answer:
        body = self._parsed(request)
        monitor = self._monitor(monitor_id)
        if request.query.get("if_seq_no", str(monitor.seq_no)) != str(monitor.seq_no):
            raise _RefusalError(409, f"[{monitor_id}]: version conflict, current document has seqNo [{monitor.seq_no}]")
        monitor.body, monitor.version, monitor.seq_no = body, monitor.version + 1, self._next()
        self._forget_alerts(monitor, keep={trigger["id"] for trigger in monitor.triggers})
        return Answer(monitor.shown(to_writer=True))

    def _parsed(self, request: Request) -> dict[str, Any]:
        try:
            body = alerting_parser().parse(request.json)
        except RefusedError as error:
            raise _RefusalError(400, str(error)) from error
        for index in body["inputs"][0]["search"]["indices"]:
            status, _ = self.node("GET", f"/{index}/_settings")
            if status == 404:
                raise _RefusalError(404, f"Configured indices are not found: [{index}]")
        return body

    def _search(self, request: Request) -> Answer:
        asked = request.json
        ((field_name, value),) = asked["query"]["term"].items()
        key = {"monitor.monitor_type": "monitor_type", "monitor.name.keyword": "name"}[field_name]
        shown = [monitor.shown() for monitor in self.monitors.values() if monitor.body[key] == value]
        hits = [{name: one[name] for name in ("_id", "_seq_no", "_primary_term")} | {"_source": one["monitor"]} for one in shown]
        return Answer({"hits": {"total": {"value": len(hits), "relation": "eq"}, "hits": hits[: asked.get("size", 10)]}})

    def _list_alerts(self, request: Request) -> Answer:
        status, answer = self._index.listed([*self.alerts.values(), *self.completed], request.query)
        if status != 200:
            raise _RefusalError(status, answer)
        return Answer(answer)

    def _jobs(self) -> dict[str, Any]:
        enabled = [monitor_id for monitor_id, monitor in self.monitors.items() if monitor.body["enabled"]]
        runs = {i: {"last_execution_time": self.last_runs[i]} for i in enabled if i in self.last_runs}
        return {i: {"running_on_time": True} | runs.get(i, {}) for i in enabled}

    # Running a monitor

    def run(self, monitor_id: str, at: int) -> dict[str, Any]:
        """Run a monitor as its schedule would, at an instant in epoch milliseconds."""
        self.last_runs[monitor_id] = at
        return self._run(self.monitors[monitor_id], at, dry=False)

    def _execute(self, request: Request, stored: _Monitor | None) -> Answer:
        time = _TIME.fullmatch(request.query.get("period_end", "0ms"))
        if time is None:
            raise _RefusalError(400, "failed to parse setting [period_end]: unit is missing or unrecognized")
        at = int(time[1]) * {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[time[2]]
        monitor = stored or _Monitor("", self._parsed_only(request), 1, 0)
        return Answer(self._run(monitor, at, dry=stored is None or request.query.get("dryrun") == "true"))

    def _parsed_only(self, request: Request) -> dict[str, Any]:
        try:
            return alerting_parser().parse(request.json)
        except RefusedError as error:
            raise _RefusalError(400, str(error)) from error

    def _run(self, monitor: _Monitor, at: int, *, dry: bool) -> dict[str, Any]:
        fired: dict[str, dict[str, Any]] = {trigger["id"]: {} for trigger in monitor.triggers}
        result: dict[str, Any] = {"monitor_name": monitor.body["name"], "period_end": at, "error": None}
        try:
            self._evaluate(monitor, at, fired)
        except _RefusalError as error:
            failed = {key: {"error": "Empty list doesn't contain element at index 0.", "agg_result_buckets": {}} for key in fired}
            return result | {"input_results": {"results": [], "error": str(error)}, "trigger_results": failed}
        if not dry:
            self._keep_alerts(monitor, at, fired)
        triggers = {
            key: {"error": None, "agg_result_buckets": {host: {"agg_alert_content": _content(b)} for host, b in buckets.items()}}
            for key, buckets in fired.items()
        }
        return result | {"input_results": {"results": [{}], "error": None}, "trigger_results": triggers}

    def _evaluate(self, monitor: _Monitor, at: int, fired: dict[str, dict[str, Any]]) -> None:
        """Follow the composite's pages; a trigger's condition is a bucket selector, which the node evaluates."""
        search = copy.deepcopy(monitor.body["inputs"][0]["search"])
        indices = ",".join(search["indices"])
        (path,) = {trigger["condition"]["parent_bucket_path"] for trigger in monitor.triggers}
        for _ in range(_MOST_PAGES):
            # Every page is a template anew, the key it starts after too: the instants are known, other variables are empty texts.
            text = json.dumps(search["query"]).replace("{{period_end}}", str(at))
            query = json.loads(re.sub(r"\{\{[^}]*\}\}", "", text))
            page = self._aggregate(indices, query, path)
            for trigger in monitor.triggers:
                selecting = copy.deepcopy(query)
                selector = {key: trigger["condition"][key] for key in ("buckets_path", "script", "gap_policy")}
                selecting["aggregations"][path]["aggregations"]["the trigger"] = {"bucket_selector": selector}
                for bucket in self._aggregate(indices, selecting, path)["buckets"]:
                    fired[trigger["id"]][next(iter(bucket["key"].values()))] = bucket
            if "after_key" not in page:
                return
            search["query"]["aggregations"][path]["composite"]["after"] = page["after_key"]
        raise AssertionError("the pages never end")

    def _aggregate(self, indices: str, query: dict[str, Any], path: str) -> dict[str, Any]:
        status, answer = self.node("POST", f"/{indices}/_search", query)
        if status != 200 or answer["_shards"]["failed"]:
            raise _RefusalError(status, str(answer.get("error", {}).get("reason", "all shards failed")))
        found: dict[str, Any] = answer["aggregations"][path]
        return found

    def _keep_alerts(self, monitor: _Monitor, at: int, fired: dict[str, dict[str, Any]]) -> None:
        open_before = {key for key in self.alerts if key[0] == monitor.id}
        for trigger in monitor.triggers:
            for host, bucket in fired[trigger["id"]].items():
                key = (monitor.id, trigger["id"], host)
                # The time of the last notification stays for a monitor that notifies nobody.
                times = {"start_time": at, "last_notification_time": at}
                new: dict[str, Any] = {"id": uuid.uuid4().hex, "version": 0, "state": "ACTIVE"}
                alert = self.alerts.get(key, new | times)
                owner = {"monitor_id": monitor.id, "trigger_id": trigger["id"], "severity": trigger["severity"]}
                owner |= {"monitor_name": monitor.body["name"], "trigger_name": trigger["name"]}
                self.alerts[key] = alert | owner | {"version": alert["version"] + 1, "agg_alert_content": _content(bucket)}
                open_before.discard(key)
        self.completed += [self.alerts.pop(key) | {"state": "COMPLETED", "end_time": at} for key in open_before]

    def _forget_alerts(self, monitor: _Monitor, *, keep: set[str]) -> None:
        for key in [key for key in self.alerts if key[0] == monitor.id and key[1] not in keep]:
            self.completed.append(self.alerts.pop(key) | {"state": "DELETED"})

    def _next(self) -> int:
        self._seq_no += 1
        return self._seq_no


def _content(bucket: dict[str, Any]) -> dict[str, Any]:
    keys = [str(value) for value in bucket["key"].values()]
    return {"parent_bucket_path": "by_host", "bucket_keys": keys, "bucket": bucket}
