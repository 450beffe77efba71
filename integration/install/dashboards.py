"""A dashboard as managed objects: saved objects of Kibana, or of OpenSearch Dashboards, by their import API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from integration.detection.model import Rule
from integration.engines.front_end import FrontEnd
from integration.errors import ClusterError, InputError, NotFoundError
from integration.install.comparison import Difference, changes
from integration.install.deployment import Deployment
from integration.install.objects import Connections, Leftover, ManagedObject
from integration.install.ownership import OWNER, has_tag, has_tag_text, shared_tag, shared_tag_text
from integration.names import Namespace
from integration.render.saved_objects import DASHBOARD, DATA_VIEW, VISUALIZATION, Ids, decoded, encoded, saved_objects

_API = "/api/saved_objects"
_FILE = "detect.ndjson"  # both refuse a file of another extension
_OPTIONS = {"elasticsearch": "--kibana-url or DETECT_KIBANA_URL", "opensearch": "--dashboards-url or DETECT_DASHBOARDS_URL"}
_NAMES = {"elasticsearch": "Kibana", "opensearch": "OpenSearch Dashboards"}
_HEADERS = {"elasticsearch": "kbn-xsrf", "opensearch": "osd-xsrf"}
_REFERENCES = (DATA_VIEW, VISUALIZATION)


class SavedObject(ManagedObject):
    """One saved object. Visualizations and dashboards bear the ownership tag in their description, data views in `typeMeta`.

    What a server or a person adds beside our keys is not a difference: servers bring objects up to their own form.
    """

    def __init__(self, body: dict[str, Any], engine: str) -> None:
        self.name: str = body["id"]
        self._body = body
        self._engine = engine

    @property
    def body(self) -> dict[str, Any]:
        """The saved object, with what its JSON texts hold in their place."""
        return self._body

    @property
    def line(self) -> str:
        """The saved object as a line of a file that can be imported."""
        return f"{json.dumps(encoded(self._body), ensure_ascii=False)}\n"

    @property
    def request(self) -> str:
        """The request that imports the object from a file."""
        return import_request(self._engine)

    @property
    def _path(self) -> str:
        return f"{_API}/{self._body['type']}/{quote(self.name, safe='')}"

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the object."""
        found = front_end_of(connections).get(self._path)
        return None if found is None else decoded(found)

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Import the object over the one that is there; no import can be made to depend on what was read."""
        front_end = front_end_of(connections)
        answer = front_end.upload(f"{_API}/_import", _FILE, self.line, {"overwrite": "true"})
        if answer.get("success") is not True:
            raise ClusterError(f"{front_end.url} did not import the {self.kind} {self.name!r}: {json.dumps(answer.get('errors'))}")
        other = [each["destinationId"] for each in answer.get("successResults", ()) if "destinationId" in each]
        if other:
            raise ClusterError(
                f"{front_end.url} has another space's object of the id {self.name!r} and so made {self.kind} {other[0]!r}: "
                "delete both there"
            )

    def delete(self, connections: Connections, _found: dict[str, Any]) -> None:
        """Delete the object."""
        with suppress(NotFoundError):
            front_end_of(connections).send("DELETE", self._path)

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the ownership tag."""
        attributes = found.get("attributes")
        return isinstance(attributes, dict) and (has_tag(attributes.get("typeMeta")) or has_tag_text(attributes.get("description")))

    def compare(self, found: dict[str, Any]) -> Iterable[Difference]:
        """Yield where a key of ours differs; of a field only the type is ours, of references those to our kinds of objects."""
        return changes(_comparable(self.body), _comparable(found))


class DataView(SavedObject):
    """What visualizations read: an index, and how its fields may be used."""

    kind = "data view"


class Visualization(SavedObject):
    """One panel."""

    kind = "visualization"


class Dashboard(SavedObject):
    """The dashboard itself."""

    kind = "dashboard"


_KINDS: dict[str, type[SavedObject]] = {DATA_VIEW: DataView, VISUALIZATION: Visualization, DASHBOARD: Dashboard}


def dashboard_objects(rules: Sequence[Rule], deployment: Deployment, engine: str, space: str = "") -> list[SavedObject]:
    """Return everything of a namespace's dashboard, in the order in which it must be made; `space` is a front end's.

    `InputError` for an index of the user's own, whose fields and tags are others.
    """
    if deployment.index is not None:
        raise InputError(f"the dashboard shows the namespace's own data streams, not {deployment.index!r}: leave --dashboards out")
    bodies = saved_objects(rules, deployment.namespace, engine, Ids(OWNER, deployment.namespace, space))
    return [_KINDS[body["type"]](_tagged(body, rules), engine) for body in bodies]


def import_request(engine: str) -> str:
    """Return the request that imports a file of saved objects."""
    return f"POST {_API}/_import?overwrite=true ({_NAMES[engine]}; multipart, header {_HEADERS[engine]})"


def front_end_of(connections: Connections) -> FrontEnd:
    """Return what keeps an engine's dashboards; `InputError` when its address is not known."""
    engine = connections.engine.name
    found = connections.kibana if engine == "elasticsearch" else connections.dashboards
    if found is None:
        raise InputError(f"dashboards over {engine} need the address of {_NAMES[engine]}: {_OPTIONS[engine]}")
    return found


def unused_panels(connections: Connections, namespace: Namespace, desired: Sequence[SavedObject]) -> Iterator[Leftover]:
    """Yield the visualizations of ours that the dashboard, as it is there, still shows, and that no rule needs any more."""
    names, ids = {each.name for each in desired}, Ids(OWNER, namespace, front_end_of(connections).space)
    there = desired[-1].fetch(connections)
    if there is None or not desired[-1].is_ours(there):
        return
    for reference in _references(there):
        identifier = str(reference.get("id"))
        if identifier in names or identifier not in ids:
            continue
        unused = Visualization({"type": VISUALIZATION, "id": identifier}, connections.engine.name)
        found = unused.fetch(connections)
        if found is not None and unused.is_ours(found):
            yield Leftover(unused.kind, unused.name, "", partial(unused.delete, connections, found))


def _tagged(body: dict[str, Any], rules: Sequence[Rule]) -> dict[str, Any]:
    attributes = body["attributes"]
    tag: dict[str, Any]
    if body["type"] == DATA_VIEW:
        tag = {"typeMeta": shared_tag(body, rules)}
    else:
        tag = {"description": f"{attributes['description']} {shared_tag_text(body, rules)}"}
    return body | {"attributes": attributes | tag}


def _comparable(body: dict[str, Any]) -> dict[str, Any]:
    attributes = body.get("attributes")
    if isinstance(attributes, dict) and isinstance(attributes.get("fields"), dict):
        types = {name: field.get("type") for name, field in attributes["fields"].items() if isinstance(field, dict)}
        attributes = attributes | {"fields": types}
    references = {str(each.get("name")): {"type": each.get("type"), "id": each.get("id")} for each in _references(body)}
    return {"attributes": attributes, "references": references}


def _references(body: dict[str, Any]) -> list[dict[str, Any]]:
    found = body.get("references")
    return [each for each in found if isinstance(each, dict) and each.get("type") in _REFERENCES] if isinstance(found, list) else []
