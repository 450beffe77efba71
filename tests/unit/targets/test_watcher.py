"""The watch: its schedule by Watcher's own cron, its body, and the way it is kept on a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import given

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ClusterError, ConflictError, DetectError, InputError, RuleError
from integration.findings.filter import Filter
from integration.install.comparison import State
from integration.install.installation import install
from integration.names import Namespace
from integration.targets.watcher.body import watch, watch_id
from integration.targets.watcher.cron import crons
from integration.targets.watcher.target import WatcherTarget, watcher_fault
from tests.support.builders import RULE, rule_with
from tests.support.elastic_jvm import ElasticJvm, elastic_jvm
from tests.support.fake_cluster import ELASTICSEARCH, Answer, Failing, FakeCluster, Request
from tests.support.filters import entry, filters

NAMESPACE = Namespace("default")
PATH = f"/_watcher/watch/{watch_id(RULE, NAMESPACE)}"
LICENCE = {"error": {"type": "security_exception", "reason": "current license is non-compliant for [watcher]"}, "status": 403}


@pytest.fixture(scope="module")
def jvm() -> Iterator[ElasticJvm]:
    with elastic_jvm() as started:
        yield started


@pytest.mark.parametrize(
    "expression",
    [
        "0 * * * *",
        "*/15 * * * *",
        "7,22,37,52 * * * *",
        "30 2 * * *",
        "0 0 * * 0",
        "0 0 * * 7",
        "0 6 * * 1-5",
        "0 6 * * */2",
        "0 6 1 * *",
        "0 6 1,15 * 1",
        "0 6 1-31 * 1",
        "0 6 * * 0-7",
        "0 0 29 2 *",
        "5-20/5 1-3 * 1,6 MON-WED",
    ],
)
def test_watcher_s_own_cron_runs_at_the_rule_s_instants(jvm: ElasticJvm, expression: str) -> None:
    start = datetime(2026, 11, 24, tzinfo=UTC)
    expected = [int(moment.timestamp() * 1000) for moment in islice(CronSim(expression, start), 12)]
    at, found = int(start.timestamp() * 1000), []
    for _ in expected:
        at = min(jvm.fires(cron, at) for cron in crons(expression))
        found.append(at)
    assert found == expected


@pytest.mark.parametrize("expression", ["0 0 L * *", "0 0 LW * *", "0 0 * * 5L", "0 0 * * 1#2", "0 0 */2 * 1"])
def test_a_schedule_that_watcher_cannot_be_given_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="days"):
        crons(expression)


def test_a_rule_that_watcher_cannot_be_given_is_named_by_file_and_field() -> None:
    rule = rule_with(schedule={"cron": "0 0 1-31,L * *", "earliest": "-1500m@m", "latest": "-60m@m"})
    for read, named in ((rule, "other_rule"), (rule.read_from(Path("rules/mine.yml")), r"rules/mine\.yml")):
        with pytest.raises(
            RuleError, match=rf"^{named}: schedule\.cron .*'0 0 1-31,L \* \*' counts days .* cannot go to Watcher; .*`detect"
        ):
            watch(read, NAMESPACE)


def test_the_hourly_cron_is_written_as_people_write_it() -> None:
    assert crons("0 * * * *") == ["0 0 * * * ?"]


def test_the_body_has_the_keys_of_the_api_and_no_others() -> None:
    body = watch(RULE, NAMESPACE)
    assert body.keys() == {"trigger", "input", "condition", "actions", "metadata"}
    assert body["trigger"] == {"schedule": {"cron": "0 0 * * * ?"}}
    request = body["input"]["search"]["request"]
    assert request.keys() == {"indices", "body"}
    assert request["indices"] == ["logs-ollama.server-default"]
    window = request["body"]["query"]["bool"]["filter"][0]["range"]["@timestamp"]
    assert window == {"gte": "{{ctx.trigger.scheduled_time}}||-70m/m", "lt": "{{ctx.trigger.scheduled_time}}||-10m/m"}
    assert body["actions"]["write_risk_events"].keys() == {"condition", "transform", "index"}
    assert body["actions"]["write_risk_events"]["index"] == {"index": "detect-risk-default"}
    assert body["metadata"]["managed_by"] == "ollama-detect"


def test_a_name_that_looks_like_a_variable_is_refused_and_a_term_is_not() -> None:
    source = RULE.data_source.model_dump() | {"dataset": "{{x}}"}
    with pytest.raises(RuleError, match="for a variable"):
        watch(rule_with(data_source=source), NAMESPACE)
    watch(rule_with(selection=[{"contains": ["{{x}}"]}]), NAMESPACE)


@given(filters)
def test_no_text_of_a_filter_is_a_variable(post_filter: Filter) -> None:
    search = watch(RULE, NAMESPACE, None, post_filter)["input"]["search"]["request"]["body"]
    text = json.dumps(search)
    assert text.count("{{") == text.count("{{ctx.trigger.scheduled_time}}") == 2


def test_a_filter_takes_buckets_away_and_a_watch_without_one_has_no_selector() -> None:
    def hosts(body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = body["input"]["search"]["request"]["body"]["aggs"]["by_host"]["aggs"]
        return found

    assert "passes" not in hosts(watch(RULE, NAMESPACE))
    body = watch(RULE, NAMESPACE, None, Filter((entry("keep", severity_at_least="critical", contains={"error_types": "crash"}),)))
    selector = hosts(body)["passes"]["bucket_selector"]
    ladder = "(params.condition_0 > 0 || params.error_count > 5 ? 4 : params.error_count > 2 ? 3 : 2)"
    assert selector["script"]["source"] == f"({ladder} >= 4 && params.filter_0 > 0)"
    assert selector["buckets_path"]["filter_0"] == "filter_0._count"


class Watcher:
    """What a cluster with Watcher keeps of one watch."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.watch: dict[str, Any] | None = None
        self.active = True
        self.version = 1
        self.status: dict[str, Any] = {}
        self.record: dict[str, Any] = {"state": "executed", "result": {"input": {"status": "success"}, "actions": []}}
        cluster.on("GET", "/_watcher/stats")
        cluster.on("GET|PUT|DELETE", PATH, self._answer)
        cluster.on("PUT", f"{PATH}/_(de)?activate", self._switch)
        cluster.on("POST", f"{PATH}/_execute", lambda _: Answer({"watch_record": self.record}))

    def _answer(self, request: Request) -> Answer:
        if request.method == "PUT":
            given = request.query.get("if_seq_no", str(self.version))
            if given != str(self.version):
                return Answer({"error": {"type": "version_conflict_engine_exception", "reason": "conflict"}}, 409)
            self.watch, self.active, self.version = request.json, request.query["active"] == "true", self.version + 1
            return Answer({"created": True})
        if self.watch is None:
            return Answer({"found": False}, 404)
        if request.method == "DELETE":
            self.watch = None
            return Answer({"found": True})
        status = self.status | {"state": {"active": self.active}}
        found = {"found": True, "_seq_no": self.version, "_primary_term": 1, "status": status, "watch": self.watch}
        return Answer(found)

    def _switch(self, request: Request) -> Answer:
        self.active = request.path.endswith("/_activate")
        return Answer({"status": {}})


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster(ELASTICSEARCH) as started:
        yield started


