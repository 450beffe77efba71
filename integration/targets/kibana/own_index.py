"""The classifiers' computed fields in an index of the user's own, where ES|QL reads them; no template of ours reaches it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from integration.detection.model import Rule
from integration.errors import InputError
from integration.install.comparison import Difference, differences
from integration.install.objects import Connections, ManagedObject
from integration.render.aggregation import class_field


class ComputedFields(ManagedObject):
    """The runtime fields of every index behind a name, data stream or pattern; an index that comes later needs another install.

    What was read is, by index, each computed field that is ours as it is there. The index bears no ownership tag: a computed field
    of that name is ours.
    """

    kind = "computed fields"

    def __init__(self, index: str, rules: Sequence[Rule]) -> None:
        self.name = index
        self._body = {"runtime": {name: field for rule in rules for name, field in class_field(rule).items()}}

    @property
    def body(self) -> dict[str, Any]:
        """The part of the mapping that is ours."""
        return self._body

    @property
    def request(self) -> str:
        """The request that adds the fields to the mapping."""
        return f"PUT /{self.name}/_mapping"

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the fields from the mapping of each index; None where there is no index yet.

        `InputError` for an index with a field of its own under such a name, which the computed one would hide.
        """
        found: dict[str, Any] = {}
        for index, mapping in sorted(connections.engine.get_mapping(self.name).items()):
            if own := self._body["runtime"].keys() & mapping.get("properties", {}).keys():
                raise InputError(
                    f"{index} has a field {min(own)!r} of its own, which the computed field of that name would hide; give the rule "
                    "another `classification.field`, or let `detect watch` run it"
                )
            there = mapping.get("runtime", {})
            found[index] = {"runtime": {name: there.get(name) for name in self._body["runtime"]}}
        return found or None

    def put(self, connections: Connections, found: dict[str, Any] | None) -> None:
        """Add the fields to the mapping of every index; old documents have them at once."""
        if found is None:
            raise InputError(f"there is no index {self.name!r} to add the rules' computed fields to; ship events there first")
        connections.engine.put_mapping(self.name, self._body)

    def delete(self, connections: Connections, _found: dict[str, Any]) -> None:
        """Take the fields out of the mapping of every index."""
        connections.engine.put_mapping(self.name, {"runtime": dict.fromkeys(self._body["runtime"])})

    def is_ours(self, _found: dict[str, Any]) -> bool:
        """Whether the fields are ours, as their names say."""
        return True

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where a field of an index differs."""
        return differences(dict.fromkeys(found, self._body), found)
