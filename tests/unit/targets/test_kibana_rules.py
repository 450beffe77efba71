"""Rules in Kibana: their bodies, and the way they are kept there, against a server as strict as Kibana."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import pytest

from integration.detection.model import Rule
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.engines.kibana import Kibana
from integration.errors import ClusterError, ConflictError, DetectError, InputError, OverwrittenError, PartlyAppliedError
from integration.findings.filter import Filter
from integration.install.comparison import State, Step
from integration.install.installation import install
from integration.names import Namespace
from integration.targets.kibana import body as render
from integration.targets.kibana.rules import DetectionTarget, KibanaTarget, StackTarget
from integration.targets.kibana.saved_objects import saved_rule
from tests.support.builders import RULE, rule_with
from tests.support.fake_cluster import ELASTICSEARCH, Answer, Failing, FakeCluster
from tests.support.fake_kibana import API_KEY, VERSION, FakeKibana, RefusalError, check_detection, check_saved_rule
from tests.support.filters import entry

NAMESPACE = Namespace("default")
TARGETS = [DetectionTarget, StackTarget]


@pytest.fixture(params=TARGETS, ids=lambda target: target.kind)
def target(request: pytest.FixtureRequest, kibana: Kibana) -> KibanaTarget:
    made: KibanaTarget = request.param(kibana, NAMESPACE)
    return made


def kept(fake_kibana: FakeKibana) -> dict[str, Any]:
    """The one rule that Kibana has."""
    (rule,) = [*fake_kibana.detections.values(), *fake_kibana.stack.values()]
    return rule


def newer(version: int = 2) -> Rule:
    return Rule.model_validate(RULE.model_dump() | {"version": version, "attack_type": "Another"})


def test_a_rule_is_created_disabled_and_reads_back_the_same(fake_kibana: FakeKibana, target: KibanaTarget) -> None:
    assert target.status(RULE).state is State.MISSING
    target.prepare()
    target.put(RULE, enable=False)
    target.verify(RULE)
    assert target.status(RULE).state is State.SAME
    assert kept(fake_kibana)["enabled"] is False
    assert kept(fake_kibana)["name"] == target.name(RULE)
    assert {"ollama-detect", f"ollama-detect.rule:{RULE.id}", "ollama-detect.version:1"} <= set(kept(fake_kibana)["tags"])


def test_an_upgrade_keeps_what_the_user_owns(fake_kibana: FakeKibana, target: KibanaTarget) -> None:
    target.put(RULE, enable=False)
    action = {"id": "mail", "group": "default", "params": {"to": "a"}, "uuid": "u", "connector_type_id": ".email"}
    kept(fake_kibana).update(
        enabled=True, actions=[action], tags=[*kept(fake_kibana)["tags"], "team-a"], exceptions_list=[{"id": "e"}]
    )
    assert target.status(RULE).state is State.SAME
    (difference,) = [d for d in target.status(newer()).differences if d[0] in ("query", "params.esqlQuery.esql")]
    assert "Another" in difference[1]
    target.put(newer(), enable=False)
    target.verify(newer())
    assert target.status(newer()).state is State.SAME
    after = kept(fake_kibana)
    assert after["enabled"] is True
    assert [a["params"] for a in after["actions"]] == [{"to": "a"}]
    assert "team-a" in after["tags"]
    assert "ollama-detect.version:1" not in after["tags"]
    assert after["exceptions_list"] == [{"id": "e"}]


def test_drift_is_seen_and_repaired(fake_kibana: FakeKibana, target: KibanaTarget) -> None:
    target.put(RULE, enable=False)
    changed = kept(fake_kibana)
    changed["name"] = "something else"
    changed.setdefault("references", []).append("https://example.org")
    paths = [path for path, _, _ in target.status(RULE).differences]
    assert "name" in paths
    target.put(RULE, enable=False)
    assert target.status(RULE).state is State.SAME


def test_enable_disable_health_and_removal(fake_kibana: FakeKibana, target: KibanaTarget) -> None:
    with pytest.raises(InputError, match="detect install"):
        target.set_enabled(RULE, enabled=True)
    assert target.health(RULE) is None
    target.put(RULE, enable=True)
    assert kept(fake_kibana)["enabled"] is True
    assert not target.set_enabled(RULE, enabled=True).changed
    assert target.set_enabled(RULE, enabled=False).changed
    health = target.health(RULE)
    assert health is not None
    assert (health.enabled, health.last_run, health.last_error) == (False, None, None)
    target.put(RULE, enable=True)
    assert kept(fake_kibana)["enabled"] is True
    assert target.remove(RULE).changed
    assert not target.remove(RULE).changed
    assert not fake_kibana.detections
    assert not fake_kibana.stack


def test_what_somebody_else_made_is_foreign_and_left_alone(fake_kibana: FakeKibana, target: KibanaTarget) -> None:
    target.put(RULE, enable=False)
    kept(fake_kibana)["tags"] = ["mine"]
    assert target.status(RULE).state is State.FOREIGN
    assert target.health(RULE) is None
    assert "left alone" in target.remove(RULE).action
    target.put(RULE, enable=False)
    assert target.status(RULE).state is State.SAME
    assert "mine" in kept(fake_kibana)["tags"]


def test_the_health_of_a_rule_that_fails(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    detection, stack = DetectionTarget(kibana, NAMESPACE), StackTarget(kibana, NAMESPACE)
    for each in (detection, stack):
        each.put(RULE, enable=False)
    ours = {"kibana.alert.rule.rule_id": render.detection_id(RULE, NAMESPACE), "kibana.alert.workflow_status": "open"}
    closed = ours | {"kibana.alert.workflow_status": "closed"}
    fake_kibana.alerts.add(".alerts-security.alerts-default", ours, ours, ours, closed, {"kibana.alert.workflow_status": "open"})
    fake_kibana.alerts.add(".alerts-security.alerts-soc", ours)
    (first,), (second,) = fake_kibana.detections.values(), fake_kibana.stack.values()
    first["execution_summary"] = {"last_execution": {"date": "2026-11-24T10:00:00Z", "status": "failed", "message": "no index"}}
    second["execution_status"] = {
        "status": "error",
        "last_execution_date": "2026-11-24T10:00:00Z",
        "error": {"reason": "x", "message": "no index"},
    }
    for each, alerts in ((detection, 3), (stack, None)):
        health = each.health(RULE)
        assert health is not None
        assert (health.last_run, health.last_error, health.open_alerts) == ("2026-11-24T10:00:00Z", "no index", alerts)


def test_a_change_that_meets_an_update_is_told(fake_kibana: FakeKibana, target: KibanaTarget) -> None:
    target.put(RULE, enable=False)

    def edited() -> None:
        kept(fake_kibana).update(name="theirs", revision=kept(fake_kibana)["revision"] + 1)

    def made_anew() -> None:
        assert target.remove(RULE).changed
        target.put(RULE, enable=False)

    for number, meeting in enumerate((edited, made_anew), 2):
        fake_kibana.before_update = meeting
        with pytest.raises(OverwrittenError, match=r"somebody else changed .* while it was updated: .* see in Kibana"):
            target.put(newer(number), enable=False)
        assert target.status(newer(number)).state is State.SAME


def test_install_tells_of_a_change_between_its_steps(
    fake_kibana: FakeKibana, kibana: Kibana, target: KibanaTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it writes, it leaves the rule as it is; while it writes, it says that the update won."""
    target.put(RULE, enable=False)

    def edited(name: str) -> None:
        kept(fake_kibana).update(name=name, revision=kept(fake_kibana)["revision"] + 1)

    def prepare() -> Sequence[Step]:
        edited("theirs")
        return ()

    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        cluster.on("GET", ".*/_(settings|mapping)")
        steps: list[Step] = []
        run = partial(install, engine, [], [newer()], on_step=steps.append)
        meeting = type(target)(kibana, NAMESPACE)
        monkeypatch.setattr(meeting, "prepare", prepare)
        with pytest.raises(ConflictError, match="was changed since it was compared; it was left as it is"):
            run([meeting])
        assert kept(fake_kibana)["name"] == "theirs"
        fake_kibana.before_update = partial(edited, "theirs again")
        with pytest.raises(
            PartlyAppliedError, match=rf"somebody else changed the {target.kind} .*\nDone before that: {target.kind} "
        ):
            run([target])
        assert steps == []
        run([target])
        assert [step.action for step in steps] == ["unchanged"]


