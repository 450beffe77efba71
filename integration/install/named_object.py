"""An object that all rules share: it has a name, and a body of its own, at an address made of the name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import quote

from integration.engines.base import Engine
from integration.errors import NotFoundError
from integration.install.comparison import Difference, differences
from integration.install.objects import Connections, ManagedObject
from integration.install.ownership import has_tag, has_tag_text


class SharedObject(ManagedObject):
    """An object with a name and a body of its own, at `api`/NAME."""

    api: ClassVar[str]
    added: ClassVar[tuple[str, ...]] = ()
    """What engines add to such a body by themselves, by the beginning of the dotted path."""

    def __init__(self, name: str, body: dict[str, Any]) -> None:
        self.name = name
        self._body = body

    @property
    def body(self) -> dict[str, Any]:
        """The object as it should be."""
        return self._body

    @property
    def request(self) -> str:
        """The request that puts the object."""
        return f"PUT {self.api}/{self.name}"

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the object."""
        try:
            return self.unwrapped(self.send(connections.engine, "GET"))
        except NotFoundError:
            return None

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Create or replace the object; most engines cannot guard that against a change at the same moment."""
        self.send(connections.engine, "PUT", self.body)

    def delete(self, connections: Connections, _found: dict[str, Any]) -> None:
        """Delete the object."""
        with suppress(NotFoundError):
            self.send(connections.engine, "DELETE")

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the ownership tag in the metadata, or in the description of an object that has none."""
        return has_tag(found.get("_meta")) or has_tag(found.get("metadata")) or has_tag_text(found.get("description"))

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where the object that was read differs."""
        for path, desired, there in differences(self.body, found):
            if desired is not None or not path.startswith(self.added):
                yield path, desired, there

    def send(self, engine: Engine, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request about the object."""
        return engine.request(method, f"{self.api}/{quote(self.name)}", body, retry=method != "DELETE")

    def unwrapped(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Return the object in the answer to reading it."""
        return answer.get(self.name)
