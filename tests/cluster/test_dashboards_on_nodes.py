"""Dashboards: the life of their objects beside a real cluster, and what their panels would show of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.install.dashboards import dashboard_objects
from integration.install.deployment import Deployment
from integration.names import Namespace
from integration.render.saved_objects import DATA_VIEW, VISUALIZATION
from tests.support.cli import Result, detect
from tests.support.fake_dashboards import PASSWORD, USER, FakeDashboards
from tests.support.fake_kibana import API_KEY, FakeKibana
from tests.support.panel_searches import shown

NAMESPACE = Namespace("shown")
RULES = load_rules()
WHERE = ("--namespace", NAMESPACE.name)
# One window of the hourly rule: a finding on gpu-1.
LINES = [
    'time=2026-11-24T09:10:00.000Z level=ERROR source=server.go:1 msg="model fails" err="exit status 2"',
    'time=2026-11-24T09:11:00.000Z level=ERROR source=server.go:1 msg="model fails" err="exit status 2"',
    'time=2026-11-24T09:12:00.000Z level=ERROR source=server.go:1 msg="llama runner is gone"',
    'time=2026-11-24T09:13:00.000Z level=INFO source=server.go:1 msg="model is fine"',
    '[GIN] 2026/11/24 - 09:14:00 | 200 |  1ms |  192.0.2.1 | GET      "/api/tags"',
    '[GIN] 2026/11/24 - 09:15:00 | 200 |  1ms |  192.0.2.1 | GET      "/api/tags"',
    '[GIN] 2026/11/24 - 09:16:00 | 404 |  1ms |  192.0.2.1 | GET      "/<b>x</b>"',
]

SHOWN: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("severity", [("critical", 1)]),
    ("hosts", [("gpu-1", "Ollama Possible RCE via Model Loading", 1, 10.0)]),
    ("labels_error_type", [("model_error", 2), ("runner_error", 1)]),
    ("labels_attack_signal", []),
    (
        "messages_error_type",
        [("model_error", "model fails", 2), ("runner_error", "llama runner is gone", 1)],
    ),
    ("messages_attack_signal", []),
    ("requests", [(200, 2), (404, 1)]),
    ("paths", [("/api/tags", 200, 2), ("/<b>x</b>", 404, 1)]),
    (
        "losses",
        [
            ("name no machine", 1),
            ("made the pipeline fail", 0),
            ("never went through the pipeline", 0),
            ("had their line in an unknown field", 0),
            ("have the level ERROR in a field alone", 0),
            ("have a time that cannot be read", 0),
            ("were cut, being too long", 0),
        ],
    ),
]


@pytest.fixture
def verb(
    engine: Engine, fake_kibana: FakeKibana, fake_dashboards: FakeDashboards, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run a verb on the cluster and what stands in front of it; the rules run nowhere."""
    front_end = ("--kibana-url", fake_kibana.url, "--space", "soc")
    if engine.name == "elasticsearch":
        monkeypatch.setenv("DETECT_API_KEY", API_KEY)
    else:
        monkeypatch.setenv("DETECT_PASSWORD", PASSWORD)
        front_end = ("--dashboards-url", fake_dashboards.url, "--username", USER)
    return lambda name, *more: detect(name, *more, "--url", engine.url, *WHERE, *front_end, "--alerting", "none")


