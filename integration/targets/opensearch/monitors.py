"""Rules as monitors of OpenSearch Alerting: found by their ownership tag, created, upgraded, tried, removed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from integration.detection.model import Rule
from integration.engines.answers import Versions
from integration.engines.base import Engine
from integration.errors import ClusterError, ConflictError, ForbiddenError, NotFoundError
from integration.install.comparison import Difference, differences
from integration.install.deployment import Deployment
from integration.install.objects import Connections, Health, Leftover, ManagedObject, RuleObject
from integration.install.ownership import OWNER, owner_of
from integration.install.shared_objects import DataStream
from integration.render.aggregation import BY_HOST
from integration.targets.opensearch.alerts import count_open
from integration.targets.opensearch.body import monitor, monitor_name
from integration.targets.opensearch.comparison import comparable, keeping, other_channels
from integration.targets.opensearch.trial import trial_fault
from integration.times import rfc3339

_MONITORS = "/_plugins/_alerting/monitors"
_MOST_MONITORS = 10_000  # as many as one search gives; Alerting itself stops at 1,000 unless told otherwise


@dataclass(frozen=True)
class Stored:
    """A monitor on the cluster, and the others that stand in the same place as it."""

    id: str
    versions: Versions
    body: dict[str, Any]
    others: tuple[Stored, ...] = ()

    @property
    def path(self) -> str:
        """The monitor's own path."""
        return f"{_MONITORS}/{self.id}"

    @property
    def tag(self) -> dict[str, Any]:
        """The ownership tag, empty where there is none; a foreign monitor's search may have any form."""
        at: Any = self.body
        for key in ("inputs", 0, "search", "query", "aggregations", BY_HOST, "meta"):
            inside = (isinstance(at, dict) and key in at) or (isinstance(at, list) and key == 0 and at)
            at = at[key] if inside else None
        return at if isinstance(at, dict) else {}


class Monitor(RuleObject):
    """A rule's bucket-level monitor in one namespace. `notify` is a notification channel's id; None leaves the actions as they are.

    Alerting chooses the ids, so two installations at the same time make two monitors. Everybody keeps the same one of them: one
    that runs, one that notifies. The other is drift until the next installation deletes it.
    """

    kind = "monitor"
    request = f"POST {_MONITORS}"

    def __init__(self, rule: Rule, deployment: Deployment, notify: str | None = None, *, enable: bool = False) -> None:
        self.rule = rule
        self.name = monitor_name(rule, deployment.namespace)
        self._deployment = deployment
        self._owner = owner_of(rule, deployment.namespace)
        self._notify = notify
        self._enable = enable

    @cached_property
    def body(self) -> dict[str, Any]:
        """The monitor as it should be when it is new."""
        return monitor(self.rule, self._deployment, enabled=self.rule.enabled or self._enable, notify=self._notify)

    def fetch(self, connections: Connections) -> Stored | None:
        """Read the rule's monitor with its copies, else one that has its name and no ownership tag."""
        stored = list(_stored(connections.engine))
        ours = [each for each in stored if self.is_ours(each)]
        named = [each for each in stored if each.body["name"] == self.name and not each.tag]
        found = sorted(ours, key=lambda each: (not each.body["enabled"], -_actions(each.body), each.id)) or named
        return replace(found[0], others=tuple(found[1:])) if found else None

    def is_ours(self, found: Stored) -> bool:
        """Whether the ownership tag names the rule and the namespace."""
        return self._owner.items() <= found.tag.items()

    def compare(self, found: Stored) -> Iterator[Difference]:
        """Yield where the monitor differs; copies of it are drift, several that differ are a `ClusterError`."""
        self._require_one(found)
        yield from differences(comparable(self.body), comparable(found.body))
        yield from other_channels(found.body, self._notify)
        if self._enable and not self.is_enabled(found):
            yield "enabled", True, False
        if found.others:
            yield "monitors", 1, 1 + len(found.others)

    def put(self, connections: Connections, found: Stored | None) -> None:
        """Create the monitor or bring it to its desired body; of one that was ours the actions and the enabled state are kept.

        A body that fails when it is tried replaces nothing. `ConflictError` when somebody else changed the monitor meanwhile.
        """
        engine, body = connections.engine, copy.deepcopy(self.body)
        if found is not None and self.is_ours(found):
            body = keeping(body, found.body, self.rule, self._notify)
            body["enabled"] |= self._enable
        self._refuse_fault(trial_fault(engine, self.rule, body))
        if found is None:
            # Never sent twice: each time it would make another monitor.
            engine.request("POST", _MONITORS, body)
        else:
            _delete_all(engine, found.others)
            _replace(engine, found, body)

    def verify(self, connections: Connections) -> None:
        """Read the monitor back and compare it, and let Alerting try it over a past run; a copy made at the same time goes."""
        found = self.fetch(connections)
        if found is None or not self.is_ours(found):
            self.refuse(["the whole monitor"])
            return
        self._require_one(found)
        _delete_all(connections.engine, found.others)
        both = differences(comparable(self.body), comparable(found.body))
        self.refuse([path for path, desired, _ in both if desired is not None])
        self._refuse_fault(trial_fault(connections.engine, self.rule, found.body, found.path))

    def delete(self, connections: Connections, found: Stored) -> None:
        """Delete the monitor with its open alerts, and its copies."""
        _delete_all(connections.engine, (found, *found.others))

    def is_enabled(self, found: Stored) -> bool:
        """Whether Alerting runs the monitor."""
        return bool(found.body["enabled"])

    def switch(self, connections: Connections, found: Stored, *, enabled: bool) -> None:
        """Enable or disable the monitor, and leave all else that was changed in it; its copies go."""
        self._require_one(found)
        _delete_all(connections.engine, found.others)
        # Alerting does not show the metadata that it would lose here.
        body = {key: value for key, value in found.body.items() if key not in ("enabled_time", "last_update_time")}
        _replace(connections.engine, found, body | {"enabled": enabled, "ui_metadata": {"detect": found.tag}})

    def health(self, connections: Connections, found: Stored) -> Health:
        """Return how the monitor fares; it is tried over its last run, since Alerting keeps no errors of bucket-level monitors."""
        engine = connections.engine
        try:
            fault = trial_fault(engine, self.rule, found.body, found.path)
        except ForbiddenError:  # who may try a monitor may store alerts too, so a reader may not
            fault = "not known: this user may not try the monitor"
        last_run, open_alerts = _last_run(engine, found.id), count_open(engine, found.id)
        return Health(self.kind, self.name, self.rule.id, self.is_enabled(found), last_run, fault, open_alerts)

    def _require_one(self, found: Stored) -> None:
        """`ClusterError` when it cannot be told which monitor is meant: several of ours that differ, or several of our name."""
        ours = self.is_ours(found)
        if any(not ours or comparable(each.body) != comparable(found.body) for each in found.others):
            ids = ", ".join(each.id for each in (found, *found.others))
            what = "bear the ownership tag of" if ours else "have the name of"
            raise ClusterError(f"{1 + len(found.others)} monitors {what} {self.name!r}: {ids}. Delete all but one of them.")

    def _refuse_fault(self, fault: str | None) -> None:
        if fault:
            raise ClusterError(f"monitor {self.name!r} fails when it is tried over a past run: {fault}")


