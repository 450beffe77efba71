"""Saved objects as Kibana and OpenSearch Dashboards keep them: what their import refuses, and what it makes of the rest.

The keys and types of attributes are those of the schemas (Kibana) and of the strict mappings (OpenSearch Dashboards) in their
public sources, and so are the newest versions of the forms.
"""

from __future__ import annotations

import email
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import unquote

from tests.support.fake_cluster import Answer, Request

_JSON_TEXTS = ("visState", "uiStateJSON", "panelsJSON", "optionsJSON", "fields", "typeMeta")
_SOURCE = {"searchSourceJSON": str}
_VISUALIZATION: dict[str, Any] = {
    **dict.fromkeys(("title", "description", "visState", "uiStateJSON", "savedSearchRefName"), str),
    "version": int,
    "kibanaSavedObjectMeta": _SOURCE,
}
_REFRESH = {"pause": bool, "value": int, "display": str, "section": int}
_DASHBOARD: dict[str, Any] = {
    **dict.fromkeys(("title", "description", "panelsJSON", "optionsJSON", "timeFrom", "timeTo"), str),
    "timeRestore": bool,
    **dict.fromkeys(("hits", "version"), int),
    "refreshInterval": _REFRESH,
    "kibanaSavedObjectMeta": _SOURCE,
}
# A data view has no schema in either; these are the attributes that their code reads.
_DATA_VIEW: dict[str, Any] = {
    **dict.fromkeys(("title", "timeFieldName", "fields", "typeMeta", "type", "sourceFilters", "fieldFormatMap"), str),
}
_OF_KIBANA: dict[str, Any] = {
    **dict.fromkeys(("name", "fieldAttrs", "runtimeFieldMap"), str),
    **dict.fromkeys(("allowNoIndex", "allowHidden"), bool),
}
_VALIDATED = ("index-pattern", "search")
"""The types of references that must be there."""


@dataclass(frozen=True)
class Product:
    """What one of the two takes. `shared` says that an id is taken in every space once it is in one."""

    attributes: Mapping[str, Mapping[str, Any]]
    newest: Mapping[str, str]
    marks: frozenset[str]
    shared: bool


KIBANA = Product(
    {"index-pattern": _DATA_VIEW | _OF_KIBANA, "visualization": _VISUALIZATION, "dashboard": _DASHBOARD},
    {"index-pattern": "8.0.0", "visualization": "8.5.0", "dashboard": "10.3.0"},
    frozenset({"coreMigrationVersion", "typeMigrationVersion"}),
    shared=True,
)
OPENSEARCH_DASHBOARDS = Product(
    {"index-pattern": _DATA_VIEW, "visualization": _VISUALIZATION, "dashboard": _DASHBOARD},
    {"index-pattern": "7.6.0", "visualization": "7.10.0", "dashboard": "7.9.3"},
    frozenset({"migrationVersion"}),
    shared=False,
)


class RefusedObject(Exception):  # noqa: N818 - what the import says of one object, not of the request
    """Why an object is not imported."""

    def __init__(self, kind: str, **details: Any) -> None:
        super().__init__(f"{kind}: {details}")
        self.error = {"type": kind, **details}


def check_saved_object(saved: dict[str, Any], product: Product) -> None:
    """Refuse an object as the import does."""
    if saved["type"] not in product.attributes:
        raise RefusedObject("unsupported_type")
    if not {"type", "id", "attributes", "references"} | product.marks == saved.keys():
        raise RefusedObject("unknown", message=f"keys {sorted(saved)}", statusCode=400)
    marked = saved.get("typeMigrationVersion") or saved["migrationVersion"][saved["type"]]
    if _numbers(marked) > _numbers(product.newest[saved["type"]]):
        raise RefusedObject("unknown", message="Document belongs to a more recent version", statusCode=400)
    _check_attributes(saved["attributes"], product.attributes[saved["type"]])
    for name in _JSON_TEXTS:
        json.loads(saved["attributes"].get(name, "0"))
    json.loads(saved["attributes"].get("kibanaSavedObjectMeta", {"searchSourceJSON": "0"})["searchSourceJSON"])
    for reference in saved["references"]:
        assert reference.keys() == {"name", "type", "id"}


