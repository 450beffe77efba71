"""How an object on the cluster differs from the desired one, as a unified difference of lines: scripts and queries line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

from integration.install.comparison import leaves
from integration.install.plan import Planned

_STEPS = re.compile(r"[^.\[\]]+|\[\d+\]")
_LONG = 100
# Where a long script of one line may be broken to be read.
_BREAK = re.compile(r"(?<=[;{}] )|(?<= && )|(?<= \|\| )")


def unified(planned: Planned) -> Iterator[str]:
    """Yield the lines of a difference, none where there is none: what is on the cluster is taken away, what is desired added."""
    desired = dict(leaves(planned.object.body))
    stated = {path: want for path, want, _ in planned.differences if want is not None}
    if not stated.keys() <= desired.keys():  # the body stands for several objects, each compared with it
        desired = stated
    found = dict(desired)
    for path, _, there in planned.differences:
        if there is None:
            found.pop(path, None)
        else:
            found[path] = there
    before, after = (list(_lines(_tree(leaves_of))) for leaves_of in (found, desired))
    named = f"{planned.kind} {planned.name}"
    yield from unified_diff(before, after, f"{named} (on the cluster)", f"{named} (desired)", lineterm="")


def _tree(of_paths: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of mappings; an item of a list has its position as its key."""
    tree: dict[str, Any] = {}
    for path, value in of_paths.items():
        *above, last = _STEPS.findall(path)
        at = tree
        for step in above:
            at = at.setdefault(step, {})
        at[last] = value
    return tree


def _lines(value: Any) -> Iterator[str]:
    """Yield a tree as the lines of YAML that a person reads."""
    if not isinstance(value, dict):
        text = "" if value is None else str(value) or '""'
        parts = [part for line in text.split("\n") for part in (_BREAK.split(line) if len(line) > _LONG else [line])]
        yield from (parts if len(parts) == 1 else ["|", *(f"  {part}".rstrip() for part in parts)])
        return
    for key in sorted(value, key=_place):
        first, *rest = _lines(value[key])
        item = key.startswith("[")
        if item:
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
        elif isinstance(value[key], dict):
            yield f"{key}:"
            yield from (f"  {line}" for line in (first, *rest))
        else:
            yield f"{key}: {first}"
            yield from rest


def _place(key: str) -> tuple[int, str]:
    return (int(key[1:-1]), "") if key.startswith("[") else (0, key)
