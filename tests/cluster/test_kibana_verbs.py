"""`install` and its kin with Kibana as the place that runs the rules: the real cluster, and a server as strict as Kibana."""

from __future__ import annotations

import pytest

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from tests.support.cli import Result, detect
from tests.support.fake_kibana import API_KEY, FakeKibana


@pytest.mark.parametrize("place", ["kibana", "kibana-stack"])
def test_rules_live_in_kibana_over_their_whole_life(
    engine: Engine, fake_kibana: FakeKibana, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETECT_API_KEY", API_KEY)

    def run(verb: str, *arguments: str) -> Result:
        where = (
            "--url",
            engine.url,
            "--namespace",
            "kib",
            "--kibana-url",
            fake_kibana.url,
            "--alerting",
            place,
        )
        return detect(verb, *arguments, *where)

    first = run("install", "--format", "json")
    if engine.name == "opensearch":
        assert first.code == 2
        assert "Kibana's rules read Elasticsearch" in first.err
        assert not fake_kibana.detections
        assert not fake_kibana.stack
        return
    assert first.code == 0, first.err
    kind = "detection rule" if place == "kibana" else "stack rule"

    def enabled() -> list[bool]:
        return [rule["enabled"] for rule in (*fake_kibana.detections.values(), *fake_kibana.stack.values())]

    rules = len(load_rules())
    assert [step["action"] for step in first.json["steps"] if step["kind"] == kind] == ["created"] * rules
    assert [o["state"] for o in run("diff", "--format", "json").json["objects"] if o["kind"] == kind] == ["same"] * rules
    assert enabled() == [False] * rules
    assert run("enable").code == 0
    again = run("install", "--format", "json").json["steps"]
    assert [step["action"] for step in again if step["kind"] == kind] == ["unchanged"] * rules
    assert enabled() == [True] * rules
    assert run("status").code == 0
    assert run("uninstall").code == 0
    assert not fake_kibana.detections
    assert not fake_kibana.stack


def test_an_index_of_the_user_s_own_gets_the_computed_field(
    engine: Engine, fake_kibana: FakeKibana, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.name == "opensearch":
        return
    monkeypatch.setenv("DETECT_API_KEY", API_KEY)
    where = (
        "--url",
        engine.url,
        "--namespace",
        "own",
        "--kibana-url",
        fake_kibana.url,
        "--alerting",
        "kibana",
        "--index",
        "theirs-*",
    )

    def states(verb: str, shown: str) -> list[str]:
        answer = detect(verb, "--format", "json", *where).json
        objects = answer["steps" if shown == "action" else "objects"]
        return [each[shown] for each in objects if each["kind"] == "computed fields"]

    assert "there is no index 'theirs-*'" in detect("install", *where).err
    keywords = {name: {"type": "keyword"} for name in ("event.original", "log.level")}
    engine.request("PUT", "/theirs-1", {"mappings": {"properties": keywords}})
    try:
        assert states("diff", "state") == ["drifted"]
        assert states("install", "action") == ["updated"]
        assert states("install", "action") == ["unchanged"]
        documents = [
            ("1", {"event": {"original": "level=ERROR model"}, "log": {"level": "ERROR"}}),
            ("2", {"event": {"original": "x"}}),
        ]
        assert all(result.ok for result in engine.bulk_create("theirs-1", documents))
        engine.refresh("theirs-1")
        assert engine.count("theirs-1", {"exists": {"field": "error_type"}}) == 1
        engine.request("PUT", "/theirs-2")
        assert states("status", "state") == ["drifted"]
        assert states("install", "action") == ["updated"]
        assert states("uninstall", "action") == ["deleted"]
        assert all("runtime" not in mapping for mapping in engine.get_mapping("theirs-*").values())
        engine.request("PUT", "/theirs-2/_mapping", {"properties": {"error_type": {"type": "keyword"}}})
        refused = detect("install", *where)
        assert (refused.code, "theirs-2 has a field 'error_type' of its own" in refused.err) == (2, True)
    finally:
        engine.delete_index("theirs-1")
        engine.delete_index("theirs-2")


def test_kibana_without_its_address_is_bad_usage(engine: Engine) -> None:
    answer = detect("install", "--url", engine.url, "--alerting", "kibana")
    assert answer.code == 2
    assert "--kibana-url" in answer.err or "Kibana's rules read Elasticsearch" in answer.err
