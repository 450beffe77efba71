"""Rules in Kibana: their bodies, and the way they are kept there, against a server as strict as Kibana."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import pytest

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.engines.kibana import Kibana
from integration.errors import ClusterError, ConflictError, DetectError, InputError, OverwrittenError, PartlyAppliedError
from integration.findings.filter import Filter
from integration.install.deployment import Deployment
from integration.install.journal import Step
from integration.install.objects import Connections, Health
from integration.install.plan import Planned, State, apply, compared, install, plan, set_enabled
from integration.install.removal import removals
from integration.names import Namespace
from integration.targets.kibana import body as render
from integration.targets.kibana.rules import DetectionRule, KibanaRule, KibanaTarget, StackRule
from integration.targets.kibana.saved_objects import saved_rule
from tests.support.builders import RULE, rule_with
from tests.support.fake_cluster import ELASTICSEARCH, Answer, Failing, FakeCluster, Request
from tests.support.fake_kibana import API_KEY, VERSION, FakeKibana, RefusalError, check_detection, check_saved_rule
from tests.support.filters import entry
from tests.support.installing import install_objects, put

NAMESPACE = Namespace("default")
DEPLOYMENT = Deployment(NAMESPACE)
KINDS: Sequence[type[KibanaRule]] = [DetectionRule, StackRule]


@dataclass
class Place:
    """One kind of rule in a Kibana; the cluster behind it is not asked."""

    kibana: Kibana
    made: type[KibanaRule]
    on: Connections

    def of(self, rule: Rule = RULE, *, enable: bool = False) -> KibanaRule:
        return self.made(rule, DEPLOYMENT, enable=enable)

    def put(self, rule: Rule = RULE, *, enable: bool = False) -> None:
        put(self.on, self.of(rule, enable=enable))

    def compared(self, rule: Rule = RULE) -> Planned:
        return compared(self.on, self.of(rule))

    def health(self, rule: Rule = RULE) -> Health:
        managed = self.of(rule)
        return managed.health(self.on, managed.fetch(self.on) or {})

    def install(self, rule: Rule, steps: list[Step], *, enable: bool = False) -> None:
        install(self.on, [self.of(rule, enable=enable)], on_step=steps.append)

    def remove(self, rule: Rule = RULE) -> str:
        (removal, *_) = removals(self.on, [], [self.of(rule)], [], NAMESPACE, delete_data=False)
        if removal.act:
            removal.act()
        return removal.step.action


@pytest.fixture
def engine() -> Iterator[Engine]:
    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as connected:
        yield connected


@pytest.fixture(params=KINDS, ids=lambda made: made.kind)
def place(request: pytest.FixtureRequest, kibana: Kibana, engine: Engine) -> Place:
    return Place(kibana, request.param, Connections(engine, kibana))


def kept(fake_kibana: FakeKibana) -> dict[str, Any]:
    """The one rule that Kibana has."""
    (rule,) = [*fake_kibana.detections.values(), *fake_kibana.stack.values()]
    return rule


def newer(version: int = RULE.version + 1) -> Rule:
    return Rule.model_validate(RULE.model_dump() | {"version": version, "attack_type": "Another"})


def test_a_rule_is_created_disabled_and_reads_back_the_same(fake_kibana: FakeKibana, place: Place) -> None:
    assert place.compared().state is State.MISSING
    place.put()
    place.of().verify(place.on)
    assert place.compared().state is State.SAME
    assert kept(fake_kibana)["enabled"] is False
    assert kept(fake_kibana)["name"] == place.of().name
    assert {"ollama-detect", f"ollama-detect.rule:{RULE.id}", f"ollama-detect.version:{RULE.version}"} <= set(
        kept(fake_kibana)["tags"]
    )


def test_an_upgrade_keeps_what_the_user_owns(fake_kibana: FakeKibana, place: Place) -> None:
    place.put()
    action = {"id": "mail", "group": "default", "params": {"to": "a"}, "uuid": "u", "connector_type_id": ".email"}
    kept(fake_kibana).update(
        enabled=True, actions=[action], tags=[*kept(fake_kibana)["tags"], "team-a"], exceptions_list=[{"id": "e"}]
    )
    assert place.compared().state is State.SAME
    (difference,) = [d for d in place.compared(newer()).differences if d[0] in ("query", "params.esqlQuery.esql")]
    assert "Another" in difference[1]
    place.put(newer())
    place.of(newer()).verify(place.on)
    assert place.compared(newer()).state is State.SAME
    after = kept(fake_kibana)
    assert after["enabled"] is True
    assert [a["params"] for a in after["actions"]] == [{"to": "a"}]
    assert "team-a" in after["tags"]
    assert f"ollama-detect.version:{RULE.version}" not in after["tags"]
    assert after["exceptions_list"] == [{"id": "e"}]


def test_drift_is_seen_and_repaired(fake_kibana: FakeKibana, place: Place) -> None:
    place.put()
    changed = kept(fake_kibana)
    changed["name"] = "something else"
    changed.setdefault("references", []).append("https://example.org")
    paths = [path for path, _, _ in place.compared().differences]
    assert "name" in paths
    place.put()
    assert place.compared().state is State.SAME


def switched(place: Place, *, enabled: bool) -> bool:
    """Whether enabling or disabling changed anything."""
    steps: list[Step] = []
    set_enabled(place.on, [place.of()], enabled=enabled, on_step=steps.append)
    (step,) = steps
    return step.changed


def test_enable_disable_health_and_removal(fake_kibana: FakeKibana, place: Place) -> None:
    with pytest.raises(InputError, match="detect install"):
        switched(place, enabled=True)
    place.put(enable=True)
    assert kept(fake_kibana)["enabled"] is True
    assert not switched(place, enabled=True)
    assert switched(place, enabled=False)
    assert (place.health().enabled, place.health().last_run, place.health().last_error) == (False, None, None)
    assert ("enabled", True, False) in compared(place.on, place.of(enable=True)).differences
    place.put(enable=True)
    assert kept(fake_kibana)["enabled"] is True
    assert place.remove() == "deleted"
    assert place.remove() == "was not there"
    assert not fake_kibana.detections
    assert not fake_kibana.stack


def test_what_somebody_else_made_is_foreign_and_left_alone(fake_kibana: FakeKibana, place: Place) -> None:
    place.put()
    kept(fake_kibana)["tags"] = ["mine"]
    assert place.compared().state is State.FOREIGN
    assert "left alone" in place.remove()
    place.put()
    assert place.compared().state is State.SAME
    assert "mine" in kept(fake_kibana)["tags"]


def test_the_health_of_a_rule_that_fails(fake_kibana: FakeKibana, kibana: Kibana, engine: Engine) -> None:
    detection, stack = (Place(kibana, made, Connections(engine, kibana)) for made in KINDS)
    for each in (detection, stack):
        each.put()
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
        health = each.health()
        assert (health.last_run, health.last_error, health.open_alerts) == ("2026-11-24T10:00:00Z", "no index", alerts)


def test_a_change_that_meets_an_update_is_told(fake_kibana: FakeKibana, place: Place) -> None:
    place.put()

    def edited() -> None:
        kept(fake_kibana).update(name="theirs", revision=kept(fake_kibana)["revision"] + 1)

    def made_anew() -> None:
        assert place.remove() == "deleted"
        place.put()

    for number, meeting in enumerate((edited, made_anew), 2):
        fake_kibana.before_update = meeting
        with pytest.raises(OverwrittenError, match=r"somebody else changed .* while it was updated: .* see in Kibana"):
            place.put(newer(number))
        assert place.compared(newer(number)).state is State.SAME


def test_install_tells_of_a_change_between_its_steps(fake_kibana: FakeKibana, place: Place) -> None:
    """Before it writes, it leaves the rule as it is; while it writes, it says that the update won."""
    place.put()

    def edited(name: str) -> None:
        kept(fake_kibana).update(name=name, revision=kept(fake_kibana)["revision"] + 1)

    planned = plan(place.on, [place.of(newer())])
    edited("theirs")
    steps: list[Step] = []
    with pytest.raises(ConflictError, match="was changed since it was compared; it was left as it is"):
        apply(place.on, planned, on_step=steps.append)
    assert kept(fake_kibana)["name"] == "theirs"
    fake_kibana.before_update = partial(edited, "theirs again")
    told = rf"somebody else changed the {place.made.kind} .*\nDone before that: {place.made.kind} "
    with pytest.raises(PartlyAppliedError, match=told):
        place.install(newer(), steps)
    assert steps == []
    place.install(newer(), steps)
    assert [step.action for step in steps] == ["unchanged"]


def test_rules_that_are_no_more_are_found_and_pruned(fake_kibana: FakeKibana, place: Place) -> None:
    other = rule_with(id="other_rule")
    for rule in (RULE, other):
        place.put(rule)
    put(place.on, place.made(other, Deployment(Namespace("elsewhere"))))
    target = KibanaTarget(place.made, DEPLOYMENT)
    leftovers = list(target.leftovers(place.on, [RULE]))
    assert [(each.kind, each.name, each.rule_id) for each in leftovers] == [(place.made.kind, place.of(other).name, "other_rule")]
    assert list(target.leftovers(place.on, [RULE, other])) == []
    apply(place.on, plan(place.on, [place.of()]), leftovers=leftovers, on_step=lambda _: None)
    assert place.of(other).fetch(place.on) is None
    assert place.of().fetch(place.on) is not None


def test_an_index_of_the_user_s_own_gets_the_computed_field_that_the_query_reads(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    mapping: dict[str, Any] = {"properties": {}, "runtime": {"theirs": {"type": "keyword"}}}

    def put_mapping(request: Request) -> Answer:
        mapping["runtime"] |= request.json["runtime"]
        return Answer({"acknowledged": True})

    with FakeCluster(ELASTICSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
        cluster.on("GET", r"/own-\*/_mapping", lambda _: Answer({"own-1": {"mappings": mapping}}))
        cluster.on("PUT", r"/own-\*/_mapping", put_mapping)
        target = KibanaTarget(DetectionRule, Deployment(NAMESPACE, "own-*"))
        objects = [*target.needs([RULE]), target.rule_object(RULE)]
        for changed in (True, False):
            assert [step.changed for step in install_objects(engine, objects, kibana)] == [changed, changed]
        assert mapping["runtime"].keys() == {"theirs", RULE.classification.field}
        assert len(cluster.asked("PUT", ".*")) == 1
        mapping["properties"][RULE.classification.field] = {"type": "keyword"}
        with pytest.raises(InputError, match=r"own-1 has a field 'error_type' of its own, which the computed field .* would hide"):
            install_objects(engine, objects, kibana)
    assert list(KibanaTarget(DetectionRule, DEPLOYMENT).needs([RULE])) == []
    assert "own-*" in kept(fake_kibana)["query"]


def test_a_kind_of_rule_does_not_find_the_other_kind_s(fake_kibana: FakeKibana, kibana: Kibana, engine: Engine) -> None:
    on = Connections(engine, kibana)
    for made in KINDS:
        put(on, made(RULE, DEPLOYMENT))
    for made in KINDS:
        assert [each.kind for each in KibanaTarget(made, DEPLOYMENT).leftovers(on, [])] == [made.kind]
    assert len(fake_kibana.detections) == len(fake_kibana.stack) == 1


def test_what_kibana_does_not_count_is_no_other_change(fake_kibana: FakeKibana, place: Place) -> None:
    place.put()
    for _ in range(2):
        place.put()
    assert kept(fake_kibana)["revision"] == 0
    kept(fake_kibana)["actions"] = [{"id": "mail", "group": "default", "params": {}}]
    fake_kibana.before_update = lambda: kept(fake_kibana).update(enabled=True)
    place.put()
    place.put(newer(), enable=True)
    assert kept(fake_kibana)["revision"] == 2
    assert kept(fake_kibana)["enabled"] is True


def test_an_answer_that_gets_lost_makes_no_second_rule(fake_kibana: FakeKibana, place: Place) -> None:
    fake_kibana.on("POST", ".*", Answer(cut=True))
    with pytest.raises(ClusterError):
        place.put()
    assert len(fake_kibana.asked("POST")) == 1


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("upgrade", [False, True], ids=["new", "upgrade"])
def test_an_install_that_fails_anywhere_is_finished_by_the_next(
    fake_kibana: FakeKibana, place: Place, upgrade: bool, lost: bool
) -> None:
    for number in count():
        rule, failing = newer(number + 1), Failing(number, lost=lost)
        fake_kibana.fail(failing)
        with suppress(DetectError):
            place.install(rule, [], enable=True)
        fake_kibana.fail(None)
        place.install(rule, [], enable=True)
        assert place.compared(rule).state is State.SAME
        assert kept(fake_kibana)["enabled"] is True
        if not failing.came:
            break
        if not upgrade:
            place.remove(rule)
    assert number > 3


def test_a_rule_that_is_there_already_conflicts(kibana: Kibana) -> None:
    for make, path in (
        (render.detection_rule, "/api/detection_engine/rules"),
        (render.stack_rule, f"/api/alerting/rule/{render.stack_id(RULE, NAMESPACE, 'default')}"),
    ):
        kibana.send("POST", path, make(RULE, DEPLOYMENT))
        with pytest.raises(ConflictError):
            kibana.send("POST", path, make(RULE, DEPLOYMENT))


def test_spaces_are_apart(fake_kibana: FakeKibana, kibana: Kibana, engine: Engine) -> None:
    with Kibana(Connection(fake_kibana.url, api_key=API_KEY), "soc") as other:
        for space in (kibana, other):
            assert space.check() == VERSION
            for made in KINDS:
                place = Place(space, made, Connections(engine, space))
                place.put()
                assert place.compared().state is State.SAME
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


def test_a_missing_header_would_be_refused(place: Place) -> None:
    del place.kibana._headers["kbn-xsrf"]
    with pytest.raises(ClusterError, match="must contain a kbn-xsrf header"):
        place.put()


def test_a_busy_kibana_is_asked_again_and_a_proxy_is_told(fake_kibana: FakeKibana, kibana: Kibana) -> None:
    fake_kibana.on("GET", "/api/status", Answer({"message": "busy"}, 503), Answer({"version": {"number": VERSION}}))
    assert kibana.check() == VERSION
    fake_kibana.on("GET", "/api/status", Answer("<html>"))
    with pytest.raises(ClusterError, match="no JSON object"):
        kibana.check()


def test_the_detection_rule_says_what_the_rule_says() -> None:
    body = render.detection_rule(RULE, DEPLOYMENT)
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
    body = render.detection_rule(rule_with(severity=[{"level": "informational"}], attack=[technique]), DEPLOYMENT)
    check_detection(body)
    assert body["severity"] == "low"
    assert body["severity_mapping"] == [
        {"field": "finding.severity", "operator": "equals", "value": "informational", "severity": "low"}
    ]
    assert body["threat"][0]["technique"][0]["subtechnique"][0]["id"] == "T1059.004"


def test_the_hash_tells_contents_apart() -> None:
    one, two = render.detection_rule(RULE, DEPLOYMENT), render.detection_rule(newer(), DEPLOYMENT)
    assert one["tags"][-1].startswith("ollama-detect.hash:")
    assert one["tags"][-1] != two["tags"][-1]


def test_a_tag_of_a_rule_in_kibana_names_our_rule() -> None:
    tags = ["theirs", *render.owner_tags(RULE, NAMESPACE)]
    assert (render.tagged_rule(tags), render.other_tags(tags)) == (RULE.id, ["theirs"])
    assert (render.tagged_rule(["theirs"]), render.other_tags(["theirs"])) == (None, ["theirs"])


def test_ids_of_namespaces_and_spaces_differ() -> None:
    ids = {render.stack_id(RULE, Namespace(n), space) for n in ("a", "b") for space in ("default", "soc")}
    assert {uuid.UUID(each).version for each in ids} == {4}
    assert len(ids) == 4
    # Another id would leave the rule that is there, and add a second one beside it.
    assert render.stack_id(RULE, NAMESPACE, "default") == "75209a60-e366-4d2f-b5d3-ed7cca9b7aee"


def test_the_import_file_is_one_rule_a_line() -> None:
    lines = render.ndjson([render.detection_rule(RULE, DEPLOYMENT)]).splitlines()
    (body,) = [json.loads(line) for line in lines]
    check_detection(body)
    assert body["rule_id"] == render.detection_id(RULE, NAMESPACE)
    assert render.ndjson([{"a": "\N{SNOWMAN}"}, {"b": 1}]) == '{"a": "\N{SNOWMAN}"}\n{"b": 1}\n'


def test_the_saved_rule_is_the_stack_rule_disabled_and_without_a_key() -> None:
    body = render.stack_rule(RULE, DEPLOYMENT)
    saved = saved_rule(body | {"enabled": True}, render.stack_id(RULE, NAMESPACE, "default"))
    check_saved_rule(saved)
    assert {key: saved["attributes"][key] for key in ("name", "tags", "params", "schedule")} == {
        key: body[key] for key in ("name", "tags", "params", "schedule")
    }
    state = {key: saved["attributes"][key] for key in ("muteAll", "mutedInstanceIds", "running", "revision", "executionStatus")}
    no_time = "1970-01-01T00:00:00.000Z"
    assert state == {
        "muteAll": False,
        "mutedInstanceIds": [],
        "running": False,
        "revision": 0,
        "executionStatus": {"status": "pending", "lastExecutionDate": no_time, "error": None, "warning": None},
    }
    for change in ({"enabled": True}, {"apiKey": "k"}, {"nextrun": None}, {"legacyId": ...}, {"schedule": {"interval": "1x"}}):
        attributes = {key: value for key, value in (saved["attributes"] | change).items() if value is not ...}
        with pytest.raises(RefusalError):
            check_saved_rule(saved | {"attributes": attributes})


def test_another_filter_is_drift_that_an_upgrade_mends(fake_kibana: FakeKibana, place: Place) -> None:
    place.put(enable=True)
    filtered = place.made(RULE, Deployment(NAMESPACE, None, Filter((entry("exclude", host="lab-*"),))))
    found = compared(place.on, filtered)
    assert found.state is State.DRIFTED
    assert any("lab" in str(want) for _, want, _ in found.differences)
    put(place.on, filtered)
    assert compared(place.on, filtered).state is State.SAME
    assert kept(fake_kibana)["enabled"] is True
    complex_ = place.made(RULE, Deployment(NAMESPACE, None, Filter((entry("exclude", contains={"error_messages": "x"}),))))
    with pytest.raises(InputError, match=r"\[\[filter\]\] 1 .*Kibana cannot be told `contains\.error_messages`; .*`detect watch`"):
        plan(place.on, [complex_])
