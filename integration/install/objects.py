"""The interface of everything that `detect install` manages: pipelines, templates, roles, monitors, Kibana's rules, dashboards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.dashboards import Dashboards
from integration.engines.kibana import Kibana
from integration.errors import ClusterError
from integration.install.comparison import Difference, differences


@dataclass(frozen=True, slots=True)
class Connections:
    """A cluster, and the Kibana or OpenSearch Dashboards in front of it where its address is known."""

    engine: Engine
    kibana: Kibana | None = None
    dashboards: Dashboards | None = None


class ManagedObject(ABC):
    """One object as it should be, with our ownership tag in its body, and how it is read and written where it is kept.

    What `fetch` reads is given to the other methods as `found`; its type is the subclass's own. Every method raises `ClusterError`
    or one of its kinds.
    """

    kind: ClassVar[str]
    name: str

    @property
    @abstractmethod
    def body(self) -> dict[str, Any]:
        """The object as it should be when it is new; `InputError` for what cannot be said where it shall go."""

    @property
    @abstractmethod
    def request(self) -> str:
        """The request that creates the object from its body, for whoever deploys by other means."""

    @abstractmethod
    def fetch(self, connections: Connections) -> Any | None:
        """Read the object; None when there is none."""

    @abstractmethod
    def put(self, connections: Connections, found: Any | None) -> None:
        """Create the object, or bring the one that was read as `found` to the desired body."""

    @abstractmethod
    def delete(self, connections: Connections, found: Any) -> None:
        """Delete the object that was read as `found`; deleting one that is gone is not an error."""

    @abstractmethod
    def is_ours(self, found: Any) -> bool:
        """Whether the object that was read bears our ownership tag."""

    def applies_to(self, found: Any) -> bool:  # noqa: ARG002
        """Whether there is something to bring to the desired state, in what was read; what is missing is to be made."""
        return True

    def compare(self, found: Any) -> Iterable[Difference]:
        """Yield where the object that was read differs; what engines add by themselves is not a difference."""
        return differences(self.body, found)

    def verify(self, connections: Connections) -> None:
        """Read the object back and compare; `ClusterError` says where it differs."""
        found = self.fetch(connections)
        wrong = ["the whole object"] if found is None or not self.is_ours(found) else [path for path, _, _ in self.compare(found)]
        self.refuse(wrong)

    def refuse(self, wrong: Sequence[str]) -> None:
        """`ClusterError` when an object that was put reads back differently."""
        if wrong:
            raise ClusterError(f"{self.kind} {self.name!r} was accepted, but reads back differently at {wrong[0]}")


@dataclass(frozen=True, slots=True)
class Health:
    """How a rule's object fares: `last_run` in RFC 3339, None before the first; `last_error` None when the last run was well.

    `open_alerts` is None where the target cannot tell.
    """

    kind: str
    name: str
    rule_id: str
    enabled: bool
    last_run: str | None
    last_error: str | None
    open_alerts: int | None


class RuleObject(ManagedObject):
    """The object of one rule at a target. The user owns whether it is enabled and whom it notifies, unless an option says more."""

    rule: Rule

    @abstractmethod
    def is_enabled(self, found: Any) -> bool:
        """Whether the object that was read runs by its schedule."""

    @abstractmethod
    def switch(self, connections: Connections, found: Any, *, enabled: bool) -> None:
        """Enable or disable the object that was read, leaving the rest of it as it is."""

    @abstractmethod
    def health(self, connections: Connections, found: Any) -> Health:
        """Return how the object that was read fares."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """An object of ours on the cluster whose rule is not in the desired set."""

    kind: str
    name: str
    rule_id: str
    delete: Callable[[], object]


class Target(Protocol):
    """A place that runs rules: it keeps one object a rule."""

    def needs(self, rules: Sequence[Rule]) -> Sequence[ManagedObject]:
        """Return what the rules' objects need there besides the objects that all rules share."""

    def rule_object(self, rule: Rule, *, enable: bool = False) -> RuleObject:
        """Return the object of a rule; `enable` says that it shall run, whatever the user set."""

    def leftovers(self, connections: Connections, rules: Sequence[Rule]) -> Iterator[Leftover]:
        """Yield the objects of ours in the deployment's namespace whose rules are not among these."""
