"""How the body of an object on a cluster differs from the desired one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Difference = tuple[str, Any, Any]
"""Where two bodies differ: (dotted path, desired, found); None for what one side does not have."""


def differences(desired: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Difference]:
    """Compare two bodies leaf by leaf; engines give numbers and truth values back as texts, so these are compared as texts."""
    left, right = dict(leaves(desired)), dict(leaves(found))
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            yield path, left.get(path), right.get(path)


def changes(desired: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Difference]:
    """Compare the keys of the desired body alone; a key added below them is not a difference, an item added to a list is one."""
    for path, want, has in differences(desired, {key: found.get(key) for key in desired}):
        if want is not None or path.endswith("]"):
            yield path, want, has


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value in a body that holds no others, with its dotted path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from leaves(item, f"{path}[{position}]")
    else:
        yield path, str(value).lower() if isinstance(value, bool | int) else value
