"""Rules in Kibana as places that run our rules: found by an id of our making, known by their tags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from integration.detection.model import Rule
from integration.engines.kibana import Kibana
from integration.errors import ClusterError, InputError, NotFoundError, OverwrittenError
from integration.findings.filter import NO_FILTER, Filter
from integration.install.comparison import Difference, Status, Step, changes, status_of
from integration.install.target import Health
from integration.names import Namespace
from integration.targets.kibana import body as render
from integration.targets.kibana.alerts import count_open_detections

_DETECTION = "/api/detection_engine/rules"
_STACK = "/api/alerting/rule"
# What may be said of a stack rule again; Kibana refuses the rest of what it tells.
_UPDATED = ("name", "tags", "schedule", "params")
_KEPT = ("throttle", "notify_when", "alert_delay", "flapping")
_KEPT_OF_ACTION = ("id", "group", "params", "frequency", "uuid", "alerts_filter", "use_alert_data_for_template")


class KibanaTarget(ABC):
    """One kind of rule in one space of Kibana, for one namespace.

    The user owns whether a rule is enabled, its actions, its exceptions, and tags besides ours.
    """

    kind: ClassVar[str]

    def __init__(self, kibana: Kibana, namespace: Namespace, index: str | None = None, post_filter: Filter = NO_FILTER) -> None:
        self._kibana = kibana
        self._namespace = namespace
        self._index = index
        self._post_filter = post_filter

    @abstractmethod
    def body(self, rule: Rule) -> dict[str, Any]:
        """Give the rule's object as it should be when it is new."""

    @abstractmethod
    def find(self, rule: Rule) -> dict[str, Any] | None:
        """Read the rule's object, whoever made it."""

    @abstractmethod
    def _create(self, rule: Rule, body: dict[str, Any]) -> None: ...

    @abstractmethod
    def _update(self, rule: Rule, body: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
        """Change the rule that was read as `found`, and give Kibana's answer, the rule as it is then."""

    @abstractmethod
    def _switch(self, rule: Rule, *, enabled: bool) -> None: ...

    @abstractmethod
    def _delete(self, rule: Rule) -> None: ...

    @abstractmethod
    def _health(self, rule: Rule, found: Mapping[str, Any]) -> tuple[str | None, str | None, int | None]:
        """Give the last run, its error, and the number of open alerts."""

    def name(self, rule: Rule) -> str:
        """Give the name that people see in Kibana."""
        return render.rule_name(rule, self._namespace)

    def status(self, rule: Rule) -> Status:
        """Compare the rule in Kibana with the desired one."""
        found = self.find(rule)
        return status_of(self.kind, self.name(rule), found, partial(self._is_ours, rule), partial(self._differences, rule))

    def prepare(self) -> Sequence[Step]:
        """Ask Kibana for its version and space, so that what is wrong with them is said first."""
        self._kibana.check()
        return ()

    def put(self, rule: Rule, *, enable: bool) -> None:
        """Create the rule, or bring the one there to its desired body; of what the user owns everything stays.

        `OverwrittenError` when somebody else changed the rule at the same time: no update of Kibana's can be made to depend on what
        was read.
        """
        body, found = self.body(rule), self.find(rule)
        if found is None:
            self._create(rule, body | {"enabled": body["enabled"] or enable})
            return
        answer = self._update(rule, body | {"tags": [*body["tags"], *render.other_tags(found.get("tags", ()))]}, found)
        self._refuse_another_change(rule, found, answer)
        if enable and not found["enabled"]:
            self._switch(rule, enabled=True)

    def _refuse_another_change(self, rule: Rule, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Kibana counts every change of a rule's content in `revision`, and none that changes nothing; a new rule begins anew."""
        read, now = before.get("revision", 0), after.get("revision", 0)
        if before.get("created_at") == after.get("created_at") and now in (read, read + 1):
            return
        raise OverwrittenError(
            f"somebody else changed the {self.kind} {self.name(rule)!r} while it was updated: revision {read} was read, and Kibana "
            f"answered with {now}. The update won, so see in Kibana whether something of that change is lost"
        )

    def verify(self, rule: Rule) -> None:
        """Read the rule back and compare."""
        found = self.find(rule)
        wrong = [path for path, _, _ in self._differences(rule, found)] if found else ["everything"]
        if wrong:
            raise ClusterError(f"{self.kind} {self.name(rule)!r} was accepted, but reads back differently at {wrong[0]}")

    def set_enabled(self, rule: Rule, *, enabled: bool) -> Step:
        """Enable or disable the rule."""
        found = self._ours(rule)
        word = "enabled" if enabled else "disabled"
        if found is None:
            raise InputError(f"there is no {self.kind} {self.name(rule)!r} made by detect; `detect install` makes it")
        if found["enabled"] is enabled:
            return Step(self.kind, self.name(rule), f"is {word} already")
        self._switch(rule, enabled=enabled)
        return Step(self.kind, self.name(rule), word, changed=True)

    def remove(self, rule: Rule) -> Step:
        """Delete the rule if it is ours; its alerts stay."""
        found = self.find(rule)
        if found is None:
            return Step(self.kind, self.name(rule), "was not there")
        if not self._is_ours(rule, found):
            return Step(self.kind, self.name(rule), "left alone: not made by detect")
        try:
            self._delete(rule)
        except NotFoundError:
            return Step(self.kind, self.name(rule), "was not there")
        return Step(self.kind, self.name(rule), "deleted", changed=True)

    def health(self, rule: Rule) -> Health | None:
        """Tell how the rule fares by what Kibana keeps of its last run."""
        found = self._ours(rule)
        if found is None:
            return None
        last_run, last_error, open_alerts = self._health(rule, found)
        return Health(self.kind, self.name(rule), rule.id, bool(found["enabled"]), last_run, last_error, open_alerts)

    def _ours(self, rule: Rule) -> dict[str, Any] | None:
        found = self.find(rule)
        return found if found is not None and self._is_ours(rule, found) else None

    def _is_ours(self, rule: Rule, found: Mapping[str, Any]) -> bool:
        return set(render.owner_tags(rule, self._namespace)) <= set(found.get("tags", ()))

    def _differences(self, rule: Rule, found: Mapping[str, Any]) -> list[Difference]:
        """Compare what is ours in the two; what Kibana adds to an object is none, what is added to a list is one."""
        desired = {key: value for key, value in self.body(rule).items() if key not in ("enabled", "actions")}
        tags = [tag for tag in found.get("tags", ()) if tag not in render.other_tags(found.get("tags", ()))]
        return list(changes(desired, {**found, "tags": tags}))


class DetectionTarget(KibanaTarget):
    """Detection rules of Elastic Security."""

    kind = "detection rule"

    def body(self, rule: Rule) -> dict[str, Any]:
        """Give the detection rule."""
        return render.detection_rule(rule, self._namespace, self._index, self._post_filter)

    def find(self, rule: Rule) -> dict[str, Any] | None:
        """Read the detection rule by its `rule_id`."""
        return self._kibana.get(_DETECTION, self._id(rule))

    def _id(self, rule: Rule) -> dict[str, str]:
        return {"rule_id": render.detection_id(rule, self._namespace)}

    def _create(self, _rule: Rule, body: dict[str, Any]) -> None:
        self._kibana.send("POST", _DETECTION, body)

    def _update(self, _rule: Rule, body: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
        if found.get("type") != body["type"]:  # which a patch cannot change
            return self._kibana.send("PUT", _DETECTION, body | {"enabled": found["enabled"]})
        # A patch leaves what it does not name: actions, exceptions, whether it is enabled.
        return self._kibana.send("PATCH", _DETECTION, {key: value for key, value in body.items() if key != "enabled"})

    def _switch(self, rule: Rule, *, enabled: bool) -> None:
        self._kibana.send("PATCH", _DETECTION, self._id(rule) | {"enabled": enabled})

    def _delete(self, rule: Rule) -> None:
        self._kibana.send("DELETE", _DETECTION, params=self._id(rule))

    def _health(self, rule: Rule, found: Mapping[str, Any]) -> tuple[str | None, str | None, int | None]:
        last = found.get("execution_summary", {}).get("last_execution", {})
        failed = last.get("status") in ("failed", "partial failure")
        open_alerts = count_open_detections(self._kibana, rule, self._namespace)
        return last.get("date"), last.get("message") if failed else None, open_alerts


class StackTarget(KibanaTarget):
    """Elasticsearch query rules of Stack Management."""

    kind = "stack rule"

    def body(self, rule: Rule) -> dict[str, Any]:
        """Give the stack rule."""
        return render.stack_rule(rule, self._namespace, self._index, self._post_filter)

    def find(self, rule: Rule) -> dict[str, Any] | None:
        """Read the stack rule by its id."""
        return self._kibana.get(self._path(rule))

    def _path(self, rule: Rule) -> str:
        return f"{_STACK}/{render.stack_id(rule, self._namespace, self._kibana.space)}"

    def _create(self, rule: Rule, body: dict[str, Any]) -> None:
        self._kibana.send("POST", self._path(rule), body)

    def _update(self, rule: Rule, body: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
        if found["rule_type_id"] != body["rule_type_id"]:
            raise ClusterError(f"Kibana cannot change the type of the rule {found['name']!r}; delete it there first")
        kept = {key: found[key] for key in _KEPT if found.get(key) is not None}
        actions = [{key: a[key] for key in _KEPT_OF_ACTION if a.get(key) is not None} for a in found.get("actions", ())]
        return self._kibana.send("PUT", self._path(rule), {key: body[key] for key in _UPDATED} | kept | {"actions": actions})

    def _switch(self, rule: Rule, *, enabled: bool) -> None:
        self._kibana.send("POST", f"{self._path(rule)}/{'_enable' if enabled else '_disable'}")

    def _delete(self, rule: Rule) -> None:
        self._kibana.send("DELETE", self._path(rule))

    def _health(self, _rule: Rule, found: Mapping[str, Any]) -> tuple[str | None, str | None, int | None]:
        last = found.get("execution_status", {})
        ran = last.get("status") not in (None, "pending")
        return last.get("last_execution_date") if ran else None, last.get("error", {}).get("message"), None
