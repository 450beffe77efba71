"""`detect findings`, `detect doctor` and the user's settings on a real node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.evaluation import history as findings_module
from integration.evaluation.cluster import evaluate
from integration.evaluation.history import AlertQuery, AlertState, FindingQuery, Skipped, risk_findings
from integration.evaluation.risk_events import risk_event
from integration.names import Namespace
from integration.render.aggregation import BY_HOST, window_search
from integration.sandbox.local import Node
from integration.targets.kibana import alerts as kibana_alerts
from integration.targets.opensearch import alerts as opensearch_alerts
from integration.targets.opensearch.alerts import monitor_findings
from integration.targets.opensearch.plugins import has_alerting
from integration.times import parse_time
from tests.support.builders import RULE, error, merged, with_columns
from tests.support.cli import Result, detect
from tests.support.fake_alerting import AlertingCluster
from tests.support.fake_kibana import API_KEY, FakeKibana
from tests.support.fake_kibana_alerts import detection_alert

NAMESPACE = Namespace("found")
OWN_INDEX = "own-ollama"
WANTED = FindingQuery({RULE.id: RULE})
SPAN = ("--from", "2026-11-24T07:50:00Z", "--to", "2026-11-24T12:50:00Z")


def lines() -> list[str]:
    """In each of five hours one line more."""
    return [
        error(f'source=server.go:{n} msg="model {hour}" err="disk full {n}"', at=f"2026-11-24T{hour + 8:02}:{n:02}:00.000Z")
        for hour in range(5)
        for n in range(hour + 1)
    ]


def run(url: str, *arguments: str) -> Result:
    return detect(*arguments, "--url", url, "--namespace", NAMESPACE.name)


@pytest.fixture(scope="module")
def url(node: Node, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("log") / "server.log"
    log.write_text("\n".join(lines()) + "\n")
    assert run(node.url, "install").code == 0
    assert run(node.url, "ingest", str(log), "--host", "gpu-1").code == 0
    assert run(node.url, "ingest", str(log), "--host", "lab-1").code == 0
    answer = run(node.url, "run", *SPAN, "--write")
    assert answer.code == 0, answer.err
    yield node.url
    engine.delete_index(NAMESPACE.risk)
    engine.delete_index(OWN_INDEX)
    engine.delete_index(NAMESPACE.state)
    if engine.name == "opensearch":  # the Elasticsearch of the tests has no API for it
        engine.delete_data_stream(NAMESPACE.events)


def evaluated(engine: Engine) -> list[Any]:
    return [f for window in windows() for f in evaluate(engine, RULE, NAMESPACE.events, window)]


def windows() -> list[Window]:
    return list(RULE.windows.within(parse_time(SPAN[1]), parse_time(SPAN[3])))


def test_risk_events_come_back_as_the_findings_they_were(url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings_module, "_PAGE", 3)
    assert merged(risk_findings(engine, NAMESPACE.risk, WANTED, Skipped())) == evaluated(engine)


def test_a_risk_event_that_somebody_meddled_with_is_passed_over_and_told(url: str, engine: Engine) -> None:
    found = evaluated(engine)[:3]
    events = [(finding.id, risk_event(RULE, finding)) for finding in found]
    events[1][1]["finding"]["error_count"] = "7"
    for name, event in events:
        engine.put_document("detect-risk-meddled", name, event)
    left_out = Skipped()
    assert list(risk_findings(engine, "detect-risk-meddled", WANTED, left_out)) == [found[0], found[2]]
    assert engine.delete_index("detect-risk-meddled")
    (note,) = left_out.notes()
    assert note.startswith(f"Left out: 1 risk events that hold no finding (the first: detect-risk-meddled, document {found[1].id}")


def test_no_index_has_no_findings(url: str, engine: Engine) -> None:
    assert list(risk_findings(engine, "detect-risk-never", WANTED, Skipped())) == []
    answer = detect("findings", "--url", url, "--namespace", "never", "--format", "json")
    assert (answer.code, answer.json) == (0, {"findings": [], "events": {"read": 0, "selected": 0}})


def test_the_command_gives_what_run_gives(url: str) -> None:
    shown = (*SPAN, "--timezone", "Asia/Kolkata", "--format", "json")
    answer = run(url, "findings", *shown)
    assert answer.json == run(url, "run", *shown).json
    assert len(answer.json["findings"]) == 10


def test_findings_are_narrowed_by_time_host_and_severity(url: str) -> None:
    def found(*arguments: str) -> list[tuple[str, str, str]]:
        records = run(url, "findings", "--format", "json", *arguments).json["findings"]
        return [(f["window_start"][11:16], f["host"], f["severity"]) for f in records]

    assert found("--from", "2026-11-24T11:00:00Z") == [("11:50", "gpu-1", "high"), ("11:50", "lab-1", "high")]
    assert {start for start, _, _ in found("--to", "2026-11-24T09:50:00Z")} == {"07:50", "08:50"}
    assert {host for _, host, _ in found("--host", "LAB-*")} == {"lab-1"}
    assert {severity for _, _, severity in found("--severity", "high")} == {"high"}
    assert run(url, "findings", "--fail-on", "high").code == 1
    assert run(url, "findings", "--fail-on", "critical").code == 0
    assert len(run(url, "findings", "--format", "csv", "--host", "lab-1", "--severity", "high").out.splitlines()) > 3
    assert run(url, "findings", "--severity", "grave").code == 2


def test_one_finding_is_shown_in_full_by_the_beginning_of_its_id(url: str) -> None:
    first, second, *_ = run(url, "findings", "--format", "json").json["findings"]
    answer = run(url, "findings", "show", first["id"][:12].upper())
    assert (answer.code, first["id"] in answer.out, first["host"] in answer.out) == (0, True, True)
    assert run(url, "findings", "show", second["id"], "--format", "json").json["findings"] == [second]
    assert "no finding has an id that begins with 'zz'" in run(url, "findings", "show", "zz").err
    several = run(url, "findings", "show", "")
    assert (several.code, "findings have an id that begins with ''" in several.err) == (2, True)


def monitor_alerts(engine: Engine) -> list[dict[str, Any]]:
    """What the rule's monitor would have left: a bucket each host and window, raised long after the window."""
    alerts: list[dict[str, Any]] = []
    for window in windows():
        body = window_search(RULE, engine.name, window.start, window.end)
        for bucket in engine.search(NAMESPACE.events, body)["aggregations"][BY_HOST]["buckets"]:
            content = {"bucket": json.loads(json.dumps(bucket))}
            alerts.append({"id": f"{len(alerts)}", "agg_alert_content": content, "start_time": 1, "last_notification_time": 2})
    return alerts


