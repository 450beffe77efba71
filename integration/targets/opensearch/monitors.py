"""Rules as monitors of OpenSearch Alerting: found by their mark, created, upgraded, tried, removed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from integration.detection.model import Rule
from integration.engines.answers import Versions
from integration.engines.base import Engine, Params
from integration.errors import ClusterError, ConflictError, ForbiddenError, InputError, NotFoundError
from integration.findings.filter import NO_FILTER, Filter
from integration.install.comparison import Difference, Status, Step, differences, status_of
from integration.install.ownership import mark_of
from integration.install.target import Health
from integration.names import Namespace
from integration.render.aggregation import BY_HOST
from integration.targets.opensearch.alerts import count_open
from integration.targets.opensearch.body import PERIOD_END, monitor, monitor_name
from integration.targets.opensearch.comparison import comparable, keeping, other_channels
from integration.times import rfc3339

_MONITORS = "/_plugins/_alerting/monitors"
# Without the buckets, which are as large as a log's author likes.
_FAULTS = "error,input_results.error,trigger_results.*.error"
_ONLY_FAULTS: Params = {"allow_partial_search_results": False, "ignore_unavailable": True, "filter_path": "took"}
_MOST_MONITORS = 10_000  # as many as one search gives; Alerting itself stops at 1,000 unless told otherwise


def has_alerting(engine: Engine) -> bool:
    """Tell whether the cluster has the Alerting plugin."""
    if engine.name != "opensearch":
        return False
    try:
        engine.request("GET", "/_plugins/_alerting/monitors/alerts", params={"size": 0}, retry=True)
    except ClusterError as error:
        if "no handler found" in str(error):
            return False
        raise
    return True


def require_channel(engine: Engine, channel: str) -> None:
    """See that there is a notification channel: Alerting takes any id, and no alert tells that a message could not be sent.

    A user who may not list channels is believed. `InputError` when there is no such channel.
    """
    try:
        answer = engine.request("GET", "/_plugins/_notifications/channels", retry=True)
    except ForbiddenError:
        return
    except ClusterError as error:
        if "no handler found" in str(error):
            raise InputError("--notify: the cluster has no Notifications plugin, so nothing would be sent; leave it out") from error
        raise
    names = {each["config_id"]: each["name"] for each in answer["channel_list"]}
    if channel not in names and len(names) == answer["total_hits"]:
        known = ", ".join(f"{key} ({name})" for key, name in names.items()) or "none"
        raise InputError(f"--notify: the cluster has no notification channel {channel!r}; it has: {known}")


@dataclass(frozen=True)
class Stored:
    """A monitor on the cluster."""

    id: str
    versions: Versions
    body: dict[str, Any]


class AlertingTarget:
    """OpenSearch Alerting as a place that runs rules: one bucket-level monitor a rule and namespace.

    `notify` is the id of a notification channel for monitors that are put; None leaves the actions as they are.
    """

    kind: ClassVar[str] = "monitor"

    def __init__(
        self,
        engine: Engine,
        namespace: Namespace,
        index: str | None = None,
        notify: str | None = None,
        post_filter: Filter = NO_FILTER,
    ) -> None:
        self._engine = engine
        self._namespace = namespace
        self._index = index or namespace.events
        self._notify = notify
        self._post_filter = post_filter

    def name(self, rule: Rule) -> str:
        """Give the monitor's name."""
        return monitor_name(rule, self._namespace)

    def body(self, rule: Rule) -> dict[str, Any]:
        """Give the monitor as it should be when it is new."""
        return monitor(rule, self._namespace, self._index, self._post_filter, enabled=rule.enabled, notify=self._notify)

    def status(self, rule: Rule) -> Status:
        """Compare the rule's monitor with the desired one; copies of it are drift, several that differ are a `ClusterError`."""
        alike = self._alike(rule)

        def differing(found: Stored) -> Iterator[Difference]:
            yield from differences(comparable(self.body(rule)), comparable(found.body))
            yield from other_channels(found.body, self._notify)
            if len(alike) > 1:
                yield "monitors", 1, len(alike)

        found = next(iter(alike), None) or self._namesake(rule)
        return status_of(self.kind, self.name(rule), found, lambda _: bool(alike), differing)

    def prepare(self) -> Sequence[Step]:
        """Create the data stream when no event made it yet: Alerting takes no monitor over what is not there."""
        if self._index != self._namespace.events or self._engine.exists(self._index):
            return ()
        try:
            self._engine.request("PUT", f"/_data_stream/{self._index}", retry=True)
        except ClusterError:
            # Sent again after an answer that was lost, or an event came first.
            if not self._engine.exists(self._index):
                raise
        return (Step("data stream", self._index, "created, empty", changed=True),)

    def put(self, rule: Rule, *, enable: bool) -> None:
        """Create the monitor or bring it to its desired body; of one that was ours the actions and the enabled state are kept.

        A body that fails when it is tried replaces nothing. `ConflictError` when somebody else changed the monitor meanwhile.
        """
        ours = self._only(rule)
        found = ours or self._namesake(rule)
        body = self.body(rule)
        if ours is not None:
            body = keeping(body, ours.body, rule, self._notify)
        body["enabled"] |= enable
        self._try(rule, body)
        if found is None:
            # Never sent twice: each time it would make another monitor.
            self._engine.request("POST", _MONITORS, body)
            self._only(rule)  # somebody else may have installed at the same time
        else:
            self._replace(found, body)

    def verify(self, rule: Rule) -> None:
        """Read the monitor back, compare it, and let Alerting try it over a past run, without alerts."""
        found = self._require(rule)
        wrong = [
            path for path, desired, _ in differences(comparable(self.body(rule)), comparable(found.body)) if desired is not None
        ]
        if wrong:
            raise ClusterError(f"monitor {found.body['name']!r} was accepted, but reads back differently at {wrong[0]}")
        self._try(rule, found.body, found.id)

    def set_enabled(self, rule: Rule, *, enabled: bool) -> Step:
        """Enable or disable the monitor, and leave all else that was changed in it."""
        found = self._require(rule)
        name = self.name(rule)
        if found.body["enabled"] is enabled:
            return Step(self.kind, name, f"is {_word(enabled)} already")
        # Alerting does not show the metadata that it would lose here.
        body = {key: value for key, value in found.body.items() if key not in ("enabled_time", "last_update_time")}
        self._replace(found, body | {"enabled": enabled, "ui_metadata": {"detect": _mark(found.body)}})
        return Step(self.kind, name, _word(enabled), changed=True)

    def remove(self, rule: Rule) -> Step:
        """Delete the monitor with its open alerts; every one of ours when there are several."""
        ours = list(self._ours(rule))
        name = self.name(rule)
        for found in ours:
            self._delete(found)
        if ours:
            return Step(self.kind, name, "deleted", changed=True)
        foreign = self._namesake(rule) is not None
        return Step(self.kind, name, "left alone: not made by detect" if foreign else "was not there")

    def health(self, rule: Rule) -> Health | None:
        """Tell how the monitor fares; it is tried over its last run, since Alerting keeps no errors of bucket-level monitors."""
        found = self.find(rule)
        if found is None:
            return None
        return Health(
            kind=self.kind,
            name=str(found.body["name"]),
            rule_id=rule.id,
            enabled=bool(found.body["enabled"]),
            last_run=self._last_run(found.id),
            last_error=self._last_fault(rule, found),
            open_alerts=count_open(self._engine, found.id),
        )

    def find(self, rule: Rule) -> Stored | None:
        """Find the rule's monitor by its mark; `ClusterError` when there are several that differ."""
        return next(iter(self._alike(rule)), None)

    def _ours(self, rule: Rule) -> Iterator[Stored]:
        mark = mark_of(rule, self._namespace)
        for found in self._stored({"term": {"monitor.monitor_type": "bucket_level_monitor"}}):
            if mark.items() <= _mark(found.body).items():
                yield found

    def _alike(self, rule: Rule) -> list[Stored]:
        """Give the rule's monitor, the one to keep, and its copies; `ClusterError` when they differ in what is ours.

        Alerting chooses the ids, so two installations at the same time make two. Everybody keeps the same one of them: one that
        runs, one that notifies.
        """
        found = list(self._ours(rule))
        if any(comparable(each.body) != comparable(found[0].body) for each in found):
            self._one(found, "bear the mark of")
        return sorted(found, key=lambda each: (not each.body["enabled"], -_actions(each.body), each.id))

    def _only(self, rule: Rule) -> Stored | None:
        """Give the rule's monitor, and delete the copies of it."""
        alike = self._alike(rule)
        for copy in alike[1:]:
            self._delete(copy)
        return alike[0] if alike else None

    def _delete(self, found: Stored) -> None:
        with suppress(NotFoundError):
            self._engine.request("DELETE", f"{_MONITORS}/{found.id}", retry=True)

    def _namesake(self, rule: Rule) -> Stored | None:
        """Find a monitor that has the name of ours and was not made by us."""
        named = list(self._stored({"term": {"monitor.name.keyword": self.name(rule)}}))
        return self._one([found for found in named if not _mark(found.body)], "have the name of")

    def _one(self, found: Sequence[Stored], what: str) -> Stored | None:
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise ClusterError(f"{len(found)} monitors {what} {found[0].body['name']!r}: {ids}. Delete all but one of them.")
        return found[0] if found else None

    def _require(self, rule: Rule) -> Stored:
        found = self._only(rule)
        if found is None:
            name = self.name(rule)
            raise InputError(f"there is no monitor {name!r} made by detect on the cluster; `detect install` makes it")
        return found

    def _stored(self, query: Mapping[str, Any]) -> Iterator[Stored]:
        hits = self._engine.request("POST", f"{_MONITORS}/_search", {"size": _MOST_MONITORS, "query": dict(query)}, retry=True)
        for hit in hits["hits"]["hits"]:
            # Where it cannot read one of the hits, Alerting gives them all as they are stored.
            body = hit["_source"].get("monitor", hit["_source"])
            yield Stored(hit["_id"], Versions(hit["_seq_no"], hit["_primary_term"]), body)

    def _replace(self, found: Stored, body: dict[str, Any]) -> None:
        guard = {"if_seq_no": found.versions.seq_no, "if_primary_term": found.versions.primary_term}
        try:
            self._engine.request("PUT", f"{_MONITORS}/{found.id}", body, guard)
        except ConflictError as error:
            raise ConflictError(
                f"monitor {found.body['name']!r} was changed by somebody else meanwhile and is left as they want it; "
                f"running the command again looks at it anew ({error})"
            ) from error

    def _try(self, rule: Rule, body: Mapping[str, Any], monitor_id: str | None = None) -> None:
        if fault := self._fault(rule, body, monitor_id):
            raise ClusterError(f"monitor {self.name(rule)!r} fails when it is tried over a past run: {fault}")

    def _fault(self, rule: Rule, body: Mapping[str, Any], monitor_id: str | None = None) -> str | None:
        """Let Alerting evaluate the last scheduled run, without alerts, and give what went wrong; a stored monitor by its id."""
        run = rule.windows.last_run(int(time.time() * 1000))
        path, sent = (f"{_MONITORS}/_execute", dict(body)) if monitor_id is None else (f"{_MONITORS}/{monitor_id}/_execute", None)
        options: Params = {"dryrun": True, "period_end": f"{run.run_at}ms", "filter_path": _FAULTS}
        answer = self._engine.request("POST", path, sent, options, retry=True)
        faults = [answer.get("error"), answer.get("input_results", {}).get("error")]
        faults += [trigger.get("error") for trigger in answer.get("trigger_results", {}).values()]
        fault = next((str(fault) for fault in faults if fault), None)
        return fault and (self._cause(body, run.run_at) or fault)

    def _cause(self, body: Mapping[str, Any], run_at: int) -> str | None:
        """Search as a monitor does, with each of its conditions: of what a shard or a script complains, Alerting tells nothing."""
        search = body["inputs"][0]["search"]
        text = json.dumps(search["query"]).replace(PERIOD_END, str(run_at))
        for wrapped in body["triggers"]:
            query = json.loads(text)
            condition = wrapped["bucket_level_trigger"]["condition"]
            selector = {key: condition[key] for key in ("buckets_path", "script")}
            query["aggregations"][BY_HOST]["aggregations"]["condition"] = {"bucket_selector": selector}
            try:
                self._engine.request("POST", f"/{','.join(search['indices'])}/_search", query, _ONLY_FAULTS, retry=True)
            except ClusterError as error:
                return str(error)
        return None

    def _last_fault(self, rule: Rule, found: Stored) -> str | None:
        try:
            return self._fault(rule, found.body, found.id)
        except ForbiddenError:  # who may try a monitor may store alerts too, so a reader may not
            return "not known: this user may not try the monitor"

    def _last_run(self, monitor_id: str) -> str | None:
        """Ask the nodes when they last ran a monitor; they forget it when they restart, or when the monitor moves."""
        nodes = self._engine.request("GET", "/_plugins/_alerting/stats/jobs_info", retry=True).get("nodes", {})
        jobs = [node.get("jobs_info", {}).get(monitor_id, {}) for node in nodes.values()]
        times = [job["last_execution_time"] for job in jobs if job.get("last_execution_time")]
        return rfc3339(max(times), millis=False) if times else None


def _word(enabled: bool) -> str:
    return "enabled" if enabled else "disabled"


def _actions(body: Mapping[str, Any]) -> int:
    return sum(len(trigger.get("actions", ())) for wrapped in body.get("triggers", ()) for trigger in wrapped.values())


def _mark(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read our mark in a monitor, empty where there is none; a foreign monitor's search may have any form."""
    at: Any = body
    for key in ("inputs", 0, "search", "query", "aggregations", BY_HOST, "meta"):
        inside = (isinstance(at, dict) and key in at) or (isinstance(at, list) and key == 0 and at)
        at = at[key] if inside else None
    return at if isinstance(at, dict) else {}
