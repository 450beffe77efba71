"""Logs in OTLP's JSON, as the OpenTelemetry Collector's file exporter writes them: records in what they share."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from integration.log.shippers import members_once

_INTEGER: Final = re.compile("-?[0-9]{1,19}")


def log_records(batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each log record of a batch with its `resource` and its `scope`, values and attributes as plain JSON.

    What is no value of OTLP stays as it is. A resource or a scope without records stands by itself. `ValueError` where a batch has
    another form.
    """
    for of_resource in _objects(batch.get("resourceLogs", []), "resourceLogs"):
        resource = _with_outer(of_resource, "resource", "scopeLogs")
        for of_scope in _objects(of_resource.get("scopeLogs", []), "scopeLogs"):
            scope = _with_outer(of_scope, "scope", "logRecords")
            for record in _objects(of_scope.get("logRecords", []), "logRecords"):
                yield members_once([*_plain_members(record).items(), ("resource", resource), ("scope", scope)])


def _objects(found: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects in a list; one that is empty has an empty one."""
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"{name} is no list of objects")
    return found or [{}]


def _with_outer(outer: Mapping[str, Any], name: str, inner: str) -> dict[str, Any]:
    """Return an object of a batch with what stands beside it, such as the URL of its schema."""
    (found,) = _objects([outer.get(name, {})], name)
    beside = [(key, value) for key, value in outer.items() if key not in (name, inner)]
    return members_once([*_plain_members(found).items(), *beside])


def _plain_members(members: Mapping[str, Any]) -> dict[str, Any]:
    readers = {"attributes": _plain_pairs, "body": _plain}
    return {name: readers[name](value) if name in readers else value for name, value in members.items()}


def _plain_pairs(pairs: Any) -> Any:
    """Return the object of a list of keys and values, where each is there once."""
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) and pair.keys() <= {"key", "value"} for pair in pairs):
        return pairs
    found = {key: _plain(pair.get("value")) for pair in pairs if isinstance(key := pair.get("key"), str)}
    return found if len(found) == len(pairs) else pairs


def _plain(value: Any) -> Any:
    """Return what a value of OTLP holds; one that holds nothing is none."""
    if not isinstance(value, dict) or len(value) > 1:
        return value
    for kind, held in value.items():
        match kind:
            case "stringValue" | "boolValue" | "doubleValue":
                return held
            case "intValue":
                return int(held) if isinstance(held, str) and _INTEGER.fullmatch(held) else held
            case "bytesValue" if isinstance(held, str):
                return b64decode(held, validate=True).decode(errors="replace")
            case "arrayValue" if isinstance(held, dict) and held.keys() <= {"values"}:
                values = held.get("values", [])
                return [_plain(each) for each in values] if isinstance(values, list) else value
            case "kvlistValue" if isinstance(held, dict) and held.keys() <= {"values"}:
                return _plain_pairs(held.get("values", []))
            case _:
                return value
    return None
