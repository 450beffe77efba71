"""A dashboard's saved objects: their form, what refers to what, and that every field is one that may be used so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.commands.export import ENGINES
from integration.detection.loading import load_rules
from integration.names import Namespace
from integration.render.panels import ROW, panels
from integration.render.saved_objects import DASHBOARD, DATA_VIEW, VISUALIZATION, Ids, decoded, encoded, saved_objects
from tests.support.builders import RULE
from tests.support.fake_saved_objects import KIBANA, OPENSEARCH_DASHBOARDS, RefusedObject, check_saved_object

RULES = load_rules()
NAMESPACE = Namespace("prod")
PRODUCTS = {"elasticsearch": KIBANA, "opensearch": OPENSEARCH_DASHBOARDS}
# The types of fields that each aggregation takes, in both products' sources.
TAKES = {
    "terms": {"string", "number", "date", "ip", "boolean"},
    "date_histogram": {"date"},
    "max": {"number", "date"},
}


def made(engine: str, kind: str = "") -> list[dict[str, Any]]:
    bodies = saved_objects(RULES, NAMESPACE, engine, Ids("owner", NAMESPACE, ""))
    return [body for body in bodies if kind in ("", body["type"])]


def aggregations(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The kind and the field of each aggregation of a visualization that has one."""
    for each in body["attributes"]["visState"]["aggs"]:
        if "field" in each["params"]:
            yield each["type"], each["params"]["field"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_object_is_one_that_the_import_takes(engine: str) -> None:
    bodies = made(engine)
    assert len({body["id"] for body in bodies}) == len(bodies) == len(panels(RULES)) + 4
    for body in bodies:
        wire = encoded(body)
        check_saved_object(wire, PRODUCTS[engine])
        assert decoded(json.loads(json.dumps(wire))) == body


@pytest.mark.parametrize("engine", ENGINES)
def test_the_other_product_would_refuse_it(engine: str) -> None:
    (other,) = PRODUCTS.keys() - {engine}
    for body in made(engine):
        with pytest.raises(RefusedObject):
            check_saved_object(encoded(body), PRODUCTS[other])


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_referred_to_is_made_before(engine: str) -> None:
    before: set[tuple[str, str]] = set()
    for body in made(engine):
        assert {(each["type"], each["id"]) for each in body["references"]} <= before
        before.add((body["type"], body["id"]))


def test_dashboards_may_use_each_field_as_the_panel_does() -> None:
    """OpenSearch Dashboards looks up each field in the data view before it asks, and refuses one of another kind."""
    fields = {view["id"]: view["attributes"]["fields"] for view in made("opensearch", DATA_VIEW)}
    used = 0
    for body in made("opensearch", VISUALIZATION):
        for kind, name in aggregations(body):
            described = fields[body["references"][0]["id"]][name]
            assert described["aggregatable"]
            assert described["type"] in TAKES[kind]
            used += 1
    assert used > len(panels(RULES))


def test_both_products_show_the_same() -> None:
    states = [[body["attributes"]["visState"] for body in made(engine, VISUALIZATION)] for engine in ENGINES]
    assert states[0] == states[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_dashboard_shows_every_panel_once_and_none_over_another(engine: str) -> None:
    (dashboard,) = made(engine, DASHBOARD)
    placed = dashboard["attributes"]["panelsJSON"]
    prefixed = {
        f"{each['panelIndex']}:{each['panelRefName']}" if engine == "elasticsearch" else each["panelRefName"] for each in placed
    }
    assert {each["name"] for each in dashboard["references"]} == prefixed
    assert {each["id"] for each in dashboard["references"]} == {body["id"] for body in made(engine, VISUALIZATION)}
    cells = [
        (x, y)
        for grid in (each["gridData"] for each in placed)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < ROW


def test_rules_that_share_a_field_share_its_panels() -> None:
    other = RULE.model_copy(update={"id": "other", "name": "Other"})
    assert [panel.key for panel in panels([RULE, other])] == [panel.key for panel in panels([RULE])]
    assert {panel.key for panel in panels(RULES)} - {panel.key for panel in panels([RULE])}


@pytest.mark.parametrize(("namespace", "space"), [("default", ""), ("a_b.c", "my-space"), ("default", "hosts")])
def test_ids_are_of_one_namespace_and_space(namespace: str, space: str) -> None:
    ids = Ids("owner", Namespace(namespace), space)
    assert ids.of("hosts") in ids
    for other in (
        Ids("owner", Namespace("other"), space),
        Ids("owner", Namespace(namespace), "other"),
        Ids("me", Namespace("x"), ""),
    ):
        assert other.of("hosts") not in ids
        assert ids.of("hosts") not in other
    assert "somebody-elses" not in ids


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whatever_stands_in_an_object_of_somebody_elses_can_be_read(value: Any) -> None:
    for key in ("fields", "visState", "attributes"):
        decoded({key: value, "attributes": {key: json.dumps(value), "panelsJSON": str(value)}})