class AlertingTarget:
    """OpenSearch Alerting as a place that runs rules: one monitor a rule and namespace."""

    def __init__(self, deployment: Deployment, notify: str | None = None) -> None:
        self._deployment = deployment
        self._notify = notify

    def needs(self, _rules: Sequence[Rule]) -> Sequence[ManagedObject]:
        """Return the data stream of the events: Alerting takes no monitor over what is not there."""
        return [] if self._deployment.index else [DataStream(self._deployment.events, {})]

    def rule_object(self, rule: Rule, *, enable: bool = False) -> Monitor:
        """Return the rule's monitor."""
        return Monitor(rule, self._deployment, self._notify, enable=enable)

    def leftovers(self, connections: Connections, rules: Sequence[Rule]) -> Iterator[Leftover]:
        """Yield the namespace's monitors of other rules."""
        ids = {rule.id for rule in rules}
        owner = {"managed_by": OWNER, "namespace": self._deployment.namespace.name}
        for each in _stored(connections.engine):
            if owner.items() <= each.tag.items() and each.tag.get("rule_id") not in ids:
                delete = partial(_delete_all, connections.engine, [each])
                yield Leftover(Monitor.kind, str(each.body["name"]), str(each.tag.get("rule_id")), delete)


def _stored(engine: Engine) -> Iterator[Stored]:
    query = {"term": {"monitor.monitor_type": "bucket_level_monitor"}}
    hits = engine.request("POST", f"{_MONITORS}/_search", {"size": _MOST_MONITORS, "query": query}, retry=True)
    for hit in hits["hits"]["hits"]:
        # Where it cannot read one of the hits, Alerting gives them all as they are stored.
        body = hit["_source"].get("monitor", hit["_source"])
        yield Stored(hit["_id"], Versions(hit["_seq_no"], hit["_primary_term"]), body)


def _replace(engine: Engine, found: Stored, body: Mapping[str, Any]) -> None:
    guard = {"if_seq_no": found.versions.seq_no, "if_primary_term": found.versions.primary_term}
    try:
        engine.request("PUT", found.path, dict(body), guard)
    except ConflictError as error:
        raise ConflictError(
            f"monitor {found.body['name']!r} was changed by somebody else meanwhile and is left as they want it; "
            f"running the command again looks at it anew ({error})"
        ) from error


def _delete_all(engine: Engine, monitors: Sequence[Stored]) -> None:
    for each in monitors:
        with suppress(NotFoundError):
            engine.request("DELETE", each.path, retry=True)


def _last_run(engine: Engine, monitor_id: str) -> str | None:
    """Ask the nodes when they last ran a monitor; they forget it when they restart, or when the monitor moves."""
    nodes = engine.request("GET", "/_plugins/_alerting/stats/jobs_info", retry=True).get("nodes", {})
    jobs = [node.get("jobs_info", {}).get(monitor_id, {}) for node in nodes.values()]
    times = [job["last_execution_time"] for job in jobs if job.get("last_execution_time")]
    return rfc3339(max(times), millis=False) if times else None


def _actions(body: Mapping[str, Any]) -> int:
    return sum(len(trigger.get("actions", ())) for wrapped in body.get("triggers", ()) for trigger in wrapped.values())
