"""`install` and its kin with Kibana as the place that runs the rules: the real cluster, and a server as strict as Kibana."""

from __future__ import annotations

import pytest

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
    assert [step["action"] for step in first.json["steps"] if step["kind"] == kind] == ["created"]
    assert [o["state"] for o in run("diff", "--format", "json").json["objects"] if o["kind"] == kind] == ["same"]
    (rule,) = [*fake_kibana.detections.values(), *fake_kibana.stack.values()]
    assert rule["enabled"] is False
    assert run("enable").code == 0
    assert [step["action"] for step in run("install", "--format", "json").json["steps"] if step["kind"] == kind] == ["unchanged"]
    (rule,) = [*fake_kibana.detections.values(), *fake_kibana.stack.values()]
    assert rule["enabled"] is True
    assert run("status").code == 0
    assert run("uninstall").code == 0
    assert not fake_kibana.detections
    assert not fake_kibana.stack


def test_kibana_without_its_address_is_bad_usage(engine: Engine) -> None:
    answer = detect("install", "--url", engine.url, "--alerting", "kibana")
    assert answer.code == 2
    assert "--kibana-url" in answer.err or "Kibana's rules read Elasticsearch" in answer.err
