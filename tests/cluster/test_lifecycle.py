"""Installing, upgrading, comparing and removing, with every request failing once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from integration.cli.enable import disable, enable
from integration.commands.status import status
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ClusterError, ConflictError, DetectError, InputError, PartlyAppliedError
from integration.findings.filter import NO_FILTER, Filter
from integration.install.deployment import Deployment
from integration.install.journal import Step
from integration.install.named_object import SharedObject
from integration.install.objects import Connections
from integration.install.plan import VERBS, Planned, State, apply, plan, set_enabled
from integration.install.removal import removals, remove
from integration.install.shared_objects import shared_objects
from integration.install.streams import Streams, overriding, streams_of
from integration.names import DATASETS, EVENTS_TEMPLATE, PIPELINE, SERVER, Namespace
from integration.sandbox.local import Node
from integration.targets.opensearch.body import monitor
from integration.targets.opensearch.monitors import AlertingTarget, Monitor
from integration.times import parse_time
from tests.support.alerting_node import wipe
from tests.support.builders import RULE, rule_with
from tests.support.cli import detect
from tests.support.fake_alerting import AlertingCluster
from tests.support.fake_cluster import Answer, Failing, Request
from tests.support.filters import entry
from tests.support.installing import install_objects, install_shared
from tests.support.servers import on_opensearch

NAMESPACE = Namespace("life")
NEXT_VERSION = rule_with(
    id=RULE.id,
    version=RULE.version + 1,
    severity=[{"level": "critical", "any": [{"column": "error_count", "greater_than": 9}]}, {"level": "high"}],
)
BASE = parse_time("2026-11-24T08:50:00Z")


@dataclass
class Site:
    """A cluster and what shall be on it."""

    engine: Engine
    cluster: AlertingCluster
    rule: Rule = RULE
    notify: str | None = None
    post_filter: Filter = NO_FILTER
    steps: list[Step] = field(default_factory=list)

    @property
    def on(self) -> Connections:
        return Connections(self.engine)

    @property
    def target(self) -> AlertingTarget:
        return AlertingTarget(Deployment(NAMESPACE, filter=self.post_filter), self.notify)

    @property
    def shared(self) -> list[SharedObject]:
        """Of what rules share, the objects of the lines and of risk events: those of JSON events are of the same kinds."""
        return shared_objects([self.rule], self.engine.name)[:4]

    def ours(self, *, enable: bool = False) -> Monitor:
        return self.target.rule_object(self.rule, enable=enable)

    def planned(self, *, enable: bool = False) -> list[Planned]:
        return plan(self.on, [*self.shared, *self.target.needs([self.rule]), self.ours(enable=enable)])

    def install(self, *, enable: bool = False, **options: Any) -> list[str]:
        self.steps.clear()
        apply(self.on, self.planned(enable=enable), on_step=self.steps.append, **options)
        return [step.action for step in self.steps]

    def set_enabled(self, enabled: bool) -> list[str]:
        steps: list[Step] = []
        set_enabled(self.on, [self.ours()], enabled=enabled, on_step=steps.append)
        return [step.action for step in steps]

    def uninstall(self) -> list[Step]:
        planned = removals(self.on, self.shared, [self.ours()], [], NAMESPACE, delete_data=False)
        remove(planned, self.steps.append)
        return [removal.step for removal in planned]

    @property
    def states(self) -> set[State]:
        return {each.state for each in self.planned()}

    @property
    def monitor(self) -> dict[str, Any]:
        (only,) = self.cluster.monitors.values()
        return only.body

    def actions(self) -> list[list[str]]:
        return [[a["destination_id"] for a in t["bucket_level_trigger"]["actions"]] for t in self.monitor["triggers"]]


@pytest.fixture
def site(node: Node) -> Iterator[Site]:
    cluster = AlertingCluster(node.url)
    try:
        with connect(Connection(cluster.url)) as engine:
            wipe(engine)
            yield Site(engine, cluster)
            cluster.fault = None
            wipe(engine)
    finally:
        cluster.close()


def left_over(engine: Engine) -> list[str]:
    shared = [each for each in shared_objects([RULE], engine.name) if each.kind != "indices"]
    return [each.name for each in shared if each.fetch(Connections(engine))]


# On either engine


def test_what_is_installed_is_the_same_until_somebody_changes_it(engine: Engine) -> None:
    on, shared = Connections(engine), shared_objects([RULE], engine.name)

    def pipeline() -> Planned:
        return plan(on, shared)[0]

    install_shared(engine, [RULE])
    assert {each.state for each in plan(on, shared)} == {State.SAME}
    body = pipeline().object.body
    engine.put_pipeline(PIPELINE, body | {"processors": [{"set": {"field": "x", "value": "y"}}, *body["processors"][1:]]})
    assert pipeline().state is State.DRIFTED
    assert ("processors[0].set.field", None, "x") in pipeline().differences
    engine.put_pipeline(PIPELINE, {"processors": []})
    assert pipeline().state is State.FOREIGN
    with pytest.raises(InputError, match=r"'ollama\.server' on the cluster bears no ownership tag of detect"):
        install_shared(engine, [RULE])
    assert install_shared(engine, [RULE], force=True)[0].action == "replaced"


def test_how_long_events_are_kept(engine: Engine) -> None:
    """In the template of Elasticsearch; the OpenSearch of the tests has no Index State Management, and says how to do without."""
    shared = shared_objects([RULE], engine.name, Streams(retention="30d"))
    if engine.name == "opensearch":
        with pytest.raises(InputError, match=r"has no Index State Management.*; nothing was changed"):
            plan(Connections(engine), shared)
        return
    template = next(each for each in shared if each.name == EVENTS_TEMPLATE)
    try:
        install_objects(engine, [template], force=True)
        assert streams_of(engine).retention == "30d"
        index = engine.request("POST", f"/_index_template/_simulate_index/{NAMESPACE.events}")
        assert index["template"]["lifecycle"]["data_retention"] == "30d"
    finally:
        install_shared(engine, [RULE], force=True)
    assert streams_of(engine).retention is None


def test_a_template_that_goes_before_ours_is_found(engine: Engine) -> None:
    install_shared(engine, [RULE], force=True)
    name = "logs-of-everybody"
    engine.put_template(name, {"index_patterns": ["logs-*-hidden"], "priority": 900, "data_stream": {}})
    try:
        found = {stream: overriding(engine, SERVER, f"{SERVER.template}-{stream}") for stream in ("hidden", "seen")}
        assert found == {"hidden": [name], "seen": []}
        checks = detect("doctor", "--url", engine.url, "--namespace", "hidden", "--format", "json").json["checks"]
        told = [check["detail"] for check in checks if name in check["detail"] and check["verdict"] == "fail"]
        assert [text.partition(" where ")[2].split()[0] for text in told] == [each.template + "-hidden" for each in DATASETS]
    finally:
        engine.request("DELETE", f"/_index_template/{name}")


# With Alerting


@on_opensearch
def test_a_second_install_changes_nothing(site: Site) -> None:
    assert site.install() == ["created"] * 5
    assert site.states == {State.SAME}
    assert site.monitor["enabled"] is False
    requests = len(site.cluster.front.requests)
    assert set(site.install()) == {"unchanged"}
    assert {str(r).split()[0] for r in site.cluster.front.requests[requests:]} <= {"GET", "POST"}
    assert len(site.cluster.front.asked("POST", "/_plugins/_alerting/monitors")) == 1


@on_opensearch
def test_an_upgrade_keeps_open_alerts_channel_and_whether_it_runs(site: Site) -> None:
    site.notify = "slack"
    site.install(enable=True)
    documents = [(str(n), {"@timestamp": BASE, "message": "level=ERROR model", "host": {"name": "gpu-1"}}) for n in range(20)]
    assert all(result.ok for result in site.engine.bulk_create(NAMESPACE.events, documents))
    site.engine.refresh(NAMESPACE.events)
    ((monitor_id, _),) = site.cluster.monitors.items()
    run = RULE.windows.window_of(BASE).run_at
    site.cluster.run(monitor_id, run)
    (before,) = site.cluster.alerts.values()
    assert before["severity"] == "1"
    site.notify, site.rule = None, NEXT_VERSION
    assert site.states == {State.SAME, State.DRIFTED}
    assert site.install()[-1] == "updated"
    assert site.states == {State.SAME}
    assert list(site.cluster.monitors) == [monitor_id]
    assert (site.monitor["enabled"], site.actions()) == (True, [["slack"], ["slack"]])
    site.cluster.run(monitor_id, run)
    (after,) = site.cluster.alerts.values()
    assert (after["id"], after["version"]) == (before["id"], 2)


@on_opensearch
def test_another_filter_is_drift_and_an_upgrade_keeps_the_alerts_that_pass(site: Site) -> None:
    site.notify = "slack"
    site.install(enable=True)
    documents = [(f"{n}", {"@timestamp": BASE, "message": "level=ERROR model", "host": {"name": f"gpu-{n % 2}"}}) for n in range(8)]
    assert all(result.ok for result in site.engine.bulk_create(NAMESPACE.events, documents))
    site.engine.refresh(NAMESPACE.events)
    ((monitor_id, _),) = site.cluster.monitors.items()
    run = RULE.windows.window_of(BASE).run_at
    site.cluster.run(monitor_id, run)
    before = {key[2]: alert["id"] for key, alert in site.cluster.alerts.items()}
    assert before.keys() == {"gpu-0", "gpu-1"}
    site.notify, site.post_filter = None, Filter((entry("exclude", host="GPU-0", severity_at_most="high"),))
    drifted = site.planned()[-1]
    assert drifted.state is State.DRIFTED
    assert {path.split(".")[0] for path, _, _ in drifted.differences} == {"inputs[0]", "triggers"}
    assert site.install()[-1] == "updated"
    assert site.states == {State.SAME}
    assert (site.monitor["enabled"], site.actions()) == (True, [["slack"]] * 3)
    assert {key[2]: alert["id"] for key, alert in site.cluster.alerts.items()} == before
    site.cluster.run(monitor_id, run)
    assert {key[2]: alert["id"] for key, alert in site.cluster.alerts.items()} == {"gpu-1": before["gpu-1"]}


@on_opensearch
def test_a_filter_that_cannot_be_said_is_refused_before_anything_is_changed(site: Site) -> None:
    site.post_filter = Filter((entry("exclude", contains={"error_messages": "x"}),))
    with pytest.raises(InputError, match=r"\[\[filter\]\] 1"):
        site.install()
    assert left_over(site.engine) == []
    assert site.cluster.monitors == {}


@on_opensearch
def test_another_channel_is_taken_by_the_next_install(site: Site) -> None:
    site.install()
    assert site.actions() == [[], [], []]
    site.notify = "teams"
    assert site.install()[-1] == "updated"
    assert site.actions() == [["teams"]] * 3
    site.notify = None
    assert site.install()[-1] == "unchanged"


@on_opensearch
def test_what_a_user_edits_is_shown_and_put_right(site: Site) -> None:
    site.install()
    ((monitor_id, stored),) = site.cluster.monitors.items()
    edited = copy.deepcopy(stored.body)
    edited["schedule"]["cron"]["expression"] = "30 * * * *"
    edited["inputs"][0]["search"]["query"]["query"]["bool"]["must_not"] = [{"term": {"host.name": "gpu-9"}}]
    site.engine.request("PUT", f"/_plugins/_alerting/monitors/{monitor_id}", edited)
    drifted = site.planned()[-1]
    assert [(path.rpartition(".")[2], found) for path, _, found in drifted.differences] == [
        ("name", "gpu-9"),
        ("expression", "30 * * * *"),
    ]
    site.install()
    assert site.states == {State.SAME}


@on_opensearch
def test_enabling_changes_nothing_else(site: Site) -> None:
    site.install()
    ((monitor_id, stored),) = site.cluster.monitors.items()
    edited = stored.body | {"schedule": {"cron": {"expression": "30 * * * *", "timezone": "UTC"}}}
    site.engine.request("PUT", f"/_plugins/_alerting/monitors/{monitor_id}", edited)
    for wanted, word in ((True, "enabled"), (True, "is enabled already"), (False, "disabled")):
        assert site.set_enabled(wanted) == [word]
        assert site.monitor["enabled"] is wanted
        assert site.monitor["schedule"] == edited["schedule"]
        assert site.monitor["ui_metadata"] == stored.body["ui_metadata"]
    assert site.install(enable=True)[-1] == "updated"
    assert site.monitor["enabled"] is True


@on_opensearch
def test_enabling_what_is_not_installed_says_what_to_do(site: Site) -> None:
    with pytest.raises(InputError, match="detect install"):
        site.set_enabled(True)


@on_opensearch
def test_the_verbs_enable_and_disable(site: Site) -> None:
    site.install()
    app = typer.Typer()
    app.command()(enable)
    app.command()(disable)
    runner = CliRunner()
    options = ["--url", site.cluster.url, "--namespace", NAMESPACE.name, "--rule", RULE.id]
    answered = runner.invoke(app, ["enable", *options])
    assert (answered.exit_code, site.monitor["enabled"]) == (0, True)
    assert answered.stdout.endswith("enabled\n")
    answered = runner.invoke(app, ["disable", "--format", "json", *options])
    assert (answered.exit_code, site.monitor["enabled"]) == (0, False)
    assert '"action": "disabled"' in answered.stdout


@on_opensearch
def test_status_tells_how_the_monitor_fares(site: Site) -> None:
    site.install(enable=True)
    ((monitor_id, _),) = site.cluster.monitors.items()
    site.cluster.run(monitor_id, BASE)
    (health,) = status(site.on, site.planned(), NAMESPACE).rules
    assert (health.enabled, health.last_run, health.last_error, health.open_alerts) == (True, "2026-11-24T08:50:00Z", None, 0)
    site.engine.delete_data_stream(NAMESPACE.events)
    (health,) = status(site.on, site.planned(), NAMESPACE).rules
    assert "no such index" in str(health.last_error)


@on_opensearch
def test_a_monitor_of_the_same_name_is_left_alone_unless_forced(site: Site) -> None:
    site.install()
    body = copy.deepcopy(site.monitor)
    del body["inputs"][0]["search"]["query"]["aggregations"]["by_host"]["meta"]
    site.cluster.monitors.clear()
    site.engine.request("POST", "/_plugins/_alerting/monitors", body)
    assert site.planned()[-1].state is State.FOREIGN
    before = copy.deepcopy(site.cluster.monitors)
    with pytest.raises(InputError, match="nothing was changed"):
        site.install()
    planned = removals(site.on, [], [site.ours()], [], NAMESPACE, delete_data=False)
    assert [(removal.step.action, removal.act) for removal in planned[:1]] == [("left alone: no ownership tag of detect", None)]
    assert site.cluster.monitors == before
    assert site.install(force=True)[-1] == "replaced"
    assert site.states == {State.SAME}
    assert site.cluster.monitors.keys() == before.keys()


@on_opensearch
def test_other_namespaces_and_rules_have_monitors_of_their_own(site: Site) -> None:
    site.install()
    other = Namespace("life2")
    target = AlertingTarget(Deployment(other))
    elsewhere = target.rule_object(RULE)
    install_objects(site.engine, [*target.needs([RULE]), elsewhere])
    assert len(site.cluster.monitors) == 2
    assert site.states == {State.SAME}
    site.uninstall()
    assert [monitor.body["name"] for monitor in site.cluster.monitors.values()] == [elsewhere.name]
    assert list(site.target.leftovers(site.on, [])) == []
    site.engine.delete_data_stream(other.events)


@on_opensearch
@pytest.mark.parametrize("enabled", [False, True])
def test_a_copy_of_our_monitor_is_drift_and_the_one_that_runs_stays(site: Site, enabled: bool) -> None:
    site.install()
    site.engine.request("POST", "/_plugins/_alerting/monitors", monitor(RULE, Deployment(NAMESPACE), enabled=enabled))
    assert ("monitors", 1, 2) in site.planned()[-1].differences
    assert site.install()[-1] == "updated"
    assert site.monitor["enabled"] is enabled
    assert site.states == {State.SAME}


@on_opensearch
def test_two_monitors_of_ours_that_differ_are_an_error_until_they_are_removed(site: Site) -> None:
    site.install()
    other = monitor(RULE, Deployment(NAMESPACE)) | {"schedule": {"cron": {"expression": "30 * * * *", "timezone": "UTC"}}}
    site.engine.request("POST", "/_plugins/_alerting/monitors", other)
    for act in (site.install, lambda: site.states):
        with pytest.raises(ClusterError, match="2 monitors bear the ownership tag of"):
            act()
    site.uninstall()
    assert site.cluster.monitors == {}


@on_opensearch
def test_a_monitor_that_changes_meanwhile_is_not_overwritten(site: Site) -> None:
    site.install()
    site.rule = NEXT_VERSION

    def change_first(request: Request, handled: Callable[[Request], Answer]) -> Answer:
        if request.method == "PUT" and "/monitors/" in request.path:
            for stored in site.cluster.monitors.values():
                stored.seq_no += 1
        return handled(request)

    site.cluster.fault = change_first
    with pytest.raises(PartlyAppliedError, match="Somebody else changed it") as caught:
        site.install()
    assert isinstance(caught.value.__cause__, ConflictError)
    assert len(site.monitor["triggers"]) == 3


@on_opensearch
def test_a_new_monitor_costs_one_rendering_one_trial_before_and_one_after(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[Rule] = []

    def counted(rule: Rule, *arguments: Any, **options: Any) -> dict[str, Any]:
        rendered.append(rule)
        return monitor(rule, *arguments, **options)

    monkeypatch.setattr("integration.targets.opensearch.monitors.monitor", counted)
    site.cluster.front.requests.clear()
    site.install()
    assert rendered == [RULE]
    asked = [str(request).removeprefix("POST /_plugins/_alerting/monitors") for request in site.cluster.front.asked("POST", ".*")]
    stored = next(iter(site.cluster.monitors))
    assert asked == ["/_search", "/_search", "/_execute", "", "/_search", f"/{stored}/_execute"]


@on_opensearch
def test_a_plan_is_applied_as_it_was_made(site: Site) -> None:
    planned = site.planned()
    assert [VERBS[each.state] for each in planned] == ["create"] * 5
    apply(site.on, planned, on_step=site.steps.append)
    apply(site.on, planned, on_step=site.steps.append)
    assert site.states == {State.SAME}
    assert len(site.cluster.monitors) == 1


@on_opensearch
def test_monitors_of_rules_that_are_no_more_are_left_until_they_are_pruned(site: Site) -> None:
    site.install()
    site.rule = rule_with(classification=RULE.classification.model_dump() | {"field": "other_field"})
    leftovers = list(site.target.leftovers(site.on, [site.rule]))
    assert [(each.kind, each.rule_id) for each in leftovers] == [("monitor", RULE.id)]
    assert list(site.target.leftovers(site.on, [RULE])) == []
    site.install()
    assert len(site.cluster.monitors) == 2
    assert site.install(leftovers=leftovers)[-1] == "deleted"
    assert site.monitor["name"].startswith(site.rule.name)
    assert list(site.target.leftovers(site.on, [site.rule])) == []


@on_opensearch
def test_uninstall_says_what_it_does_before_it_does_it(site: Site) -> None:
    site.install()
    steps = site.uninstall()
    assert site.steps[-len(steps) :] == steps
    assert [step.action for step in steps] == ["deleted"] * 5
    assert {step.action for step in site.uninstall()} == {"was not there"}


@on_opensearch
def test_uninstall_removes_all_it_made_and_nothing_else(site: Site) -> None:
    foreign = copy.deepcopy(monitor(RULE, Deployment(NAMESPACE))) | {"name": "Somebody's"}
    del foreign["inputs"][0]["search"]["query"]["aggregations"]["by_host"]["meta"]
    site.install()
    site.engine.request("POST", "/_plugins/_alerting/monitors", foreign)
    site.uninstall()
    assert left_over(site.engine) == []
    assert not site.engine.exists(NAMESPACE.events)
    assert site.monitor["name"] == "Somebody's"


@on_opensearch
def test_uninstall_keeps_documents_and_what_they_need(site: Site) -> None:
    site.install()
    documents = [("1", {"@timestamp": BASE, "message": "level=ERROR model", "host": {"name": "gpu-1"}})]
    assert all(result.ok for result in site.engine.bulk_create(NAMESPACE.events, documents))
    site.engine.refresh(NAMESPACE.events)
    site.uninstall()
    assert left_over(site.engine) == [EVENTS_TEMPLATE]
    assert site.engine.count(NAMESPACE.events, {"match_all": {}}) == 1
    site.install()
    assert site.states == {State.SAME}


# Faults


def changes(request: Request) -> bool:
    return request.method in ("PUT", "DELETE") or (request.method == "POST" and request.path.endswith("/monitors"))


@contextmanager
def failing(site: Site, number: int, *, after: bool) -> Iterator[Failing]:
    """Let the write of that number fail: between two of them nothing changes."""
    site.cluster.fault = fault = Failing(number, lost=after, of=changes)
    yield fault
    site.cluster.fault = None


def fails(act: Callable[[], object]) -> bool:
    try:
        act()
    except DetectError as error:
        return error.exit_code in (3, 4)
    return False


@on_opensearch
@pytest.mark.parametrize("after", [False, True], ids=["refused", "answer lost"])
def test_an_install_that_fails_anywhere_is_finished_by_the_next(site: Site, after: bool) -> None:
    failures = 0
    for number in range(200):
        wipe(site.engine)
        with failing(site, number, after=after) as fault:
            failures += fails(site.install)
        if not fault.came:
            break
        site.install()
        assert site.states == {State.SAME}, number
        assert len(site.cluster.monitors) == 1, number
    # Where only the answer is lost, what may be sent twice is sent again by itself.
    assert failures == (1 if after else number)


@on_opensearch
def test_an_upgrade_that_fails_anywhere_is_finished_by_the_next(site: Site) -> None:
    site.install(enable=True)
    for number in range(200):
        site.rule = NEXT_VERSION if number % 2 == 0 else RULE
        with failing(site, number, after=False) as fault:
            fails(site.install)
        if not fault.came:
            break
        site.install()
        assert site.states == {State.SAME}, number
        assert site.monitor["enabled"] is True
    assert number == 4


@on_opensearch
def test_an_uninstall_that_fails_anywhere_is_finished_by_the_next(site: Site) -> None:
    for number in range(200):
        site.install()
        with failing(site, number, after=False) as fault:
            fails(site.uninstall)
        if not fault.came:
            break
        site.uninstall()
        assert left_over(site.engine) == [], number
        assert site.cluster.monitors == {}, number
    assert number == 5
