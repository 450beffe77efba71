"""A dashboard as saved objects of Kibana or OpenSearch Dashboards: data views, visualizations, and the dashboard itself.

A body is the saved object, but for texts that hold JSON, which are given as what they hold: `encoded` makes the texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integration.detection.model import Rule
from integration.names import Namespace
from integration.render.panels import ROW, Panel, Source, notes, panels
from integration.render.templates import events_mapping, risk_template
from integration.render.visualizations import text, visualization

DATA_VIEW, VISUALIZATION, DASHBOARD = "index-pattern", "visualization", "dashboard"
"""The types of saved objects; a data view has had its old name as its type ever since."""
# The versions of the form in which these are written; a newer server brings them up to its own by itself.
_KIBANA = {DATA_VIEW: "8.0.0", VISUALIZATION: "8.5.0", DASHBOARD: "8.7.0"}
_KIBANA_CORE = "8.8.0"
_OPENSEARCH_DASHBOARDS = {DATA_VIEW: "7.6.0", VISUALIZATION: "7.10.0", DASHBOARD: "7.9.3"}
_JSON_TEXTS = frozenset({"searchSourceJSON", "uiStateJSON", "panelsJSON", "optionsJSON", "visState", "typeMeta", "fields"})
_INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"
_HEIGHT = 14
_NOTES_HEIGHT = 9
_NOTES = "notes"
_EVERYTHING = {"query": {"query": "", "language": "kuery"}, "filter": []}
_FIELD_TYPES = {"keyword": "string", "text": "string", "date": "date", "long": "number", "double": "number", "ip": "ip"}
_META_FIELDS = {"_id": "_id", "_index": "_index", "_source": "_source"}


class Ids:
    """The ids of a dashboard's objects: the same each time, and of no other namespace or space.

    A namespace and a key hold no dash. Kibana's ids are unique among all its spaces.
    """

    def __init__(self, owner: str, namespace: Namespace, space: str) -> None:
        self._start = f"{owner}-{namespace.name}-"
        self._end = f"-{space}" if space else ""

    def of(self, key: str) -> str:
        """Return the id of the object with a key."""
        return f"{self._start}{key}{self._end}"

    def __contains__(self, identifier: str) -> bool:
        key = identifier.removeprefix(self._start).removesuffix(self._end)
        return identifier == self.of(key) and "-" not in key


def saved_objects(rules: Sequence[Rule], namespace: Namespace, engine: str, ids: Ids) -> list[dict[str, Any]]:
    """Return the bodies of a dashboard and all that it needs, in the order in which they must be made."""
    shown = panels(rules)
    made = [_data_view(source, rules, namespace, engine, ids) for source in Source]
    made.append(_visualization(_NOTES, text("About this dashboard", notes(namespace)), "What is counted here.", {}, [], ids))
    made += [_panel(panel, ids) for panel in shown]
    made.append(_dashboard(shown, namespace, engine, ids))
    return [{**body, **_version(body["type"], engine)} for body in made]


def _version(kind: str, engine: str) -> dict[str, Any]:
    if engine == "elasticsearch":
        return {"coreMigrationVersion": _KIBANA_CORE, "typeMigrationVersion": _KIBANA[kind]}
    return {"migrationVersion": {kind: _OPENSEARCH_DASHBOARDS[kind]}}


def _data_view(source: Source, rules: Sequence[Rule], namespace: Namespace, engine: str, ids: Ids) -> dict[str, Any]:
    attributes: dict[str, Any] = {"title": source.index(namespace), "timeFieldName": "@timestamp"}
    if engine == "elasticsearch":  # whose Kibana asks for the fields each time, and would refuse while there is no index
        attributes |= {"name": f"Ollama {source.value} ({namespace.name})", "allowNoIndex": True}
    else:
        attributes["fields"] = _fields(source, rules)
    return {"type": DATA_VIEW, "id": ids.of(source.value), "attributes": attributes, "references": []}


def _fields(source: Source, rules: Sequence[Rule]) -> dict[str, Any]:
    """Return the fields as OpenSearch Dashboards keeps them, by name.

    Asked for them, OpenSearch says of a derived field that it is of type `derived`, which no aggregation of Dashboards takes.
    """
    if source is Source.LINES:
        properties = events_mapping(rules, "opensearch")["properties"]
        properties |= {rule.classification.field: {"type": "keyword"} for rule in rules}
    else:
        properties = risk_template(rules)["template"]["mappings"]["properties"]
    fields = {name: _field(mapping) for name, mapping in sorted(_leaves(properties))}
    meta = {name: {"type": "string" if name != "_source" else name, "esTypes": [kind]} for name, kind in _META_FIELDS.items()}
    of_meta = {name: body | _uses(searchable=name != "_source", values=False) for name, body in meta.items()}
    return fields | of_meta


def _field(mapping: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(mapping["type"])
    uses = _uses(searchable=mapping.get("index", True), values=kind != "text")
    return {"type": _FIELD_TYPES[kind], "esTypes": [kind], **uses}


def _uses(*, searchable: bool, values: bool) -> dict[str, Any]:
    return {"count": 0, "scripted": False, "searchable": searchable, "aggregatable": values, "readFromDocValues": values}


def _leaves(properties: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, mapping in properties.items():
        if "properties" in mapping:
            yield from _leaves(mapping["properties"], f"{above}{name}.")
        else:
            yield f"{above}{name}", mapping


def _panel(panel: Panel, ids: Ids) -> dict[str, Any]:
    source = {"query": {"query": panel.query, "language": "lucene"}, "filter": [], "indexRefName": _INDEX}
    references = [{"name": _INDEX, "type": DATA_VIEW, "id": ids.of(panel.source.value)}]
    return _visualization(panel.key, visualization(panel), panel.about, source, references, ids)


def _visualization(
    key: str, state: dict[str, Any], about: str, source: dict[str, Any], references: list[dict[str, Any]], ids: Ids
) -> dict[str, Any]:
    attributes = {
        "title": f"Ollama: {state['title']}",
        "description": about,
        "version": 1,
        "visState": state,
        "uiStateJSON": {},
        "kibanaSavedObjectMeta": {"searchSourceJSON": source},
    }
    return {"type": VISUALIZATION, "id": ids.of(key), "attributes": attributes, "references": references}


def _dashboard(shown: Sequence[Panel], namespace: Namespace, engine: str, ids: Ids) -> dict[str, Any]:
    placed: list[dict[str, Any]] = []
    references: list[dict[str, Any]] = []
    for number, (key, title, grid) in enumerate(_grid(shown), 1):
        index, name = str(number), f"panel_{number}"
        placed.append(
            {
                "version": "7.10.0",
                "type": VISUALIZATION,
                "panelIndex": index,
                "gridData": {**grid, "i": index},
                "embeddableConfig": {},
                "title": title,
                "panelRefName": name,
            }
        )
        # Kibana puts the panel's index before the name; OpenSearch Dashboards does not look there.
        named = f"{index}:{name}" if engine == "elasticsearch" else name
        references.append({"name": named, "type": VISUALIZATION, "id": ids.of(key)})
    attributes = {
        "title": f"Ollama: findings and lines ({namespace.name})",
        "description": "What ollama-detect found, and what Ollama logged.",
        "version": 1,
        "timeRestore": True,
        "timeFrom": "now-7d",
        "timeTo": "now",
        "panelsJSON": placed,
        "optionsJSON": {"useMargins": True, "hidePanelTitles": False},
        "kibanaSavedObjectMeta": {"searchSourceJSON": _EVERYTHING},
    }
    return {"type": DASHBOARD, "id": ids.of("dashboard"), "attributes": attributes, "references": references}


def _grid(shown: Sequence[Panel]) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Yield the key, the title and the place of each panel: from left to right as long as there is room."""
    yield _NOTES, "About this dashboard", {"x": 0, "y": 0, "w": ROW, "h": _NOTES_HEIGHT}
    left, top = 0, _NOTES_HEIGHT
    for panel in shown:
        if left + panel.width > ROW:
            left, top = 0, top + _HEIGHT
        yield panel.key, panel.title, {"x": left, "y": top, "w": panel.width, "h": _HEIGHT}
        left += panel.width


def encoded(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body as it goes over the wire: JSON within texts, and fields as a list."""
    return {key: _encoded(key, value) for key, value in body.items()}


def _encoded(key: str, value: Any) -> Any:
    if key == "fields":
        value = [{"name": name, **field} for name, field in value.items()]
    if key in _JSON_TEXTS:
        return json.dumps(value, ensure_ascii=False)
    return encoded(value) if isinstance(value, dict) else value


def decoded(found: Any) -> Any:
    """Return an object that was read as a body; what is not of that form, as somebody else's object may be, stays as it is."""
    if not isinstance(found, dict):
        return found
    return {key: _decoded(key, value) for key, value in found.items()}


def _decoded(key: str, value: Any) -> Any:
    if key not in _JSON_TEXTS or not isinstance(value, str):
        return decoded(value)
    try:
        held = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if key == "fields" and isinstance(held, list):
        return {str(each.get("name")): {k: v for k, v in each.items() if k != "name"} for each in held if isinstance(each, dict)}
    return held
