"""Rules in Kibana as places that run our rules: found by an id of our making, known by their tags."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any, ClassVar

from integration.detection.model import Rule
from integration.engines.kibana import DEFAULT_SPACE, Kibana
from integration.errors import ClusterError, InputError, NotFoundError, OverwrittenError
from integration.install.comparison import Difference, changes
from integration.install.deployment import Deployment
from integration.install.objects import Connections, Health, Leftover, ManagedObject, RuleObject
from integration.targets.kibana import body as render
from integration.targets.kibana.alerts import count_open_detections
from integration.targets.kibana.connectors import Connector
from integration.targets.kibana.own_index import ComputedFields

_DETECTION = "/api/detection_engine/rules"
_STACK = "/api/alerting/rule"
_MOST_RULES = 1_000
# What may be said of a stack rule again; Kibana refuses the rest of what it tells.
_UPDATED = ("name", "tags", "schedule", "params")
_KEPT = ("throttle", "notify_when", "alert_delay", "flapping")
_KEPT_OF_ACTION = ("id", "group", "params", "frequency", "uuid", "alerts_filter", "use_alert_data_for_template")


class KibanaRule(RuleObject):
    """A rule in one space of Kibana, for one namespace.

    The user owns whether it is enabled, its actions, its exceptions, and tags besides ours. `connector` shall hear of findings too.
    """

    listing: ClassVar[str]
    """The path that lists rules of this kind."""

    def __init__(self, rule: Rule, deployment: Deployment, *, enable: bool = False, connector: Connector | None = None) -> None:
        self.rule = rule
        self.name = render.rule_name(rule, deployment.namespace)
        self._deployment = deployment
        self._enable = enable
        self._connector = connector

    @abstractmethod
    def _create(self, kibana: Kibana) -> None: ...

    @abstractmethod
    def _update(self, kibana: Kibana, body: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
        """Change the rule that was read as `found`, and return Kibana's answer, the rule as it is then."""

    @staticmethod
    @abstractmethod
    def delete_found(kibana: Kibana, found: Mapping[str, Any]) -> None:
        """Delete a rule that was read or listed."""

    @staticmethod
    def is_listed(_found: Mapping[str, Any]) -> bool:
        """Whether a rule that was listed is of this kind."""
        return True

    def put(self, connections: Connections, found: dict[str, Any] | None) -> None:
        """Create the rule, or bring the one there to its desired body; of what the user owns everything stays.

        `OverwrittenError` when somebody else changed the rule at the same time: no update of Kibana's can be made to depend on what
        was read.
        """
        kibana = kibana_of(connections)
        if found is None:
            self._create(kibana)
            return
        tags = [*self.body["tags"], *render.other_tags(found.get("tags", ()))]
        self._refuse_another_change(found, self._update(kibana, self.body | {"tags": tags}, found))
        if self._enable and not self.is_enabled(found):
            self.switch(connections, found, enabled=True)

    def _refuse_another_change(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Kibana counts every change of a rule's content in `revision`, and none that changes nothing; a new rule begins anew."""
        read, now = before.get("revision", 0), after.get("revision", 0)
        if before.get("created_at") == after.get("created_at") and now in (read, read + 1):
            return
        raise OverwrittenError(
            f"somebody else changed the {self.kind} {self.name!r} while it was updated: revision {read} was read, and Kibana "
            f"answered with {now}. The update won, so see in Kibana whether something of that change is lost"
        )

    def delete(self, connections: Connections, found: dict[str, Any]) -> None:
        """Delete the rule; its alerts stay."""
        with suppress(NotFoundError):
            self.delete_found(kibana_of(connections), found)

    def is_ours(self, found: Mapping[str, Any]) -> bool:
        """Whether the tags name us, the rule and the namespace."""
        return set(render.owner_tags(self.rule, self._deployment.namespace)) <= set(found.get("tags", ()))

    def compare(self, found: Mapping[str, Any]) -> Iterable[Difference]:
        """Yield where what is ours differs; a key that Kibana adds to an object is not a difference, an item in a list is one."""
        desired = {key: value for key, value in self.body.items() if key not in ("enabled", "actions")}
        tags = [tag for tag in found.get("tags", ()) if tag not in render.other_tags(found.get("tags", ()))]
        yield from changes(desired, {**found, "tags": tags})
        if self._enable and not self.is_enabled(found):
            yield "enabled", True, False
        if self._is_unheard(found):
            yield f"actions.{self._connector and self._connector.id}", "notified", None

    def _is_unheard(self, found: Mapping[str, Any]) -> bool:
        """Whether the connector that shall hear of findings is in none of the rule's actions."""
        return self._connector is not None and not self._connector.is_named_in(found.get("actions", ()))

    def is_enabled(self, found: Mapping[str, Any]) -> bool:
        """Whether Kibana runs the rule."""
        return bool(found["enabled"])


class DetectionRule(KibanaRule):
    """A detection rule of Elastic Security."""

    kind = "detection rule"
    listing = f"{_DETECTION}/_find"
    request = f"POST {_DETECTION} (Kibana; header kbn-xsrf)"

    @cached_property
    def body(self) -> dict[str, Any]:
        """The detection rule."""
        made = render.detection_rule(self.rule, self._deployment)
        actions = {} if self._connector is None else {"actions": [self._connector.detection_action]}
        return made | {"enabled": made["enabled"] or self._enable} | actions

    @property
    def _id(self) -> dict[str, str]:
        return {"rule_id": render.detection_id(self.rule, self._deployment.namespace)}

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the detection rule by its `rule_id`."""
        return kibana_of(connections).get(_DETECTION, self._id)

    def _create(self, kibana: Kibana) -> None:
        kibana.send("POST", _DETECTION, self.body)

    def _update(self, kibana: Kibana, body: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
        if found.get("type") != body["type"]:  # which a patch cannot change
            return kibana.send("PUT", _DETECTION, body | {"enabled": found["enabled"]})
        # A patch leaves what it does not name: actions, exceptions, whether it is enabled.
        named = {key: value for key, value in body.items() if key not in ("enabled", "actions")}
        if self._is_unheard(found):
            named["actions"] = [*found.get("actions", ()), *body["actions"]]
        return kibana.send("PATCH", _DETECTION, named)

    def switch(self, connections: Connections, _found: dict[str, Any], *, enabled: bool) -> None:
        """Enable or disable the detection rule."""
        kibana_of(connections).send("PATCH", _DETECTION, self._id | {"enabled": enabled})

    @staticmethod
    def delete_found(kibana: Kibana, found: Mapping[str, Any]) -> None:
        """Delete a detection rule."""
        kibana.send("DELETE", _DETECTION, params={"rule_id": found["rule_id"]})

    def health(self, connections: Connections, found: Mapping[str, Any]) -> Health:
        """Return how the rule fares by what Kibana keeps of its last run."""
        last = found.get("execution_summary", {}).get("last_execution", {})
        fault = last.get("message") if last.get("status") in ("failed", "partial failure") else None
        open_alerts = count_open_detections(kibana_of(connections), self.rule, self._deployment.namespace)
        return Health(self.kind, self.name, self.rule.id, self.is_enabled(found), last.get("date"), fault, open_alerts)


class StackRule(KibanaRule):
    """An Elasticsearch query rule of Stack Management."""

    kind = "stack rule"
    listing = "/api/alerting/rules/_find"

    @cached_property
    def body(self) -> dict[str, Any]:
        """The stack rule."""
        made = render.stack_rule(self.rule, self._deployment)
        actions = {} if self._connector is None else {"actions": [self._connector.stack_action]}
        return made | {"enabled": made["enabled"] or self._enable} | actions

    @property
    def request(self) -> str:
        """The request that creates the rule in Kibana's default space."""
        return f"POST {self._path(DEFAULT_SPACE)} (Kibana; header kbn-xsrf)"

    def identifier(self, space: str) -> str:
        """Return the rule's id in a space."""
        return render.stack_id(self.rule, self._deployment.namespace, space)

    def _path(self, space: str) -> str:
        return f"{_STACK}/{self.identifier(space)}"

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the stack rule by its id."""
        kibana = kibana_of(connections)
        return kibana.get(self._path(kibana.space))

    def _create(self, kibana: Kibana) -> None:
        kibana.send("POST", self._path(kibana.space), self.body)

    def _update(self, kibana: Kibana, body: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
        if found["rule_type_id"] != body["rule_type_id"]:
            raise ClusterError(f"Kibana cannot change the type of the rule {found['name']!r}; delete it there first")
        kept = {key: found[key] for key in _KEPT if found.get(key) is not None}
        actions = [{key: a[key] for key in _KEPT_OF_ACTION if a.get(key) is not None} for a in found.get("actions", ())]
        actions += body["actions"] if self._is_unheard(found) else []
        updated = {key: body[key] for key in _UPDATED} | kept | {"actions": actions}
        return kibana.send("PUT", self._path(kibana.space), updated)

    def switch(self, connections: Connections, _found: dict[str, Any], *, enabled: bool) -> None:
        """Enable or disable the stack rule."""
        kibana = kibana_of(connections)
        kibana.send("POST", f"{self._path(kibana.space)}/{'_enable' if enabled else '_disable'}")

    @staticmethod
    def delete_found(kibana: Kibana, found: Mapping[str, Any]) -> None:
        """Delete a stack rule."""
        kibana.send("DELETE", f"{_STACK}/{found['id']}")

    @staticmethod
    def is_listed(found: Mapping[str, Any]) -> bool:
        """Whether a rule that was listed is of this kind: detection rules are listed here too."""
        return bool(found.get("rule_type_id") == ".es-query")

    def health(self, _connections: Connections, found: Mapping[str, Any]) -> Health:
        """Return how the rule fares by what Kibana keeps of its last run; it counts no alerts."""
        last = found.get("execution_status", {})
        date = last.get("last_execution_date") if last.get("status") not in (None, "pending") else None
        fault = last.get("error", {}).get("message")
        return Health(self.kind, self.name, self.rule.id, self.is_enabled(found), date, fault, None)


class KibanaTarget:
    """One kind of Kibana's rules as a place that runs rules."""

    def __init__(self, made: type[KibanaRule], deployment: Deployment, connector: Connector | None = None) -> None:
        self._made = made
        self._deployment = deployment
        self._connector = connector

    def needs(self, rules: Sequence[Rule]) -> Sequence[ManagedObject]:
        """Return the computed fields of an index of the user's own, which ES|QL reads."""
        return [ComputedFields(self._deployment.index, rules)] if self._deployment.index else []

    def rule_object(self, rule: Rule, *, enable: bool = False) -> KibanaRule:
        """Return the rule in Kibana."""
        return self._made(rule, self._deployment, enable=enable, connector=self._connector)

    def leftovers(self, connections: Connections, rules: Sequence[Rule]) -> Iterator[Leftover]:
        """Yield the namespace's rules in Kibana that are of other rules than these."""
        kibana = kibana_of(connections)
        ids = {rule.id for rule in rules}
        owner = render.namespace_tag(self._deployment.namespace)
        params = {"filter": f'alert.attributes.tags:"{owner}"', "per_page": str(_MOST_RULES)}
        for listed in (kibana.get(self._made.listing, params) or {}).get("data", ()):
            rule_id = render.tagged_rule(listed.get("tags", ()))
            if owner in listed["tags"] and rule_id is not None and rule_id not in ids and self._made.is_listed(listed):
                delete = partial(self._made.delete_found, kibana, listed)
                yield Leftover(self._made.kind, str(listed["name"]), rule_id, delete)


def kibana_of(connections: Connections) -> Kibana:
    """Return the Kibana that keeps the rules; `InputError` when its address is not known."""
    if connections.kibana is None:
        raise InputError("rules in Kibana need its address: --kibana-url or DETECT_KIBANA_URL")
    return connections.kibana
