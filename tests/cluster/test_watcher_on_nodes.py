"""The watch's search and script, run for real: the documents it would write are the risk events of the reference's findings.

No engine that can be started here has Watcher itself, so a script processor, which knows the same Painless, runs the script.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.errors import ClusterError
from integration.evaluation.risk_events import risk_event
from integration.findings.filter import NO_FILTER, Filter
from integration.install.installation import install
from integration.install.objects import desired_assets
from integration.names import Namespace
from integration.targets.watcher import body as watcher
from integration.targets.watcher.target import WatcherTarget, watcher_fault
from integration.times import parse_time, rfc3339
from tests.cluster.test_agreement import BASE, HOUR, reference_findings, shipped
from tests.support.builders import RULE, drop, rule_with
from tests.support.shipped import Shipped, stored

SCHEDULED = "{{ctx.trigger.scheduled_time}}"
_namespaces = count()


@pytest.fixture(scope="module")
def installed(engine: Engine) -> Iterator[Engine]:
    install(engine, desired_assets([RULE], engine.name), [RULE], on_step=lambda _: None)
    yield engine
    for index in {f"logs-ollama.server-watcher{n}" for n in range(next(_namespaces))}:
        drop(engine, index)


def store(engine: Engine, lines: Sequence[Shipped]) -> Namespace:
    return stored(engine, Namespace(f"watcher{next(_namespaces)}"), lines)


def answer(engine: Engine, body: dict[str, Any], at: int) -> dict[str, Any]:
    """What the watch's search finds when it is scheduled for `at`."""
    request = body["input"]["search"]["request"]
    search = json.loads(json.dumps(request["body"]).replace(SCHEDULED, rfc3339(at, millis=True)))
    if engine.name == "opensearch":
        search["derived"] = search.pop("runtime_mappings")
    return engine.search(",".join(request["indices"]), search)


def scripted(engine: Engine, script: dict[str, Any], payload: dict[str, Any], at: int) -> Any:
    """What a script of the watch returns: `return` becomes a field, and the time gets the type that Watcher gives it."""
    head, result, tail = script["source"].rpartition("return ")
    source = f"{head} ctx.result = {tail}" if result else script["source"]
    as_time = {"script": {"source": "ctx.trigger.scheduled_time = ZonedDateTime.parse(ctx.trigger.scheduled_time);"}}
    processors = [as_time, {"script": script | {"source": source}}, {"remove": {"field": "trigger"}}]
    document = {"payload": payload, "trigger": {"scheduled_time": rfc3339(at, millis=True)}}
    (outcome,) = engine.simulate({"processors": processors}, [document])
    assert "error" not in outcome, outcome
    return outcome["doc"]["_source"]["result"]


def written(
    engine: Engine, rule: Rule, namespace: Namespace, window: Window, post_filter: Filter = NO_FILTER
) -> list[dict[str, Any]]:
    """The documents that the watch would write, by host."""
    body = watcher.watch(rule, namespace, None, post_filter)
    payload = answer(engine, body, window.run_at)
    action = body["actions"]["write_risk_events"]
    if not all(scripted(engine, part["condition"]["script"], payload, window.run_at) for part in (body, action)):
        return []
    documents: list[dict[str, Any]] = scripted(engine, action["transform"]["script"], payload, window.run_at)["_doc"]
    return sorted(documents, key=lambda document: document["host"]["name"])


def expected(rule: Rule, lines: Sequence[Shipped], window: Window) -> list[dict[str, Any]]:
    found = [finding for finding in reference_findings(rule, list(lines)) if finding.window_start == window.start]
    return [{"_id": finding.id} | risk_event(rule, finding) for finding in found]


@given(st.lists(shipped, min_size=1, max_size=12))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_watch_writes_the_reference_s_risk_events(installed: Engine, lines: list[Shipped]) -> None:
    namespace = store(installed, lines)
    for window in RULE.windows.within(BASE, BASE + 3 * HOUR):
        assert written(installed, RULE, namespace, window) == expected(RULE, lines, window)


def test_a_rule_of_another_kind_makes_its_own_script(installed: Engine) -> None:
    rule = rule_with(
        severity=[
            {"level": "critical", "any": [{"stat": "error_types", "contains": "crash"}]},
            {"level": "high", "any": [{"stat": "unique_error_types", "greater_than": 1}]},
            {"level": "low"},
        ],
        risk=RULE.risk.model_dump()
        | {"message": "It's $host$: $unique_error_types$ \\ '$error_types$' $attack_type$ $code_sources$"},
        stats={"bin": "5m", "values": RULE.stats.values.model_dump()},
    )
    texts = ["exited", "model", "llama runner", "server.go"]
    lines = [Shipped(f"level=ERROR source=s.go:{n} {t}", f"gpu-{n // 3}", BASE + n * 700_000) for n, t in enumerate(texts)]
    window = rule.windows.window_of(BASE)
    documents = written(installed, rule, store(installed, lines), window)
    assert documents == expected(rule, lines, window)
    assert [document["finding"]["severity"] for document in documents] == ["critical", "low"]


def test_long_lists_are_cut_and_counted(installed: Engine) -> None:
    lines = [Shipped(f'level=ERROR source=s.go:{n % 8} msg="model {n:03}" err="e"', "gpu-1", BASE + n) for n in range(120)]
    window = RULE.windows.window_of(BASE)
    (document,) = written(installed, RULE, store(installed, lines), window)
    (whole,) = expected(RULE, lines, window)
    shown = len(document["finding"]["error_messages"])
    assert document["finding"]["error_messages"] == whole["finding"]["error_messages"][:shown]
    assert document["finding"]["truncated"]["error_messages"] == 120 - shown > 0
    assert document["finding"]["spl_row_count"] == whole["finding"]["spl_row_count"] == 120 * 8
    assert document["_id"] == whole["_id"]


def test_as_many_hosts_as_fit_say_that_there_may_be_more(installed: Engine) -> None:
    body = watcher.watch(RULE, Namespace("absent"))
    script = body["actions"]["more_hosts"]["condition"]["script"]
    lines = [Shipped("level=ERROR model", f"gpu-{n:03}", BASE + n) for n in range(watcher.MAX_HOSTS + 5)]
    window = RULE.windows.window_of(BASE)
    full = answer(installed, watcher.watch(RULE, store(installed, lines)), window.run_at)
    assert scripted(installed, script, full, window.run_at) is True
    few = answer(installed, watcher.watch(RULE, store(installed, lines[:3])), window.run_at)
    assert scripted(installed, script, few, window.run_at) is False


def test_nothing_found_writes_nothing(installed: Engine) -> None:
    window = RULE.windows.window_of(parse_time("2020-01-01T00:00:00Z"))
    assert written(installed, RULE, store(installed, [Shipped("level=INFO x", "gpu-1", BASE)]), window) == []
    absent = watcher.watch(RULE, Namespace("absent"))
    assert scripted(installed, absent["condition"]["script"], answer(installed, absent, window.run_at), window.run_at) is False


def test_a_cluster_without_watcher_says_so(engine: Engine) -> None:
    assert "no Watcher" in str(watcher_fault(engine))
    with pytest.raises(ClusterError, match="no Watcher"):
        WatcherTarget(engine, Namespace("default")).prepare()
