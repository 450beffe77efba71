"""Where Fleet or a user manages the template of the data stream: its hooks have what is ours, and nothing of theirs is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.install.objects import Connections
from integration.install.plan import State, plan
from integration.install.shared_objects import abandoned, shared_objects
from integration.install.streams import component_template, streams_of
from integration.names import SERVER
from tests.support import fleet
from tests.support.cli import detect
from tests.support.installing import install_objects, install_shared, state_of

LINE = 'time=2026-11-24T09:00:00Z level=ERROR source=server.go:1 msg="llama runner" err="exit status 2"'
SPAN = ("--from", "2026-11-24", "--to", "2026-11-25")
USERS_PIPELINE: dict[str, Any] = {"description": "mine", "processors": [{"set": {"field": "rack", "value": "r7"}}]}
USERS_TEMPLATE: dict[str, Any] = {
    "template": {"mappings": {"properties": {"rack": {"type": "keyword"}, "event": {"properties": {"kind": {"type": "keyword"}}}}}},
    "_meta": {"team": "search"},
}
TIME = "2026-11-24T09:00:00Z"
_names = count()


@pytest.fixture(scope="module")
def fleets(engine: Engine) -> Iterator[Engine | None]:
    """An Elasticsearch on which Fleet has its package in place of ours; None on OpenSearch, which Fleet does not know."""
    if engine.name == "opensearch":
        yield None
        return
    assert detect("uninstall", "--url", engine.url).code == 0
    fleet.install(engine)
    try:
        yield engine
    finally:
        install_shared(engine, load_rules(), force=True)
        fleet.remove(engine)


@pytest.fixture
def managed(fleets: Engine | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine | None]:
    """The same with empty hooks."""
    if fleets is None:
        yield None
        return
    monkeypatch.setenv("DETECT_URL", fleets.url)
    monkeypatch.setenv("DETECT_NAMESPACE", f"fleet{next(_names)}")
    try:
        yield fleets
    finally:
        fleet.install(fleets)
        assert detect("uninstall").code == 0
        if fleets.get_pipeline(SERVER.custom) is not None:
            fleets.request("DELETE", f"/_ingest/pipeline/{SERVER.custom}")
        if component_template(fleets, SERVER.custom) is not None:
            fleets.request("DELETE", f"/_component_template/{SERVER.custom}")


def stream() -> str:
    return f"{SERVER.template}-fleet{next(_names)}"


def store(engine: Engine, index: str, *documents: dict[str, Any]) -> list[dict[str, Any]]:
    """Store documents as an agent does, and read all that the data stream has then."""
    results = engine.bulk_create(index, [(f"{next(_names)}", json.dumps({"@timestamp": TIME} | each)) for each in documents])
    assert [result.reason for result in results if not result.ok] == []
    engine.refresh(index)
    hits = engine.search(index, {"query": {"match_all": {}}, "sort": ["_doc"]})["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def states(engine: Engine) -> dict[str, State]:
    streams = streams_of(engine)
    planned = plan(Connections(engine), shared_objects(load_rules(), engine.name, streams))
    return {f"{each.kind} {each.name}": each.state for each in planned}


def test_fleets_hooks_have_what_is_ours_and_fleet_keeps_what_is_its_own(managed: Engine | None) -> None:
    if managed is None:
        return
    before = fleet.objects(managed)
    answer = detect("install")
    assert (answer.code, "is managed by Fleet and stays as it is" in answer.err) == (0, True)
    assert set(states(managed).values()) == {State.SAME}
    assert detect("diff").code == 0
    assert fleet.objects(managed) == before
    event = store(managed, stream(), {"message": LINE, "host": {"name": "gpu-1"}, "agent": {"id": "a1"}})[0]
    assert (event["event"]["original"], event["ollama"]["err"], event["host"]) == (LINE, "exit status 2", {"name": "gpu-1"})
    assert (event["event"]["agent_id_status"], event.get("tags")) == ("auth_metadata_missing", None)  # Fleet's final pipeline
    detect("uninstall")
    assert fleet.objects(managed) == before
    assert (component_template(managed, SERVER.custom), managed.get_pipeline(SERVER.custom)) == (None, None)


def test_the_rules_find_what_agents_send(managed: Engine | None) -> None:
    """Lines from before the installation lie in an index that the rules cannot read, and the next ones in one that they can."""
    if managed is None:
        return
    index = stream()
    agent = {"message": LINE, "host": {"name": "gpu-1"}, "event": {"original": LINE}}
    store(managed, index, agent)
    assert detect("install").code == 0
    documents = store(managed, index, *[{"message": LINE, "host": {"name": "gpu-1"}} for _ in range(6)])
    assert [document["event"].get("dataset") for document in documents] == [None, *["ollama.server"] * 6]
    found = detect("run", *SPAN, "--index", index, "--format", "json").json["findings"]
    assert [(finding["host"], finding["error_count"], finding["severity"]) for finding in found] == [("gpu-1", 6, "critical")]
    assert set(states(managed).values()) == {State.SAME}


def test_what_users_put_into_the_hooks_stays(managed: Engine | None) -> None:
    if managed is None:
        return
    managed.request("PUT", f"/_component_template/{SERVER.custom}", USERS_TEMPLATE)
    managed.put_pipeline(SERVER.custom, USERS_PIPELINE)
    assert detect("install").code == 0
    index = stream()
    assert store(managed, index, {"message": LINE})[0]["rack"] == "r7"
    assert managed.count(index, {"term": {"rack": "r7"}}) == 1
    assert set(states(managed).values()) == {State.SAME}
    assert detect("uninstall").code == 0
    left = component_template(managed, SERVER.custom) or {}
    assert {key: left[key] for key in USERS_TEMPLATE} == USERS_TEMPLATE
    pipeline = managed.get_pipeline(SERVER.custom) or {}
    assert {key: pipeline[key] for key in USERS_PIPELINE} == USERS_PIPELINE


def test_a_retention_goes_before_the_policy_of_fleet(managed: Engine | None) -> None:
    if managed is None:
        return
    for retention, lifecycle, prefers in (("30d", "30d", "false"), ("7d", "7d", "false"), (None, None, None)):
        streams = replace(streams_of(managed), retention=retention)
        hooks = [each for each in shared_objects(load_rules(), managed.name, streams) if each.kind == "component template hook"]
        install_objects(managed, hooks)
        made = managed.request("POST", f"/_index_template/_simulate_index/{stream()}")["template"]
        assert made.get("lifecycle", {}).get("data_retention") == lifecycle
        assert made["settings"]["index"].get("lifecycle", {}).get("prefer_ilm") == prefers
        assert (streams_of(managed).retention, {state_of(managed, each) for each in hooks}) == (retention, {State.SAME})


def test_a_mapping_of_the_users_own_for_a_field_of_ours_is_not_overwritten(managed: Engine | None) -> None:
    if managed is None:
        return
    theirs = {"template": {"mappings": {"properties": {"message": {"type": "keyword"}}}}}
    managed.request("PUT", f"/_component_template/{SERVER.custom}", theirs)
    answer = detect("install")
    assert (
        answer.code,
        f"component template hook '{SERVER.custom}' on the cluster bears no ownership tag of detect" in answer.err,
    ) == (
        2,
        True,
    )
    assert (component_template(managed, SERVER.custom) or {})["template"] == theirs["template"]


def test_a_template_of_somebody_else_without_a_pipeline_gets_ours(managed: Engine | None) -> None:
    if managed is None:
        return
    managed.request("PUT", f"/_component_template/{SERVER.template}@package", {"template": {}})
    managed.put_template(SERVER.template, fleet.TEMPLATE | {"_meta": {"team": "search"}})
    assert "is managed by somebody else and stays as it is" in detect("install").err
    assert store(managed, stream(), {"message": LINE})[0]["ollama"]["err"] == "exit status 2"
    assert set(states(managed).values()) == {State.SAME}


def test_a_template_without_hooks_is_left_alone(managed: Engine | None) -> None:
    if managed is None:
        return
    managed.put_template(SERVER.template, fleet.TEMPLATE | {"composed_of": [], "ignore_missing_component_templates": []})
    answer = detect("install")
    assert (
        answer.code,
        f"'{SERVER.template}' (managed by fleet) on the cluster bears no ownership tag" in answer.err,
    ) == (2, True)


def test_hooks_that_fleet_left_behind_make_no_loop(managed: Engine | None) -> None:
    if managed is None:
        return
    assert detect("install").code == 0
    install_shared(managed, load_rules(), force=True)  # as if Fleet had taken its template away
    left = abandoned(Connections(managed), load_rules(), streams_of(managed))
    assert [each.kind for each in left] == ["component template hook", "ingest pipeline hook"]
    assert detect("install").code == 0
    assert store(managed, stream(), {"message": LINE})[0].get("tags") == ["ollama_host_missing"]
    assert managed.get_pipeline(SERVER.custom) is None
