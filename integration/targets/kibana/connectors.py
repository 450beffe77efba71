"""A connector of Kibana, by which a rule tells people of its findings: `install --connector ID`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from integration.engines.kibana import Kibana
from integration.errors import InputError

_CONNECTORS = "/api/actions/connector"
# The types that need nothing but a text; others need a recipient, a channel or a project, which only their owner knows.
_PARAMS: dict[str, Callable[[str], dict[str, Any]]] = {
    ".index": lambda text: {"documents": [{"message": text}]},
    ".pagerduty": lambda text: {"eventAction": "trigger", "summary": text},
    ".server-log": lambda text: {"level": "warn", "message": text},
    ".slack": lambda text: {"message": text},
    ".teams": lambda text: {"message": text},
    ".webhook": lambda text: {"body": json.dumps({"message": text})},
}
# No text of a log is in them: whoever writes logs writes nothing into a chat.
_OF_DETECTION = "{{context.rule.name}}: {{state.signals_count}} alerts. {{context.results_link}}"
_OF_STACK = "{{rule.name}} has found something. {{context.link}}"


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector that is there, and its type."""

    id: str
    type: str

    @property
    def detection_action(self) -> dict[str, Any]:
        """The action of a detection rule: one message a run that made alerts."""
        frequency = {"summary": True, "notifyWhen": "onActiveAlert", "throttle": None}
        action = {"id": self.id, "action_type_id": self.type, "group": "default", "frequency": frequency}
        return action | {"params": _PARAMS[self.type](_OF_DETECTION)}

    @property
    def stack_action(self) -> dict[str, Any]:
        """The action of an Elasticsearch query rule: one message for each host that becomes active."""
        frequency = {"summary": False, "notify_when": "onActionGroupChange", "throttle": None}
        return {"id": self.id, "group": "query matched", "frequency": frequency, "params": _PARAMS[self.type](_OF_STACK)}

    def is_named_in(self, actions: Iterable[Mapping[str, Any]]) -> bool:
        """Whether one of a rule's actions goes to the connector; whatever it says there is its owner's."""
        return any(action.get("id") == self.id for action in actions)


def connector_of(kibana: Kibana, identifier: str) -> Connector:
    """Return a connector by its id; `InputError` where the space has none of that id, or none that needs a text alone."""
    found = kibana.get(f"{_CONNECTORS}/{quote(identifier, safe='')}")
    if found is None:
        raise InputError(
            f"--connector: the space {kibana.space!r} of {kibana.url} has no connector with the id {identifier!r}; "
            "Stack Management > Connectors lists them"
        )
    kind = str(found.get("connector_type_id"))
    if kind not in _PARAMS:
        raise InputError(
            f"--connector: {identifier!r} is of the type {kind}, which needs more than a text (a recipient, say). Add it to the "
            f"rule in Kibana: every later `detect install` keeps it. These need a text alone: {', '.join(_PARAMS)}"
        )
    return Connector(identifier, kind)
