"""`detect validate` three ways on real nodes: the reference, the cluster, and what alerts and risk events recorded."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.evaluation.cluster import evaluate
from integration.names import Namespace
from integration.sandbox.local import Node
from integration.times import parse_time, rfc3339
from tests.support.alerting_node import wipe
from tests.support.builders import RULE, error
from tests.support.cli import Result, detect
from tests.support.fake_alerting import AlertingCluster
from tests.support.fake_kibana import API_KEY, FakeKibana
from tests.support.fake_kibana_alerts import detection_alert
from tests.support.servers import on_elasticsearch_9, on_opensearch
from tests.support.shipped import drop

_numbers = count()  # for the whole run, since two engines take turns
SPAN = ("--from", "2026-11-24T08:50:00Z", "--to", "2026-11-24T10:50:00Z")
RUNS = [parse_time(f"2026-11-24T{hour}:00:00Z") for hour in (10, 11)]
HOSTS = {"gpu-1": ("09:00", "10:00"), "gpu-2": ("09:10",)}


@dataclass(frozen=True)
class Site:
    """A cluster, and a namespace on it of one test's own: the Elasticsearch of the tests cannot delete data streams."""

    engine: Engine
    namespace: Namespace

    def detect(self, *arguments: str) -> Result:
        return detect(*arguments, "--url", self.engine.url, "--namespace", self.namespace.name)

    def validated(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit code, and what JSON says of the rule."""
        answer = self.detect("validate", *SPAN, "--rule", RULE.id, "--format", "json", *arguments)
        return answer.code, answer.json["rules"][0]

    def begin(self) -> None:
        """Install, and store the first three lines."""
        assert self.detect("install").code == 0
        for host, times in HOSTS.items():
            for at in times:
                self.ship(f"{host}-{at}", host, at, ingested=RUNS[0] - 1)

    def ship(self, name: str, host: str, at: str, *, ingested: int | None = None, text: str = "model") -> None:
        line = error(f'source=server.go:1 msg="{text}" err="disk full"', at=f"2026-11-24T{at}:00.000Z")
        document: dict[str, Any] = {"@timestamp": f"2026-11-24T{at}:00Z", "message": line, "host": {"name": host}}
        if ingested is not None:
            document["event"] = {"ingested": rfc3339(ingested, millis=False)}
        (item,) = self.engine.bulk_create(self.namespace.events, [(name, json.dumps(document))])
        assert item.ok, item.reason
        self.engine.refresh(self.namespace.events)


@pytest.fixture
def site(engine: Engine) -> Iterator[Site]:
    """A cluster that holds three lines, and no alert."""
    made = Site(engine, Namespace(f"threeway{next(_numbers)}"))
    made.begin()
    yield made
    drop(engine, made.namespace.events)
    engine.delete_index(made.namespace.risk)


@pytest.fixture
def alerting(node: Node) -> Iterator[AlertingCluster]:
    cluster = AlertingCluster(node.url)
    yield cluster
    cluster.close()


@pytest.fixture
def alerted(alerting: AlertingCluster) -> Iterator[Site]:
    """A cluster with Alerting that holds three lines, in which the monitors ran over both windows."""
    with connect(Connection(alerting.url)) as engine:
        wipe(engine)
        made = Site(engine, Namespace("threeway"))
        made.begin()
        for run_at in RUNS:
            for monitor in list(alerting.monitors):
                alerting.run(monitor, run_at)
        yield made
        wipe(engine)


@on_opensearch
def test_what_alerts_recorded_is_compared(alerted: Site, alerting: AlertingCluster) -> None:
    code, rule = alerted.validated()
    # The alert of gpu-1 stayed open, so that it tells of its second window alone: the first is no difference.
    assert (code, rule["findings"], rule["recorded"], rule["differences"]) == (0, 3, 2, [])
    for key, alert in alerting.alerts.items():
        if key[2] == "gpu-1":
            alert["agg_alert_content"]["bucket"]["doc_count"] = 7
    code, rule = alerted.validated()
    assert code == 1
    told = {(d["host"], d["window_start"], d["field"]): d for d in rule["differences"]}
    count = told["gpu-1", "2026-11-24T09:50:00Z", "error_count"]
    assert (count["reference"], count["cluster"], count["recorded"]) == (1, 1, {"OpenSearch alert": 7})
    assert {host for host, _, _ in told} == {"gpu-1"}
    assert [(c["host"], [e["id"] for e in c["events"]]) for c in rule["causes"]] == [("gpu-1", ["gpu-1-10:00"])]


@on_opensearch
def test_events_that_came_after_the_run_are_the_cause(alerted: Site) -> None:
    late = RUNS[0] + 60_000
    hostile = "model \x1b[31m]]><b>"
    alerted.ship("late-2", "gpu-2", "09:30", ingested=late)
    alerted.ship("late-3", "gpu-3", "09:40", ingested=late, text=hostile)
    code, rule = alerted.validated()
    told = {(d["host"], d["field"]): (d["reference"], d["cluster"], d["recorded"]) for d in rule["differences"]}
    assert (code, told["gpu-2", "error_count"]) == (1, (2, 2, {"OpenSearch alert": 1}))
    assert told["gpu-3", "finding"] == ("present", "present", {"OpenSearch alert": "absent"})
    assert "gpu-1" not in {host for host, _ in told}
    causes = {c["host"]: c for c in rule["causes"]}
    assert [e["id"] for e in causes["gpu-2"]["events"]] == ["late-2"]
    assert [e["id"] for e in causes["gpu-3"]["events"]] == ["late-3"]
    assert "arrived after the run at 2026-11-24T10:00:00Z" in causes["gpu-3"]["reason"]
    table = alerted.detect("validate", *SPAN, "--rule", RULE.id)
    assert (table.code, "what was RECORDED DIFFERS" in table.out, "\x1b[31m" in table.out) == (1, True, False)
    assert "late-3" in table.out
    answer = alerted.detect("validate", *SPAN, "--format", "junit")
    root = ET.fromstring(answer.out)
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert (answer.code, failed) == (1, ["window 2026-11-24T08:50:00Z to 2026-11-24T09:50:00Z"])
    assert root.get("failures") == "1"


@on_opensearch
def test_a_monitor_that_ran_and_recorded_nothing_is_told(
    alerted: Site, alerting: AlertingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerting.alerts.clear()
    alerting.completed.clear()
    code, rule = alerted.validated()
    assert (code, rule["recorded"], rule["differences"]) == (0, 0, [])
    for monitor in alerting.monitors.values():
        monitor.body |= {"enabled": True, "enabled_time": RUNS[0] - 1}
    # What began after the run of the first window is no fault of the monitor's.
    monkeypatch.setattr("integration.commands.recording_places.now", lambda: RUNS[1] + 3_600_000)
    code, rule = alerted.validated()
    absent = {(d["host"], d["window_start"]): d["recorded"] for d in rule["differences"]}
    assert (code, set(absent)) == (1, {("gpu-1", f"2026-11-24T0{h}:50:00Z") for h in (8, 9)} | {("gpu-2", "2026-11-24T08:50:00Z")})
    assert all(each == {"OpenSearch alert": "absent"} for each in absent.values())
    for monitor in alerting.monitors.values():
        monitor.body["enabled_time"] = RUNS[0] + 1
    assert {d["window_start"] for d in alerted.validated()[1]["differences"]} == {"2026-11-24T09:50:00Z"}


@on_elasticsearch_9
def test_what_risk_events_recorded_is_compared(site: Site) -> None:
    answer = site.detect("validate", *SPAN, "--rule", RULE.id)
    assert (answer.code, "There is no alert or risk event in this range" in answer.err) == (0, True)
    assert site.detect("run", *SPAN, "--rule", RULE.id, "--write").code == 0
    code, rule = site.validated("--timezone", "Asia/Kolkata")
    assert (code, rule["recorded"], rule["findings"]) == (0, 3, 3)
    hits = {hit["_source"]["host"]["name"]: hit for hit in site.engine.search(site.namespace.risk, {})["hits"]["hits"]}
    changed = hits["gpu-2"]["_source"]
    changed["finding"]["severity"] = "critical"
    site.engine.put_document(site.namespace.risk, hits["gpu-2"]["_id"], changed)
    site.ship("late", "gpu-3", "09:40")
    site.engine.refresh(site.namespace.risk)
    code, rule = site.validated()
    told = {(d["host"], d["field"]): d["recorded"] for d in rule["differences"]}
    # The window of gpu-3 has risk events of others, so that its own is missing.
    assert (code, told) == (1, {("gpu-2", "severity"): {"risk event": "critical"}, ("gpu-3", "finding"): {"risk event": "absent"}})
    starts = {"gpu-8": "2026-11-24T08:50:00Z", "gpu-9": "2026-11-24T09:50:00Z"}
    for host, start in starts.items():
        of_host = {"host": host, "window_start": start, "window_end": start.replace("T09", "T10").replace("T08", "T09")}
        document = changed | {"event": changed["event"] | {"id": host}, "finding": changed["finding"] | of_host}
        site.engine.put_document(site.namespace.risk, host, document)
    site.engine.refresh(site.namespace.risk)
    code, rule = site.validated()
    told = {(d["host"], d["field"]): (d["reference"], d["cluster"], d["recorded"]) for d in rule["differences"]}
    # There are events as old as its window, but none of this host: somebody deleted them, or invented the risk event.
    assert told["gpu-9", "finding"] == ("absent", "absent", {"risk event": "present"})
    assert {c["host"]: c["reason"] for c in rule["causes"]}["gpu-9"] == "there is no event of this host in this window any more"
    # No event is as old as this window begins.
    assert ("gpu-8", "finding") not in told
    assert rule["recorded_outlived_events"] == 1


@on_elasticsearch_9
def test_what_detection_rules_in_kibana_recorded_is_compared(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECT_API_KEY", API_KEY)
    windows = [RULE.windows.window_of(at - 3_600_000) for at in RUNS]
    first, second, third = (f for window in windows for f in evaluate(site.engine, RULE, site.namespace.events, window))
    with FakeKibana() as kibana:
        alerts = (first, replace(second, risk_score=99), third)
        index = ".alerts-security.alerts-default"
        kibana.alerts.add(index, *(detection_alert(RULE, site.namespace, each) for each in alerts[1:]))
        asked = ("--kibana-url", kibana.url)
        code, rule = site.validated(*asked)
        told = {(d["host"], d["window_start"], d["field"]): d["recorded"] for d in rule["differences"]}
        assert (code, told) == (
            1,
            {
                ("gpu-1", "2026-11-24T08:50:00Z", "finding"): {"Kibana alert": "absent"},
                ("gpu-2", "2026-11-24T08:50:00Z", "risk_score"): {"Kibana alert": 99},
            },
        )
        kibana.alerts.documents[index] = [detection_alert(RULE, site.namespace, each) for each in (first, second, third)]
        code, rule = site.validated(*asked)
        assert (code, rule["recorded"]) == (0, 3)


def test_rows_that_splunk_exported_are_compared_with_those_of_the_cluster(site: Site, tmp_path: Path) -> None:
    export, asked = tmp_path / "results.csv", ("--at", "2026-11-24T10:00:00Z", "--rule", RULE.id)
    export.write_text(site.detect("run", *asked, "--spl-rows", "--format", "csv").out, encoding="utf-8")
    answer = site.detect("validate", *asked, "--splunk-export", str(export))
    assert answer.code == 0, answer
    assert answer.out.startswith("Splunk's rows agree: 2 rows from Splunk, 2 here from 2 events, 2 alike.")
    # Over both windows as one, as Splunk's search over that time, gpu-1 has two errors.
    answer = site.detect("validate", *SPAN, "--splunk-export", str(export), "--format", "json")
    (difference,) = answer.json["differences"]
    assert (answer.code, answer.json["rows"]["alike"], difference["host"]) == (1, 1, "gpu-1")
    assert [cell["column"] for cell in difference["cells"]] == ["last_error", "error_count"]
    nothing = site.detect("validate", "--from", "2020-01-01", "--to", "2020-01-02", "--splunk-export", str(export))
    assert (nothing.code, "NO EVENTS" in nothing.err) == (1, True)
