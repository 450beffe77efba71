"""Dashboards as managed objects, against servers as strict as Kibana and OpenSearch Dashboards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.engines.dashboards import Dashboards
from integration.engines.front_end import FrontEnd
from integration.engines.kibana import Kibana
from integration.errors import ClusterError, ConflictError, InputError
from integration.install.dashboards import SavedObject, dashboard_objects, front_end_of, unused_panels
from integration.install.deployment import Deployment
from integration.install.objects import Connections
from integration.install.plan import Planned, State, apply, plan
from integration.install.removal import removals, remove
from integration.names import Namespace
from tests.support.builders import RULE
from tests.support.fake_cluster import ELASTICSEARCH, OPENSEARCH, Answer, FakeCluster
from tests.support.fake_dashboards import PASSWORD, PRIVATE, USER, FakeDashboards
from tests.support.fake_kibana import API_KEY, FakeKibana
from tests.support.fake_saved_objects import SavedObjects

RULES = load_rules()
NAMESPACE = Namespace("prod")
DEPLOYMENT = Deployment(NAMESPACE)


@dataclass
class Place:
    """One of the two, and the objects that it keeps in one space or tenant; the cluster behind it is not asked."""

    on: Connections
    kept: SavedObjects
    space: str

    @property
    def front_end(self) -> FrontEnd:
        return front_end_of(self.on)

    def objects(self, rules: Sequence[Rule] = RULES, deployment: Deployment = DEPLOYMENT) -> list[SavedObject]:
        return dashboard_objects(rules, deployment, self.on.engine.name, self.front_end.space)

    def planned(self, **wanted: Any) -> list[Planned]:
        return plan(self.on, self.objects(**wanted))

    def states(self, **wanted: Any) -> set[State]:
        return {each.state for each in self.planned(**wanted)}

    def install(self, force: bool = False, **wanted: Any) -> list[str]:
        actions: list[str] = []
        made = self.objects(**wanted)
        unused = list(unused_panels(self.on, NAMESPACE, made))
        apply(self.on, plan(self.on, made), leftovers=unused, force=force, on_step=lambda step: actions.append(step.action))
        return actions

    def uninstall(self) -> list[str]:
        actions: list[str] = []
        planned = removals(self.on, [], list(reversed(self.objects())), [], NAMESPACE, delete_data=False)
        remove([each for each in planned if "data stream" not in each.step.kind], lambda step: actions.append(step.action))
        return actions

    def stored(self, identifier: str) -> dict[str, Any]:
        """An object as it is kept, to look at it or to change it there."""
        (found,) = [body for (where, _, each), body in self.kept.kept.items() if (where, each) == (self.space, identifier)]
        return found

    def change(self, identifier: str, text: str, edit: Callable[[Any], object]) -> None:
        """Change what a text of JSON of an object holds, as somebody does who uses the editor."""
        attributes = self.stored(identifier)["attributes"]
        held = json.loads(attributes[text])
        edit(held)
        attributes[text] = json.dumps(held)


@pytest.fixture(params=["kibana", "dashboards"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with (
        FakeCluster(ELASTICSEARCH if request.param == "kibana" else OPENSEARCH) as cluster,
        connect(Connection(cluster.url)) as engine,
    ):
        if request.param == "kibana":
            fake_kibana: FakeKibana = request.getfixturevalue("fake_kibana")
            yield Place(Connections(engine, request.getfixturevalue("kibana")), fake_kibana.objects, "default")
        else:
            fake: FakeDashboards = request.getfixturevalue("fake_dashboards")
            yield Place(Connections(engine, None, request.getfixturevalue("dashboards")), fake.objects, "global")


def identifier(place: Place, key: str) -> str:
    (found,) = [each.name for each in place.objects() if each.name.split("-")[3] == key]
    return found


def test_everything_is_made_once_and_goes_again(place: Place) -> None:
    count = len(place.objects())
    assert place.states() == {State.MISSING}
    assert place.install() == ["created"] * count
    assert place.states() == {State.SAME}
    changes = place.kept.changes
    assert place.install() == ["unchanged"] * count
    assert place.kept.changes == changes
    assert {where for where, _, _ in place.kept.kept} == {place.space}
    assert place.uninstall() == ["deleted"] * count
    assert not place.kept.kept
    assert place.uninstall() == ["was not there"] * count


def test_what_somebody_changed_is_drift_and_is_mended(place: Place) -> None:
    place.install()
    hosts = identifier(place, "hosts")
    place.change(hosts, "visState", lambda state: state["aggs"][1]["params"].update(field="risk.object"))
    (drifted,) = [each for each in place.planned() if each.state is State.DRIFTED]
    assert (drifted.name, [path for path, _, _ in drifted.differences]) == (hosts, ["attributes.visState.aggs[1].params.field"])
    assert sorted(place.install())[-1] == "updated"
    assert place.states() == {State.SAME}


def test_what_is_added_beside_ours_is_no_drift_and_stays(place: Place) -> None:
    """The server's own form, a panel of the user's, a tag of Kibana's, fields that are counted: none of it is ours."""
    place.install()
    dashboard = identifier(place, "dashboard")
    place.change(dashboard, "panelsJSON", lambda panels: panels.append({"panelIndex": "99", "panelRefName": "panel_99"}))
    place.stored(dashboard)["references"] += [
        {"name": "panel_99", "type": "visualization", "id": "theirs"},
        {"name": "tag-ref-1", "type": "tag", "id": "1"},
    ]
    place.stored(identifier(place, "lines"))["attributes"]["fieldFormatMap"] = "{}"
    changes = place.kept.changes
    assert place.states() == {State.SAME}
    place.install()
    assert place.kept.changes == changes