def _check_attributes(attributes: Mapping[str, Any], known: Mapping[str, Any], above: str = "") -> None:
    for key, value in attributes.items():
        kind = known.get(key)
        if isinstance(kind, Mapping) and isinstance(value, dict):
            _check_attributes(value, kind, f"{above}{key}.")
        elif kind is None or isinstance(kind, Mapping) or type(value) is not kind:
            raise RefusedObject("unknown", message=f"[attributes.{above}{key}]: definition is missing, or its type", statusCode=400)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@dataclass
class SavedObjects:
    """The saved objects of a server, by space (or tenant), type and id."""

    product: Product
    kept: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    changes: int = 0

    def answer(self, request: Request, space: str, path: str) -> Answer:
        """Answer a request whose path begins with `/api/saved_objects`."""
        if (request.method, path) == ("POST", "/api/saved_objects/_import"):
            return self._import(request, space)
        named = re.fullmatch(r"/api/saved_objects/([^/]+)/(.+)", path)
        assert named is not None, f"{request} is not known here"
        place = (space, named[1], unquote(named[2]))
        if place not in self.kept:
            message = f"Saved object [{named[1]}/{named[2]}] not found"
            return Answer({"statusCode": 404, "error": "Not Found", "message": message}, 404)
        if request.method == "DELETE":
            del self.kept[place]
            return Answer({})
        assert request.method == "GET"
        return Answer(self.kept[place])

    def _import(self, request: Request, space: str) -> Answer:
        form = email.message_from_bytes(f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode() + request.body)
        assert form.is_multipart(), "the import takes a form"
        parts = form.get_payload()
        assert isinstance(parts, list)
        (part,) = parts
        assert isinstance(part, Message)
        assert part.get_param("name", header="content-disposition") == "file"
        if not str(part.get_filename()).endswith(".ndjson"):
            return Answer({"statusCode": 400, "error": "Bad Request", "message": "Invalid file extension"}, 400)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        saved = [json.loads(line) for line in content.decode().splitlines()]
        errors = [error for each in saved if (error := self._fault(each, space, saved, request.query.get("overwrite") == "true"))]
        if errors:
            return Answer({"success": False, "successCount": 0, "errors": errors})
        return Answer({"success": True, "successCount": len(saved), "successResults": [self._keep(each, space) for each in saved]})

    def _fault(self, saved: dict[str, Any], space: str, beside: list[dict[str, Any]], overwrite: bool) -> dict[str, Any] | None:
        named = {key: saved[key] for key in ("type", "id")}
        try:
            check_saved_object(saved, self.product)
        except RefusedObject as refusal:
            return named | {"error": refusal.error}
        there = {(kind, identifier) for where, kind, identifier in self.kept if where == space}
        there |= {(each["type"], each["id"]) for each in beside}
        missing = [r for r in saved["references"] if r["type"] in _VALIDATED and (r["type"], r["id"]) not in there]
        if missing:
            return named | {"error": {"type": "missing_references", "references": missing}}
        if (space, saved["type"], saved["id"]) in self.kept and not overwrite:
            return named | {"error": {"type": "conflict"}}
        return None

    def _keep(self, saved: dict[str, Any], space: str) -> dict[str, Any]:
        self.changes += 1
        kind, identifier = saved["type"], saved["id"]
        elsewhere = any((k, i) == (kind, identifier) and where != space for where, k, i in self.kept)
        result = {"type": kind, "id": identifier, "meta": {"title": saved["attributes"].get("title")}, "overwrite": True}
        if elsewhere and self.product.shared:
            identifier = result["destinationId"] = f"made-{self.changes}"
        self.kept[space, kind, identifier] = saved | {"id": identifier} | self._added(saved)
        return result

    def _added(self, saved: dict[str, Any]) -> dict[str, Any]:
        """What the server adds: times, versions, and a form of its own."""
        added: dict[str, Any] = {"updated_at": "2026-11-24T09:00:00.000Z", "version": f"WzEs{self.changes}"}
        if not self.product.shared:
            return added | {"namespaces": ["default"]}
        attributes = dict(saved["attributes"])
        if "visState" in attributes:  # as the migrations of later versions do it
            state = json.loads(attributes["visState"])
            attributes["visState"] = json.dumps({**state, "params": {**state["params"], "legendSize": "auto"}})
        newest = self.product.newest[saved["type"]]
        return added | {"attributes": attributes, "typeMigrationVersion": newest, "managed": False}