@pytest.fixture
def engine(cluster: FakeCluster) -> Iterator[Engine]:
    with connect(Connection(cluster.url)) as connected:
        yield connected


def test_a_watch_is_created_inactive_upgraded_as_it_is_and_removed(cluster: FakeCluster, engine: Engine) -> None:
    kept, target = Watcher(cluster), WatcherTarget(engine, NAMESPACE)
    target.prepare()
    assert target.status(RULE).state is State.MISSING
    target.put(RULE, enable=False)
    target.verify(RULE)
    assert (target.status(RULE).state, kept.active) == (State.SAME, False)
    assert target.set_enabled(RULE, enabled=True).changed
    assert not target.set_enabled(RULE, enabled=True).changed
    newer = Rule.model_validate(RULE.model_dump() | {"version": 2})
    assert target.status(newer).state is State.DRIFTED
    target.put(newer, enable=False)
    assert (target.status(newer).state, kept.active) == (State.SAME, True)
    assert target.remove(RULE).changed
    assert not target.remove(RULE).changed
    with pytest.raises(InputError, match="detect install"):
        target.set_enabled(RULE, enabled=True)


def test_what_somebody_else_made_is_left_alone(cluster: FakeCluster, engine: Engine) -> None:
    kept, target = Watcher(cluster), WatcherTarget(engine, NAMESPACE)
    kept.watch = {"trigger": {}}
    assert target.status(RULE).state is State.FOREIGN
    assert "left alone" in target.remove(RULE).action
    assert target.health(RULE) is None
    target.put(RULE, enable=False)
    assert (target.status(RULE).state, kept.active) == (State.SAME, False)


