"""The scheduler as a process on a real node: catching up, two of them, an outage, a crash, an end in good order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from integration.detection.loading import load_rules
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.evaluation.cluster import evaluate
from integration.names import Namespace
from integration.sandbox.local import Node
from integration.scheduler.progress import read_progress
from integration.times import parse_time, rfc3339
from tests.support.builders import RULE, error
from tests.support.installing import install_shared
from tests.support.waiting import DEADLINE, until

HOUR = 3_600_000
HOURS = 30
_namespaces = count()


@dataclass
class Site:
    """A namespace with lines in each of the last windows up to `last`: while a test runs, one more may come to its end."""

    node: Node
    engine: Engine
    namespace: Namespace
    last: Window
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def watch(self, log: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start `detect watch` as a process of its own; its events go to a file."""
        command = [sys.executable, "-c", "from integration.cli import main; main()", "watch", "--url", self.node.url]
        command += ["--rule", RULE.id]
        command += ["--namespace", self.namespace.name, *arguments]
        with log.open("a") as stream:
            process = subprocess.Popen(command, stderr=stream, stdout=subprocess.PIPE, text=True)
        self.running.append(process)
        return process

    def progress_starts(self, hours_ago: int) -> None:
        """Let the last done window be the one of so many hours ago."""
        text = rfc3339(self.last.end - hours_ago * HOUR, millis=True)
        source = {"kind": "progress", "rule_id": RULE.id, "window_end": text, "revisit_from": text}
        self.engine.put_document(self.namespace.state, f"rule-{RULE.id}", source)

    def done(self, log: Path) -> list[str]:
        """The ends of these windows, as a log tells of them."""
        ends = [str(entry["window_end"]) for entry in events(log, "window_done")]
        return [end for end in ends if parse_time(end) <= self.last.end]

    def risk_events(self) -> dict[str, dict[str, Any]]:
        """The stored risk events by id, with the version each was written in."""
        body = {"size": 10_000, "version": True, "query": {"match_all": {}}}
        self.engine.refresh(self.namespace.risk)
        return {hit["_id"]: hit for hit in self.engine.search(self.namespace.risk, body)["hits"]["hits"]}

    def check(self, hours: int) -> None:
        """Neither doubled nor lost: the stored findings are those of the windows, each written once."""
        windows = RULE.windows.within(self.last.end - hours * HOUR, self.last.end)
        expected = [f for window in windows for f in evaluate(self.engine, RULE, self.namespace.events, window)]
        assert len(expected) == hours
        stored = self.risk_events()
        assert sorted(stored) == sorted(f.id for f in expected)
        assert {hit["_version"] for hit in stored.values()} == {1}


def events(log: Path, name: str) -> list[dict[str, Any]]:
    """The events of that name; every whole line must be one JSON object."""
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    entries = [json.loads(line) for line in lines if line.endswith("\n")]
    return [entry for entry in entries if entry["event"] == name]