def test_alerts_give_the_same_findings_and_each_counts_once(url: str, engine: Engine) -> None:
    alerts = [*monitor_alerts(engine), {"id": "error", "state": "ERROR", "start_time": 1}]
    asked = AlertQuery(WANTED, AlertState.ALL, Skipped())
    from_alerts = list(monitor_findings(engine, RULE, NAMESPACE.events, alerts, asked))
    assert from_alerts == evaluated(engine)
    assert merged(risk_findings(engine, NAMESPACE.risk, WANTED, Skipped()), from_alerts) == evaluated(engine)
    assert list(asked.left_out.notes()) == []


def test_a_bucket_that_another_version_left_is_passed_over(url: str, engine: Engine) -> None:
    good, bad = monitor_alerts(engine)[:2]
    del bad["agg_alert_content"]["bucket"]["first_seen"]
    asked = AlertQuery(WANTED, AlertState.ALL, Skipped())
    alerts = [bad, {"id": "x", "agg_alert_content": {"bucket": []}}, good]
    assert list(monitor_findings(engine, RULE, NAMESPACE.events, alerts, asked)) == evaluated(engine)[:1]
    (note,) = asked.left_out.notes()
    assert "Left out: 2 alerts of OpenSearch Alerting" in note
    assert "first_seen" in note


def test_an_alert_whose_events_are_gone_keeps_what_it_shows(url: str, engine: Engine) -> None:
    cut, *_ = monitor_alerts(engine)[-1:]
    details = cut["agg_alert_content"]["bucket"]["error_details"]
    details |= {"buckets": details["buckets"][:3], "sum_other_doc_count": 2}
    asked = AlertQuery(WANTED, AlertState.ALL, Skipped())
    whole = evaluated(engine)[-1]
    assert list(monitor_findings(engine, RULE, NAMESPACE.events, [cut], asked)) == [whole]
    gone = list(monitor_findings(engine, RULE, "logs-deleted-by-now", [cut], asked))
    assert gone == [replace(with_columns(whole, error_details=whole["error_details"][:3]), truncated=(("error_details", 1),))]