def test_what_kibana_does_not_count_is_no_other_change(fake_kibana: FakeKibana, target: KibanaTarget) -> None:
    target.put(RULE, enable=False)
    for _ in range(2):
        target.put(RULE, enable=False)
    assert kept(fake_kibana)["revision"] == 0
    kept(fake_kibana)["actions"] = [{"id": "mail", "group": "default", "params": {}}]
    fake_kibana.before_update = lambda: kept(fake_kibana).update(enabled=True)
    target.put(RULE, enable=False)
    target.put(newer(), enable=True)
    assert kept(fake_kibana)["revision"] == 2
    assert kept(fake_kibana)["enabled"] is True


def test_an_answer_that_gets_lost_makes_no_second_rule(fake_kibana: FakeKibana, target: KibanaTarget) -> None:
    fake_kibana.on("POST", ".*", Answer(cut=True))
    with pytest.raises(ClusterError):
        target.put(RULE, enable=False)
    assert len(fake_kibana.asked("POST")) == 1


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("upgrade", [False, True], ids=["new", "upgrade"])
def test_an_install_that_fails_anywhere_is_finished_by_the_next(
    fake_kibana: FakeKibana, kibana: Kibana, target: KibanaTarget, upgrade: bool, lost: bool
) -> None:
    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        cluster.on("GET", ".*/_(settings|mapping)")

        def run(rule: Rule) -> None:
            install(engine, [], [rule], [type(target)(kibana, NAMESPACE)], enable=True, on_step=lambda _: None)

        for number in count():
            rule, failing = newer(number + 1), Failing(number, lost=lost)
            fake_kibana.fail(failing)
            with suppress(DetectError):
                run(rule)
            fake_kibana.fail(None)
            run(rule)
            assert target.status(rule).state is State.SAME
            assert kept(fake_kibana)["enabled"] is True
            if not failing.came:
                break
            if not upgrade:
                target.remove(rule)
        assert number > 3