def test_a_watch_that_changed_meanwhile_is_not_overwritten(
    cluster: FakeCluster, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, target = Watcher(cluster), WatcherTarget(engine, NAMESPACE)
    target.put(RULE, enable=False)
    found = target._find(RULE)
    kept.version += 1
    monkeypatch.setattr(target, "_find", lambda _: found)
    with pytest.raises(ConflictError):
        target.put(RULE, enable=False)


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("upgrade", [False, True], ids=["new", "upgrade"])
def test_an_install_that_fails_anywhere_is_finished_by_the_next(
    cluster: FakeCluster, engine: Engine, upgrade: bool, lost: bool
) -> None:
    kept, target = Watcher(cluster), WatcherTarget(engine, NAMESPACE)
    cluster.on("GET", ".*/_(settings|mapping)")
    for number in count():
        rule, failing = Rule.model_validate(RULE.model_dump() | {"version": number + 1}), Failing(number, lost=lost)
        run = partial(install, engine, [], [rule], [target], enable=True, on_step=lambda _: None)
        cluster.fault = failing
        with suppress(DetectError):
            run()
        cluster.fault = None
        run()
        assert (target.status(rule).state, kept.active) == (State.SAME, True)
        if not failing.came:
            break
        if not upgrade:
            target.remove(rule)
    assert number > 3


@pytest.mark.parametrize(
    "record",
    [
        {"state": "executed", "result": {"input": {"status": "failure", "error": {"reason": "no such field"}}}},
        {"state": "executed", "result": {"actions": [{"status": "failure", "reason": "no such field"}]}},
        {"state": "executed", "result": {"actions": [{"transform": {"status": "failure", "reason": "no such field"}}]}},
        {"state": "failed", "messages": ["no such field"]},
    ],
)
def test_a_watch_that_fails_when_tried_is_told(cluster: FakeCluster, engine: Engine, record: dict[str, Any]) -> None:
    kept, target = Watcher(cluster), WatcherTarget(engine, NAMESPACE)
    target.put(RULE, enable=False)
    kept.record = record
    with pytest.raises(ClusterError, match=r"fails when it is tried over a past run: .*no such field"):
        target.verify(RULE)
    (trial,) = cluster.asked("POST", ".*_execute")
    assert trial.json["action_modes"] == {"_all": "simulate"}
    assert trial.json["record_execution"] is False


def test_the_health_of_a_watch(cluster: FakeCluster, engine: Engine) -> None:
    kept, target = Watcher(cluster), WatcherTarget(engine, NAMESPACE)
    target.put(RULE, enable=True)
    health = target.health(RULE)
    assert health is not None
    assert (health.enabled, health.last_run, health.last_error) == (True, None, None)
    run = {"successful": False, "reason": "index is read-only"}
    kept.status = {"last_checked": "2026-11-24T10:00:00.000Z", "actions": {"write_risk_events": {"last_execution": run}}}
    failed = target.health(RULE)
    assert failed is not None
    assert (failed.last_run, failed.last_error) == ("2026-11-24T10:00:00.000Z", "index is read-only")


def test_a_licence_without_watcher_is_told(cluster: FakeCluster, engine: Engine) -> None:
    cluster.on("GET|PUT", "/_watcher/.*", Answer(LICENCE, 403))
    assert "needs a trial or a paid one" in str(watcher_fault(engine))
    target = WatcherTarget(engine, NAMESPACE)
    for act in (target.prepare, lambda: target.put(RULE, enable=False)):
        with pytest.raises(ClusterError, match=r"licence of this cluster does not allow Watcher.*detect watch"):
            act()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "no handler found for uri [/_watcher/stats] and method [GET]"),
        (405, "Incorrect HTTP method for uri [/_watcher/stats] and method [GET], allowed: [POST]"),
    ],
)
def test_an_engine_without_watcher_is_told(cluster: FakeCluster, engine: Engine, status: int, words: str) -> None:
    cluster.on("GET", "/_watcher/stats", Answer({"error": words}, status))
    assert watcher_fault(engine) == "this Elasticsearch has no Watcher"
    cluster.on("GET", "/_watcher/stats", Answer({"error": {"type": "x", "reason": "y"}}, 400))
    with pytest.raises(ClusterError):
        watcher_fault(engine)