@pytest.fixture(scope="module")
def stored(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A cluster with lines, one of them of no known machine, and their findings."""
    log = tmp_path_factory.mktemp("log") / "server.log"
    log.write_text("\n".join(LINES) + "\n")
    where = ("--url", engine.url, *WHERE)
    assert detect("install", "--alerting", "none", *where).code == 0
    assert detect("ingest", str(log), "--host", "gpu-1", *where).code == 0
    assert all(each.ok for each in engine.bulk_create(NAMESPACE.events, [("lost", {"message": LINES[3]})]))
    engine.refresh(NAMESPACE.events)
    assert detect("run", "--at", "2026-11-24T10:00:00Z", "--write", *where).code == 0
    engine.refresh(NAMESPACE.risk)
    yield engine
    engine.delete_index(NAMESPACE.risk)
    detect("uninstall", "--delete-data", "--yes", *where)


def objects(engine: Engine, kind: str) -> dict[str, dict[str, Any]]:
    """The attributes of the objects of a type, by their keys."""
    made = [each.body for each in dashboard_objects(RULES, Deployment(NAMESPACE), engine.name)]
    return {body["id"].split("-")[3]: body["attributes"] for body in made if body["type"] == kind}


def test_a_dashboard_lives_beside_the_cluster(
    engine: Engine, verb: Callable[..., Result], fake_kibana: FakeKibana, fake_dashboards: FakeDashboards
) -> None:
    kept = (fake_kibana if engine.name == "elasticsearch" else fake_dashboards).objects.kept

    def of_dashboard(answer: Result, shown: str) -> list[str]:
        listed = answer.json["steps" if shown == "action" else "objects"]
        return [each[shown] for each in listed if each["kind"] in ("data view", "visualization", "dashboard")]

    planned = of_dashboard(verb("install", "--dashboards", "--dry-run", "--format", "json"), "plan")
    assert set(planned) == {"create"}
    assert not kept
    assert of_dashboard(verb("install", "--format", "json"), "action") == []
    assert of_dashboard(verb("install", "--dashboards", "--format", "json"), "action") == ["created"] * len(planned)
    assert of_dashboard(verb("install", "--dashboards", "--format", "json"), "action") == ["unchanged"] * len(planned)
    assert verb("diff", "--dashboards").code == 0
    assert of_dashboard(verb("status", "--dashboards", "--format", "json"), "state") == ["same"] * len(planned)
    name = next(each for each in kept if "-hosts" in each[2])
    kept[name]["attributes"]["title"] = "Mine\x1b[31m"
    drifted = verb("diff", "--dashboards")
    assert (drifted.code, "+  title: 'Ollama: Hosts with findings'".replace("'", "") in drifted.out) == (1, True)
    assert "\x1b" not in drifted.out
    assert of_dashboard(verb("install", "--dashboards", "--format", "json"), "action").count("updated") == 1
    stays = verb("uninstall")
    assert (stays.code, "--dashboards removes it" in stays.err, len(kept)) == (0, True, len(planned))
    assert of_dashboard(verb("uninstall", "--dashboards", "--format", "json"), "action") == ["deleted"] * len(planned)
    assert not kept


def test_without_its_address_nothing_is_changed(engine: Engine) -> None:
    answer = detect("install", "--dashboards", "--url", engine.url, *WHERE)
    option = "--kibana-url" if engine.name == "elasticsearch" else "--dashboards-url"
    assert (answer.code, option in answer.err, answer.out) == (2, True, "")


@pytest.mark.parametrize(("panel", "rows"), SHOWN)
def test_a_panel_shows_what_is_there(stored: Engine, panel: str, rows: list[tuple[Any, ...]]) -> None:
    attributes = objects(stored, VISUALIZATION)[panel]
    index = NAMESPACE.risk if panel in ("severity", "hosts") else NAMESPACE.events
    assert sorted(shown(stored, index, attributes)) == sorted(rows)


def test_every_panel_but_the_text_is_tried(stored: Engine) -> None:
    assert objects(stored, VISUALIZATION).keys() - {panel for panel, _ in SHOWN} == {"notes"}


def test_the_fields_are_those_that_the_cluster_tells(stored: Engine) -> None:
    """Kibana and OpenSearch Dashboards make their lists of fields from this answer.

    Kibana has no other; its terms aggregation takes a keyword. In Dashboards ours must be the same but for the labels, or a
    refresh would be drift.
    """
    labels = {rule.classification.field for rule in RULES}
    if stored.name == "elasticsearch":
        asked = {"fields": ",".join(labels)}
        told = stored.request("GET", f"/{NAMESPACE.events}/_field_caps", params=asked)["fields"]
        assert {name: kinds["keyword"]["aggregatable"] for name, kinds in told.items()} == dict.fromkeys(labels, True)
        return
    views = objects(stored, DATA_VIEW)
    for key, index in (("findings", NAMESPACE.risk), ("lines", NAMESPACE.events)):
        told = stored.request("GET", f"/{index}/_field_caps", params={"fields": "*"})["fields"]
        ours = {name: field for name, field in views[key]["fields"].items() if not name.startswith("_")}
        leaves = {name: kinds for name, kinds in told.items() if not name.startswith("_") and "object" not in kinds}
        assert ours.keys() == leaves.keys()
        for name, field in ours.items():
            ((kind, caps),) = leaves[name].items()
            if name in labels:
                assert kind == "derived"
            else:
                assert [kind] == field["esTypes"]
                assert (caps["searchable"], caps["aggregatable"]) == (field["searchable"], field["aggregatable"]), name


def test_the_exported_file_holds_what_is_installed(
    engine: Engine, verb: Callable[..., Result], fake_kibana: FakeKibana, fake_dashboards: FakeDashboards, tmp_path: Path
) -> None:
    assert verb("install", "--dashboards").code == 0
    kept = (fake_kibana if engine.name == "elasticsearch" else fake_dashboards).objects.kept
    assert detect("export", str(tmp_path), "--engine", engine.name, *WHERE).code == 0
    (file,) = tmp_path.rglob("dashboards.ndjson")
    exported = {json.loads(line)["id"].removesuffix("-default") for line in file.read_text(encoding="utf-8").splitlines()}
    assert exported == {identifier.removesuffix("-soc") for _, _, identifier in kept}
    assert verb("uninstall", "--dashboards").code == 0