def test_a_rule_that_is_there_already_conflicts(kibana: Kibana) -> None:
    for make, path in (
        (render.detection_rule, "/api/detection_engine/rules"),
        (render.stack_rule, f"/api/alerting/rule/{render.stack_id(RULE, NAMESPACE, 'default')}"),
    ):
        kibana.send("POST", path, make(RULE, NAMESPACE))
        with pytest.raises(ConflictError):
            kibana.send("POST", path, make(RULE, NAMESPACE))


def test_spaces_are_apart(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    with Kibana(Connection(fake_kibana.url, api_key=API_KEY), "soc") as other:
        for space in (kibana, other):
            assert space.check() == VERSION
            for target in (DetectionTarget(space, NAMESPACE), StackTarget(space, NAMESPACE)):
                target.put(RULE, enable=False)
                assert target.status(RULE).state is State.SAME
    assert sorted(space for space, _ in fake_kibana.stack) == ["default", "soc"]
    assert sorted(space for space, _ in fake_kibana.detections) == ["default", "soc"]


def test_an_unknown_space_and_bad_credentials_are_told(fake_kibana: FakeKibana) -> None:
    with (
        Kibana(Connection(fake_kibana.url, api_key=API_KEY), "nowhere") as kibana,
        pytest.raises(InputError, match="no space 'nowhere'"),
    ):
        kibana.check()
    with Kibana(Connection(fake_kibana.url, api_key="wrong")) as kibana, pytest.raises(ClusterError, match="401") as caught:
        kibana.check()
    assert "wrong" not in str(caught.value).replace("missing or wrong", "")


def test_kibana_s_own_words_are_in_the_error(kibana: Kibana) -> None:
    with pytest.raises(ClusterError, match="Required: description"):
        kibana.send("POST", "/api/detection_engine/rules", {"rule_id": "x", "name": "x"})


def test_a_missing_header_would_be_refused(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    del kibana._headers["kbn-xsrf"]
    with pytest.raises(ClusterError, match="must contain a kbn-xsrf header"):
        DetectionTarget(kibana, NAMESPACE).put(RULE, enable=False)


def test_a_busy_kibana_is_asked_again_and_a_proxy_is_told(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    fake_kibana.on("GET", "/api/status", Answer({"message": "busy"}, 503), Answer({"version": {"number": VERSION}}))
    assert kibana.check() == VERSION
    fake_kibana.on("GET", "/api/status", Answer("<html>"))
    with pytest.raises(ClusterError, match="no JSON object"):
        kibana.check()


def test_the_detection_rule_says_what_the_rule_says() -> None:
    body = render.detection_rule(RULE, NAMESPACE)
    check_detection(body)
    assert (body["interval"], body["from"], body["to"]) == ("1h", "now-130m", "now")
    assert body["risk_score"] == RULE.risk.score
    assert body["severity"] == "medium"
    assert [(m["value"], m["severity"]) for m in body["severity_mapping"]] == [(s, s) for s in ("medium", "high", "critical")]
    (threat,) = body["threat"]
    assert threat["tactic"]["id"] == "TA0001"
    assert threat["technique"][0]["reference"] == "https://attack.mitre.org/techniques/T1190/"
    assert body["enabled"] is RULE.enabled


def test_severities_and_techniques_that_kibana_writes_otherwise() -> None:
    technique = RULE.attack[0].model_dump() | {"technique": "T1059.004", "name": "Unix Shell"}
    body = render.detection_rule(rule_with(severity=[{"level": "informational"}], attack=[technique]), NAMESPACE)
    check_detection(body)
    assert body["severity"] == "low"
    assert body["severity_mapping"] == [
        {"field": "finding.severity", "operator": "equals", "value": "informational", "severity": "low"}
    ]
    assert body["threat"][0]["technique"][0]["subtechnique"][0]["id"] == "T1059.004"


def test_the_hash_tells_contents_apart_and_ids_places() -> None:
    one, two = render.detection_rule(RULE, NAMESPACE), render.detection_rule(newer(), NAMESPACE)
    assert one["tags"][-1].startswith("ollama-detect.hash:")
    assert one["tags"][-1] != two["tags"][-1]
    ids = {render.stack_id(RULE, Namespace(n), space) for n in ("a", "b") for space in ("default", "soc")}
    assert len(ids) == 4


def test_the_import_file_is_one_rule_a_line() -> None:
    lines = render.ndjson([render.detection_rule(RULE, NAMESPACE)]).splitlines()
    (body,) = [json.loads(line) for line in lines]
    check_detection(body)
    assert body["rule_id"] == render.detection_id(RULE, NAMESPACE)


def test_the_saved_rule_is_the_stack_rule_disabled_and_without_a_key() -> None:
    body = render.stack_rule(RULE, NAMESPACE)
    saved = saved_rule(body | {"enabled": True}, render.stack_id(RULE, NAMESPACE, "default"))
    check_saved_rule(saved)
    assert {key: saved["attributes"][key] for key in ("name", "tags", "params", "schedule")} == {
        key: body[key] for key in ("name", "tags", "params", "schedule")
    }
    for change in ({"enabled": True}, {"apiKey": "k"}, {"nextrun": None}, {"legacyId": ...}, {"schedule": {"interval": "1x"}}):
        attributes = {key: value for key, value in (saved["attributes"] | change).items() if value is not ...}
        with pytest.raises(RefusalError):
            check_saved_rule(saved | {"attributes": attributes})


@pytest.mark.parametrize("made", TARGETS, ids=lambda target: target.kind)
def test_another_filter_is_drift_that_an_upgrade_mends(fake_kibana: FakeKibana, kibana: Kibana, made: type[KibanaTarget]) -> None:
    made(kibana, NAMESPACE).put(RULE, enable=True)
    filtered = made(kibana, NAMESPACE, None, Filter((entry("exclude", host="lab-*"),)))
    status = filtered.status(RULE)
    assert status.state is State.DRIFTED
    assert any("lab" in str(want) for _, want, _ in status.differences)
    filtered.put(RULE, enable=False)
    assert filtered.status(RULE).state is State.SAME
    assert kept(fake_kibana)["enabled"] is True
    complex_ = made(kibana, NAMESPACE, None, Filter((entry("exclude", contains={"error_messages": "x"}),)))
    with pytest.raises(InputError, match=r"filter\.0 .*Kibana cannot be told `contains\.error_messages`; .*`detect watch`"):
        complex_.status(RULE)
