"""Where a rule runs by itself on a cluster: the interface that OpenSearch Alerting and Kibana share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from integration.detection.model import Rule
from integration.install.comparison import Status, Step


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


class RuleTarget(Protocol):
    """One place that runs rules: it keeps one object a rule, which bears our mark.

    Every method raises `ClusterError` or one of its kinds. What the user owns of an object (whether it is enabled, whom it
    notifies) is no difference and is kept; all else is ours.
    """

    @property
    def kind(self) -> str:
        """What its objects are called."""

    def name(self, rule: Rule) -> str:
        """Give the name of the rule's object."""

    def body(self, rule: Rule) -> dict[str, Any]:
        """Give the rule's object as it should be when it is new; `InputError` for a rule or filter that cannot be said here."""

    def status(self, rule: Rule) -> Status:
        """Compare the rule's object with the desired one."""

    def prepare(self) -> Sequence[Step]:
        """Make what the objects need besides themselves."""

    def put(self, rule: Rule, *, enable: bool) -> None:
        """Create the rule's object, or bring it to its desired body, whoever made it; `enable` starts it besides."""

    def verify(self, rule: Rule) -> None:
        """Read the object back, compare, and try it; `ClusterError` says what is wrong with it."""

    def set_enabled(self, rule: Rule, *, enabled: bool) -> Step:
        """Start or stop the rule's object, leaving the rest of it as it is; `InputError` when there is none of ours."""

    def remove(self, rule: Rule) -> Step:
        """Delete the rule's object if it is ours."""

    def health(self, rule: Rule) -> Health | None:
        """Tell how the rule's object fares; None when there is none of ours."""