def prepared(node: Node, engine: Engine) -> Site:
    rules = load_rules()
    install_shared(engine, rules)
    last = RULE.windows.last_run(time.time_ns() // 1_000_000)
    site = Site(node, engine, Namespace(f"watch{next(_namespaces)}"), last)
    sources = []
    for hour in range(HOURS):
        at = rfc3339(last.end - hour * HOUR - 1, millis=True)
        line = error(f'source=server.go:{hour} msg="ollama exited" err="exit status 1"', at=at)
        sources.append((str(hour), {"@timestamp": at, "message": line, "host": {"name": "gpu-1"}}))
    for item in engine.bulk_create(site.namespace.events, sources):
        assert item.ok, item.reason
    engine.refresh(site.namespace.events)
    return site


def ended(site: Site) -> None:
    for process in site.running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def site(node: Node, engine: Engine) -> Iterator[Site]:
    prepared_site = prepared(node, engine)
    yield prepared_site
    ended(prepared_site)
    for index in (prepared_site.namespace.risk, prepared_site.namespace.state):
        engine.delete_index(index)
    if engine.name == "opensearch":  # the Elasticsearch of the tests has no API for it
        engine.delete_data_stream(prepared_site.namespace.events)


def test_once_catches_up_what_was_missed_and_then_has_nothing_to_do(site: Site, tmp_path: Path) -> None:
    site.progress_starts(12)
    log = tmp_path / "log"
    assert site.watch(log, "--once").wait(DEADLINE) == 0
    site.check(12)
    assert len(site.done(log)) == 12
    assert site.watch(log, "--once").wait(DEADLINE) == 0
    assert len(site.done(log)) == 12
    site.check(12)


def test_without_progress_the_newest_risk_event_says_where_to_go_on(site: Site, tmp_path: Path) -> None:
    log = tmp_path / "log"
    site.progress_starts(5)
    assert site.watch(log, "--once").wait(DEADLINE) == 0
    site.engine.delete_index(site.namespace.state)
    log.unlink()
    assert site.watch(log, "--once").wait(DEADLINE) == 0
    assert site.done(log) == []
    site.check(5)


def test_sigterm_ends_in_good_order_and_health_is_told(site: Site, tmp_path: Path) -> None:
    log, health = tmp_path / "log", tmp_path / "health.json"
    site.progress_starts(3)
    process = site.watch(log, "--health-file", str(health), "--health-port", "0")
    until(lambda: health.exists() and json.loads(health.read_text())["state"] == "running", "the scheduler")
    until(lambda: len(site.done(log)) == 3, "the windows")
    (listening,) = events(log, "health")
    with urlopen(f"http://127.0.0.1:{listening['port']}/health", timeout=10) as answer:
        assert json.load(answer)["healthy"] is True
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 0
    assert json.loads(health.read_text())["state"] == "stopped"
    assert [entry["signal"] for entry in events(log, "stopping")] == ["SIGTERM"]
    site.check(3)


def test_two_schedulers_at_once_double_nothing_and_tell_nothing_twice(site: Site, tmp_path: Path) -> None:
    site.progress_starts(HOURS)
    logs = [tmp_path / "one", tmp_path / "two"]
    processes = [site.watch(log) for log in logs]
    until(lambda: all(events(log, "window_done") for log in logs), "a window of each")
    until(lambda: any(rfc3339(site.last.end, millis=False) in site.done(log) for log in logs), "the last window")
    for process in processes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    site.check(HOURS)
    told = [entry["id"] for log in logs for entry in events(log, "finding")]
    assert sorted(told) == sorted(site.risk_events())
    assert [events(log, name) for log in logs for name in ("failing", "rule_failed", "finding_updated")] == [[]] * 6
    progress = read_progress(site.engine, site.namespace, RULE.id)
    assert progress is not None
    assert progress.end >= site.last.end


def test_another_scheduler_goes_on_when_one_is_killed(site: Site, tmp_path: Path) -> None:
    site.progress_starts(HOURS)
    logs = [tmp_path / "one", tmp_path / "two"]
    killed, _ = [site.watch(log) for log in logs]
    until(lambda: events(logs[0], "window_done"), "the first window")
    killed.kill()
    until(lambda: len(site.risk_events()) == HOURS, "every risk event")
    site.check(HOURS)


def test_a_scheduler_killed_again_and_again_doubles_and_loses_nothing(site: Site, tmp_path: Path) -> None:
    site.progress_starts(HOURS)
    log = tmp_path / "log"
    for kills in range(1, 4):
        process = site.watch(log)
        done = len(events(log, "window_done"))
        until(lambda done=done: len(events(log, "window_done")) > done, "a window")  # type: ignore[misc]
        time.sleep(0.03 * kills)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert site.watch(log, "--once").wait(DEADLINE) == 0
    site.check(HOURS)


@pytest.mark.enough_on("opensearch")
def test_a_node_that_is_stopped_and_started_in_between(fragile: Node, tmp_path: Path) -> None:
    with connect(Connection(fragile.url)) as engine:
        site = prepared(fragile, engine)
        site.progress_starts(HOURS)
        log, health = tmp_path / "log", tmp_path / "health.json"
        process = site.watch(log, "--health-file", str(health))
        try:
            until(lambda: len(events(log, "window_done")) >= 2, "the first windows")
            fragile.kill()
            until(lambda: events(log, "failing"), "the outage")
            until(lambda: json.loads(health.read_text())["state"] == "failing", "the word of it")
            fragile.start()
            until(lambda: rfc3339(site.last.end, millis=False) in site.done(log), "the last window")
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE) == 0
            site.check(HOURS)
        finally:
            ended(site)