def test_more_alerts_than_one_search_reaches(url: str, engine: Engine) -> None:
    if engine.name != "opensearch":
        assert not has_alerting(engine)
        return
    cluster = AlertingCluster(url)
    try:
        alert = {"monitor_id": "m", "monitor_name": "ours", "severity": "1", "state": "ACTIVE"}
        # As many begin in one millisecond as a page of the monitor's search has hosts.
        starts = {str(n): 1_795_513_800_000 + n // 999 for n in range(10_400)}
        cluster.alerts = {("m", "t", key): alert | {"id": key, "start_time": start} for key, start in starts.items()}
        with connect(Connection(cluster.url)) as alerting:
            left_out = Skipped()
            listed = list(opensearch_alerts.alerts(alerting, "m", AlertState.OPEN, left_out))
            assert sorted(each["id"] for each in listed) == sorted(starts)
            assert list(left_out.notes()) == []
            assert opensearch_alerts.count_open(alerting, "m") == 10_400
    finally:
        cluster.close()


def test_alerts_in_kibana_are_listed_beside_risk_events(url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kibana's searches reach a real index: they page, and pick out of documents that write names flat, nested and both."""
    monkeypatch.setenv("DETECT_API_KEY", API_KEY)
    index = ".alerts-security.alerts-default"

    def search(name: str, body: dict[str, Any]) -> dict[str, Any]:
        return engine.search(name, body)

    with FakeKibana(search) as kibana:
        where = ("--kibana-url", kibana.url, "--format", "json", *SPAN)
        if engine.name == "opensearch":
            assert run(url, "findings", *where).json == run(url, "run", "--format", "json", *SPAN).json
            return
        found = evaluated(engine)
        keywords = ("kibana.alert.uuid", "kibana.alert.rule.rule_id", "kibana.alert.workflow_status", "kibana.space_ids")
        properties = {name: {"type": "keyword"} for name in keywords}
        engine.request("PUT", f"/{index}", {"mappings": {"dynamic": False, "properties": properties}, "settings": {"hidden": True}})
        try:
            alerts = [detection_alert(RULE, NAMESPACE, finding, "open" if n % 2 else "closed") for n, finding in enumerate(found)]
            for alert in alerts[::3]:
                columns = {name.removeprefix("finding."): alert.pop(name) for name in list(alert) if name.startswith("finding.")}
                alert["finding"] = columns
            alerts[1]["finding"] = {"host": alerts[1].pop("finding.host")}
            stored = engine.bulk_create(index, [(str(n), alert) for n, alert in enumerate(alerts)])
            assert all(item.ok for item in stored)
            engine.refresh(index)
            kibana_alerts._PAGE, page = 3, kibana_alerts._PAGE
            try:
                answer = run(url, "findings", "--source", "alerts", *where)
            finally:
                kibana_alerts._PAGE = page
            assert answer.err == ""
            assert answer.json == run(url, "findings", *where).json == run(url, "run", "--format", "json", *SPAN).json
            closed = run(url, "findings", "--source", "alerts", "--state", "closed", *where).json["findings"]
            assert [f["host"] for f in closed] == [f.host for f in found[::2]]
        finally:
            engine.delete_index(index)


def test_an_alert_that_shows_a_part_of_its_values_is_not_hidden(
    url: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule kept it for a value beyond those that it shows."""
    monkeypatch.setenv("DETECT_API_KEY", API_KEY)
    settings = tmp_path / "detect.toml"
    settings.write_text("[[filter]]\naction = 'keep'\ncontains.error_details = 'beyond'\n")
    whole, cut = (found := evaluated(engine))[0], replace(found[2], truncated=(("error_details", 7),))
    with FakeKibana() as kibana:
        kibana.alerts.add(".alerts-security.alerts-default", *(detection_alert(RULE, NAMESPACE, each) for each in (whole, cut)))
        where = ("--kibana-url", kibana.url, "--format", "json", "--source", "alerts")
        answer = run(url, "findings", "--config", str(settings), *where, *SPAN)
    shown = [] if engine.name == "opensearch" else [{"id": cut.id} | cut.to_json()]
    assert answer.json["findings"] == shown


def test_the_filter_applies_to_run_validate_and_findings(url: str, tmp_path: Path) -> None:
    settings = tmp_path / "detect.toml"
    settings.write_text(
        "[[filter]]\naction = 'exclude'\nhost = 'lab-*'\n[[filter]]\naction = 'keep'\ngreater_than.error_count = 3\n"
        "[thresholds]\nhigh = 4\n"
    )
    span = (*SPAN, "--config", str(settings), "--format", "json")
    answer = run(url, "run", *span)
    assert [(f["host"], f["error_count"], f["severity"]) for f in answer.json["findings"]] == [
        ("gpu-1", 4, "medium"),
        ("gpu-1", 5, "high"),
    ]
    assert "8 more findings taken away" in answer.err
    assert run(url, "validate", *span).json["rules"][-1]["findings"] == 2
    assert [f["error_count"] for f in run(url, "findings", *span).json["findings"]] == [4, 5]


CUT_KEYWORD = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 20}}}
OWN_LINES = {"keyword": ({"type": "keyword"}, ""), "text": ({"type": "text"}, ""), "cut": (CUT_KEYWORD, ".keyword")}


@pytest.mark.parametrize(("line", "inside"), OWN_LINES.values(), ids=OWN_LINES)
def test_an_index_of_the_user_s_own(url: str, engine: Engine, tmp_path: Path, line: dict[str, Any], inside: str) -> None:
    properties = {
        "when": {"type": "date"},
        "raw": line,
        "machine": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "lvl": {"type": "keyword"},
        "parsed": {"properties": {"m": line, "e": {"type": "keyword"}, "s": {"type": "keyword"}}},
    }
    engine.delete_index(OWN_INDEX)
    engine.request("PUT", f"/{OWN_INDEX}", {"mappings": {"properties": properties}})
    hits = list(engine.scan(NAMESPACE.events, {"query": {"match_all": {}}}))
    sources = [
        (
            hit["_id"],
            {
                "when": hit["_source"]["@timestamp"],
                "raw": hit["_source"]["event"]["original"],
                "machine": hit["_source"]["host"]["name"],
                "lvl": hit["_source"]["log"]["level"],
                "parsed": {"m": hit["_source"]["ollama"]["msg"], "e": hit["_source"]["ollama"]["err"]},
                "parsed.s": hit["_source"]["ollama"]["source"],
            },
        )
        for hit in hits
    ]
    assert all(item.ok for item in engine.bulk_create(OWN_INDEX, sources))
    engine.refresh(OWN_INDEX)
    settings = tmp_path / "detect.toml"
    settings.write_text(
        f"[index]\npattern = '{OWN_INDEX}'\ndataset = ''\n[fields]\n'@timestamp' = 'when'\nevent.original = 'raw{inside}'\n"
        "host.name = 'machine.keyword'\nlog.level = 'lvl'\n"
        f"ollama = {{msg = 'parsed.m{inside}', err = 'parsed.e', source = 'parsed.s'}}\n"
    )
    span = (*SPAN, "--format", "json")
    answer = run(url, "run", *span, "--config", str(settings))
    assert answer.code == 0, answer.err
    assert answer.json == run(url, "run", *span).json
    validated = run(url, "validate", *span, "--config", str(settings))
    assert validated.code == 0, validated.out
    assert validated.json["rules"][-1]["events"] == {"read": 30, "selected": 30}
    checks = run(url, "doctor", "--format", "json", "--config", str(settings)).json["checks"]
    fields = [(c["verdict"], "finds little or nothing" in c["detail"]) for c in checks if c["check"] == "fields"]
    assert set(fields) == {("ok", False), ("info", True)}


def test_an_index_of_our_names_may_map_them_as_ecs_does(url: str, engine: Engine, tmp_path: Path) -> None:
    names = ("host.name", "log.level", "event.dataset", "ollama.msg", "ollama.err", "ollama.source")
    raw = {"type": "keyword", "index": False, "doc_values": False}
    properties = {"@timestamp": {"type": "date"}, "event.original": raw, **{name: {"type": "keyword"} for name in names}}
    engine.delete_index(OWN_INDEX)
    engine.request("PUT", f"/{OWN_INDEX}", {"mappings": {"properties": properties}})
    hits = engine.scan(NAMESPACE.events, {"query": {"match_all": {}}})
    assert all(item.ok for item in engine.bulk_create(OWN_INDEX, [(hit["_id"], hit["_source"]) for hit in hits]))
    engine.refresh(OWN_INDEX)
    settings = tmp_path / "detect.toml"
    settings.write_text(f"[index]\npattern = '{OWN_INDEX}'\ndataset = 'ollama.server'\n")
    span = (*SPAN, "--format", "json")
    answer = run(url, "run", *span, "--config", str(settings))
    assert (answer.code, answer.json) == (0, run(url, "run", *span).json), answer.err


def test_doctor_is_content_with_a_sound_installation(url: str) -> None:
    answer = run(url, "doctor", "--format", "json")
    assert answer.code == 0, answer.out
    assert answer.json["healthy"] is True
    assert {c["check"] for c in answer.json["checks"]} >= {"connection", "clock", "objects", "pipeline", "permissions", "scheduler"}
    assert "parses lines as it should" in run(url, "doctor").out


def test_doctor_names_what_is_broken(url: str, engine: Engine) -> None:
    engine.put_pipeline("ollama.server", {"description": "[ollama-detect 0 0]", "processors": []})
    try:
        answer = run(url, "doctor", "--format", "json")
    finally:
        assert run(url, "install").code == 0
    assert answer.code == 1
    failed = {c["check"]: c["detail"] for c in answer.json["checks"] if c["verdict"] == "fail"}
    assert failed.keys() == {"objects", "pipeline"}
    assert "`detect install` puts it right" in failed["pipeline"]


def test_doctor_without_a_cluster_ends_with_3() -> None:
    assert detect("doctor", "--url", "http://127.0.0.1:9").code == 3
