"""Rules as watches of Elasticsearch's Watcher, which a trial or paid licence allows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import ClusterError, InputError, NotFoundError
from integration.findings.filter import NO_FILTER, Filter
from integration.install.comparison import Difference, Status, Step, changes, status_of
from integration.install.ownership import mark_of
from integration.install.target import Health
from integration.names import Namespace
from integration.targets.watcher.body import watch, watch_id
from integration.times import rfc3339

_WATCH = "/_watcher/watch"
NO_LICENCE = (
    "the licence of this cluster does not allow Watcher, which needs a trial or a paid one; `detect watch` runs the rules by their "
    "schedule from here, and needs nothing of the cluster"
)


def watcher_fault(engine: Engine) -> str | None:
    """Tell why the cluster cannot run watches, None when it can."""
    if engine.name != "elasticsearch":
        return f"{engine.name} has no Watcher"
    try:
        engine.request("GET", "/_watcher/stats", retry=True)
    except ClusterError as error:
        # A path that no module answers may look like an index and a document type.
        if "no handler found" in str(error) or "Incorrect HTTP method" in str(error):
            return "this Elasticsearch has no Watcher"
        if _is_licence(error):
            return NO_LICENCE
        raise
    return None


class WatcherTarget:
    """Watcher as a place that runs rules: one watch a rule and namespace, which writes risk events. The user owns its state."""

    kind: ClassVar[str] = "watch"

    def __init__(self, engine: Engine, namespace: Namespace, index: str | None = None, post_filter: Filter = NO_FILTER) -> None:
        self._engine = engine
        self._namespace = namespace
        self._index = index
        self._post_filter = post_filter

    def name(self, rule: Rule) -> str:
        """Give the watch's id."""
        return watch_id(rule, self._namespace)

    def body(self, rule: Rule) -> dict[str, Any]:
        """Give the watch as it should be."""
        return watch(rule, self._namespace, self._index, self._post_filter)

    def status(self, rule: Rule) -> Status:
        """Compare the watch on the cluster with the desired one."""
        found = self._find(rule)
        return status_of(self.kind, self.name(rule), found, partial(self._is_ours, rule), partial(self._differences, rule))

    def prepare(self) -> Sequence[Step]:
        """Ask whether watches may run, so that a missing licence is said before anything is put."""
        if fault := watcher_fault(self._engine):
            raise ClusterError(fault)
        return ()

    def put(self, rule: Rule, *, enable: bool) -> None:
        """Create the watch or replace it, active only if it was, the rule says so, or `enable`.

        `ConflictError` when somebody else changed it meanwhile.
        """
        found = self._find(rule)
        active = enable or (_active(found) if found and self._is_ours(rule, found) else rule.enabled)
        params: dict[str, str | int | bool] = {"active": active}
        if found is not None:
            params |= {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        self._send("PUT", self._path(rule), self.body(rule), params)

    def verify(self, rule: Rule) -> None:
        """Read the watch back, compare, and run it for the last scheduled run, writing nothing."""
        found = self._require(rule)
        if wrong := self._differences(rule, found):
            raise ClusterError(f"watch {self.name(rule)!r} was accepted, but reads back differently at {wrong[0][0]}")
        at = rfc3339(rule.windows.last_run(int(time.time() * 1000)).run_at, millis=True)
        trial = {
            "trigger_data": {"triggered_time": at, "scheduled_time": at},
            "action_modes": {"_all": "simulate"},
            "record_execution": False,
        }
        record = self._send("POST", f"{self._path(rule)}/_execute", trial)["watch_record"]
        if fault := _fault(record):
            raise ClusterError(f"watch {self.name(rule)!r} fails when it is tried over a past run: {fault}")

    def set_enabled(self, rule: Rule, *, enabled: bool) -> Step:
        """Activate or deactivate the watch."""
        found = self._require(rule)
        word = "enabled" if enabled else "disabled"
        if _active(found) is enabled:
            return Step(self.kind, self.name(rule), f"is {word} already")
        self._send("PUT", f"{self._path(rule)}/{'_activate' if enabled else '_deactivate'}")
        return Step(self.kind, self.name(rule), word, changed=True)

    def remove(self, rule: Rule) -> Step:
        """Delete the watch if it is ours; the risk events it wrote stay."""
        found = self._find(rule)
        if found is None:
            return Step(self.kind, self.name(rule), "was not there")
        if not self._is_ours(rule, found):
            return Step(self.kind, self.name(rule), "left alone: not made by detect")
        self._send("DELETE", self._path(rule))
        return Step(self.kind, self.name(rule), "deleted", changed=True)

    def health(self, rule: Rule) -> Health | None:
        """Tell how the watch fares by what Watcher keeps of its last run."""
        found = self._find(rule)
        if found is None or not self._is_ours(rule, found):
            return None
        status = found["status"]
        runs = [action.get("last_execution", {}) for action in status.get("actions", {}).values()]
        faults = [str(run.get("reason", "an action failed")) for run in runs if run.get("successful") is False]
        if status.get("execution_state") == "failed" and not faults:
            faults = ["the last run failed; see the index .watcher-history-*"]
        error = faults[0] if faults else None
        return Health(self.kind, self.name(rule), rule.id, _active(found), status.get("last_checked"), error, None)

    def _path(self, rule: Rule) -> str:
        return f"{_WATCH}/{self.name(rule)}"

    def _find(self, rule: Rule) -> dict[str, Any] | None:
        try:
            return self._send("GET", self._path(rule))
        except NotFoundError:
            return None

    def _require(self, rule: Rule) -> dict[str, Any]:
        found = self._find(rule)
        if found is None or not self._is_ours(rule, found):
            raise InputError(f"there is no watch {self.name(rule)!r} made by detect on the cluster; `detect install` makes it")
        return found

    def _is_ours(self, rule: Rule, found: Mapping[str, Any]) -> bool:
        metadata = found["watch"].get("metadata") or {}
        return mark_of(rule, self._namespace).items() <= metadata.items()

    def _differences(self, rule: Rule, found: Mapping[str, Any]) -> list[Difference]:
        """Compare the two watches; what Watcher adds to an object is no difference, what is added to a list is one."""
        return list(changes(self.body(rule), found["watch"]))

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, params: Mapping[str, str | int | bool] | None = None
    ) -> dict[str, Any]:
        try:
            return self._engine.request(method, path, body, params, retry=method == "GET")
        except ClusterError as error:
            if _is_licence(error):
                raise ClusterError(f"{error}\n{NO_LICENCE}") from error
            raise


def _is_licence(error: ClusterError) -> bool:
    return "license is non-compliant" in str(error) or "license_expired" in str(error)


def _active(found: Mapping[str, Any]) -> bool:
    return bool(found["status"]["state"]["active"])


def _fault(record: Mapping[str, Any]) -> str | None:
    """Find what went wrong in the record of a watch's run."""
    result = record.get("result", {})
    parts = [result.get("input", {}), result.get("condition", {}), *result.get("actions", ())]
    parts += [action["transform"] for action in result.get("actions", ()) if "transform" in action]
    for part in parts:
        if part.get("status") == "failure":
            return str(part.get("reason") or part.get("error") or part)
    return str(record.get("messages") or "it failed") if record.get("state") == "failed" else None
