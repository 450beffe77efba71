"""Fields of a document by their dotted names, however much of them is nested: shippers write `host.name` in both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

BLANKS: Final = "".join(map(chr, range(33)))
"""What Java's `trim` takes off."""


def find(at: Any, path: str) -> Any:
    """Return the value of a dotted name, however much of it is nested, or None; of a list of objects the values in them.

    An empty text is one where there is no other.
    """
    if isinstance(at, list):
        found = [value for part in at if (value := find(part, path)) is not None]
        return [part for value in found for part in (value if isinstance(value, list) else [value])] or None
    if not isinstance(at, Mapping):
        return None
    whole = at.get(path)
    if whole not in (None, ""):
        return whole
    dot = path.find(".")
    while dot > 0:
        found = find(at.get(path[:dot]), path[dot + 1 :])
        if found is not None:
            return found
        dot = path.find(".", dot + 1)
    return whole


def first_of(value: Any) -> Any:
    """Return the first value of a list that is there, None of an empty one; any other value as it is."""
    return next((part for part in value if part not in (None, "")), None) if isinstance(value, list) else value


def object_of(document: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return the object of a dotted name, or what dotted names tell of it: `Body.MESSAGE` of the object `Body`."""
    found = find(document, name)
    if found is None:
        start = f"{name}."
        found = {key[len(start) :]: value for key, value in document.items() if key.startswith(start)} or None
    return found if isinstance(found, Mapping) else None