def test_a_field_list_that_was_asked_for_anew_is_drift(dashboards: Dashboards, fake_dashboards: FakeDashboards) -> None:
    """OpenSearch says of a derived field that it is derived, and no aggregation of Dashboards takes such a one."""
    with FakeCluster(OPENSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        place = Place(Connections(engine, None, dashboards), fake_dashboards.objects, "global")
        place.install()
        lines = identifier(place, "lines")
        place.change(lines, "fields", lambda fields: [each.update(count=7) for each in fields])
        assert place.states() == {State.SAME}

        def refreshed(fields: list[dict[str, Any]]) -> None:
            next(each for each in fields if each["name"] == "error_type")["type"] = "unknown"
            fields.append({"name": "theirs", "type": "string"})

        place.change(lines, "fields", refreshed)
        (drifted,) = [each for each in place.planned() if each.state is State.DRIFTED]
        assert [path for path, _, _ in drifted.differences] == ["attributes.fields.error_type"]


@pytest.mark.parametrize("attributes", [{"title": "theirs"}, {"title": "theirs", "visState": "{"}, None, {"fields": '["x"]'}])
def test_an_object_of_somebody_else_is_left_alone(place: Place, attributes: dict[str, Any] | None) -> None:
    hosts = identifier(place, "hosts")
    theirs = {"type": "visualization", "id": hosts, "attributes": attributes, "references": "none"}
    place.kept.kept[place.space, "visualization", hosts] = theirs
    with pytest.raises(InputError, match=f"visualization '{hosts}' on the cluster bears no ownership tag of detect"):
        place.install()
    assert place.kept.changes == 0
    assert "left alone: no ownership tag of detect" in place.uninstall()
    assert place.stored(hosts) == theirs
    assert "replaced" in place.install(force=True)


def test_panels_of_a_rule_that_is_no_more_go(place: Place) -> None:
    place.install()
    before = {each.name for each in place.objects()}
    gone = before - {each.name for each in place.objects(rules=[RULE])}
    actions = place.install(rules=[RULE])
    assert (actions.count("deleted"), len(gone)) == (2, 2)
    assert {each for _, _, each in place.kept.kept} == before - gone
    assert place.states(rules=[RULE]) == {State.SAME}


def test_a_change_at_the_same_moment_is_not_lost(place: Place) -> None:
    place.install()
    hosts = identifier(place, "hosts")
    place.change(hosts, "visState", lambda state: state["aggs"].pop())
    planned = place.planned()
    place.change(hosts, "visState", lambda state: state["aggs"].pop())
    with pytest.raises(ConflictError, match="was changed since it was compared"):
        apply(place.on, planned, on_step=lambda _: None)


def test_what_the_import_refuses_is_told(place: Place) -> None:
    """Without its data view, a visualization is not imported; the answer has status 200 all the same."""
    hosts = next(each for each in place.objects() if each.name == identifier(place, "hosts"))
    with pytest.raises(ClusterError, match=f"did not import the visualization '{hosts.name}': .*missing_references"):
        hosts.put(place.on, None)


def test_spaces_of_one_kibana_do_not_share_objects(fake_kibana: FakeKibana) -> None:
    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        for space in ("default", "soc"):
            with Kibana(Connection(fake_kibana.url, api_key=API_KEY), space) as kibana:
                place = Place(Connections(engine, kibana), fake_kibana.objects, space)
                place.install()
                assert place.states() == {State.SAME}
        stolen = dashboard_objects(RULES, DEPLOYMENT, "elasticsearch", "default")[0]
        with (
            Kibana(Connection(fake_kibana.url, api_key=API_KEY), "soc") as kibana,
            pytest.raises(ClusterError, match="has another space's object of the id"),
        ):
            stolen.put(Connections(engine, kibana), None)


def test_objects_go_to_the_tenant_that_is_named(fake_dashboards: FakeDashboards) -> None:
    with FakeCluster(OPENSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        for tenant in ("global", "soc"):
            with Dashboards(Connection(fake_dashboards.url, username=USER, password=PASSWORD), tenant) as front_end:
                Place(Connections(engine, None, front_end), fake_dashboards.objects, tenant).install()
    assert {where for where, _, _ in fake_dashboards.objects.kept} == {"global", "soc"}
    assert PRIVATE not in {where for where, _, _ in fake_dashboards.objects.kept}


@pytest.mark.parametrize("tenant", ["", "a\r\nosd-xsrf: x", "mängel"])
def test_a_tenant_that_no_header_can_carry_is_refused(tenant: str) -> None:
    with pytest.raises(InputError, match="--tenant"):
        Dashboards(Connection("http://127.0.0.1:9"), tenant)


def test_without_an_address_the_message_names_the_option() -> None:
    for root, option in ((ELASTICSEARCH, "--kibana-url"), (OPENSEARCH, "--dashboards-url")):
        with (
            FakeCluster(root) as cluster,
            connect(Connection(cluster.url)) as engine,
            pytest.raises(InputError, match=option),
        ):
            front_end_of(Connections(engine))


def test_an_index_of_the_user_s_own_has_no_dashboard() -> None:
    with pytest.raises(InputError, match="not 'theirs-\\*'"):
        dashboard_objects(RULES, Deployment(NAMESPACE, "theirs-*"), "opensearch")


def test_the_address_of_the_cluster_is_not_that_of_what_stands_before_it() -> None:
    words = "no handler found for uri [/api/status] and method [GET]"
    with FakeCluster() as cluster, Dashboards(Connection(cluster.url)) as front_end:
        cluster.on("GET", "/api/status", Answer({"error": words}, 400))
        with pytest.raises(
            ClusterError, match="is a cluster, not what stands in front of one: check --kibana-url and --dashboards-url"
        ):
            front_end.check()
        cluster.on("GET", "/api/status", Answer({"error": "other"}, 401))
        with pytest.raises(ClusterError, match="does not accept these credentials"):
            front_end.check()
