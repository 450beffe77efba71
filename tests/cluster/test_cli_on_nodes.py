"""The main job through the command line, on a real node: install, ingest, run, validate, status, uninstall."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.engines.base import Engine
from integration.sandbox.local import Node
from tests.support.builders import RULE, error
from tests.support.cli import Result, detect
from tests.support.shipped import drop

NAMESPACE = "cli"
LINES = [
    error('source=server.go:224 msg="ollama exited" err="exit status 1"', at="2026-11-24T09:12:00.500Z"),
    error('source=sched.go:1 msg="error loading model" error="x@example.com"', at="2026-11-24T09:49:59.999Z"),
    error("source=server.go:304 msg=pulling model=x", at="2026-11-24T09:50:00.000Z"),
    'level=INFO msg="model"',
    "panic: runtime error",
]
ONE = ("--rule", RULE.id)


@pytest.fixture(scope="module")
def url(node: Node, engine: Engine) -> Iterator[str]:
    yield node.url
    engine.delete_index(f"detect-risk-{NAMESPACE}")
    detect("uninstall", "--url", node.url, "--namespace", NAMESPACE, "--delete-data", "--yes")


def run(url: str, *arguments: str) -> Result:
    return detect(*arguments, "--url", url, "--namespace", NAMESPACE)


@pytest.fixture(scope="module")
def ingested(url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    log = tmp_path_factory.mktemp("log") / "server.log"
    log.write_text("\n".join(LINES) + "\n")
    assert run(url, "install").code == 0
    first = run(url, "ingest", str(log), "--host", "gpu-1", "--format", "json")
    assert (first.code, first.json["created"], first.json["failed"]) == (0, 5, 0), first
    second = run(url, "ingest", str(log), str(log), "--host", "gpu-1", "--format", "json")
    assert (second.code, second.json["created"], second.json["already_there"]) == (0, 0, 5)
    return url


def test_ingest_before_install_says_what_to_do(url: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("level=INFO\n")
    run(url, "uninstall")
    answer = run(url, "ingest", str(tmp_path / "a.log"))
    assert answer.code == 3
    assert "detect install" in answer.err


def test_install_dry_run_changes_nothing_and_prints_the_plan(url: str, engine: Engine) -> None:
    run(url, "uninstall")
    answer = run(url, "install", "--dry-run", "--format", "json")
    assert answer.code == 0
    assert answer.err.rstrip().endswith("Dry run: nothing was changed.")
    objects = answer.json["objects"]
    assert {o["plan"] for o in objects if o["kind"] != "indices"} <= {"create", "update"}
    assert all(o["body"] for o in objects)
    assert engine.get_pipeline("ollama.server") is None
    shown = run(url, "install", "--dry-run").out
    assert "ingest pipeline" in shown
    assert "\nPlan: " in shown
    assert "grok" not in shown
    assert "grok" in run(url, "install", "--dry-run", "--bodies").out


def test_install_twice_changes_nothing_the_second_time(ingested: str) -> None:
    answer = run(ingested, "install", "--format", "json")
    assert answer.code == 0
    assert {step["action"] for step in answer.json["steps"]} == {"unchanged"}
    assert run(ingested, "diff").code == 0


def test_lines_that_were_taken_and_are_not_there_are_missed(ingested: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.log").write_text(error("x", at="2026-10-01T00:00:00.000Z", level="INFO"))
    monkeypatch.setattr(Engine, "count", lambda *_: 0)
    answer = run(ingested, "ingest", str(tmp_path / "a.log"), "--host", "lost")
    assert answer.code == 4
    assert "took 1 lines, but 0 lines of these files are there now" in answer.err


def test_hosts_of_paths_are_ingested_and_can_be_undone(ingested: str, engine: Engine, tmp_path: Path) -> None:
    asked = ("--url", ingested, "--namespace", "hosts", "--format", "json")
    with zipfile.ZipFile(tmp_path / "logs.zip", "w") as archive:
        for host in ("gpu-1", "gpu-2"):
            archive.writestr(f"{host}/server.log", "\n".join(LINES))
    plain = tmp_path / "gpu-3-server.log"
    plain.write_text("\n".join(LINES))
    answer = detect("ingest", str(tmp_path / "logs.zip"), *asked)
    assert (answer.code, answer.json["created"], answer.json["hosts"]) == (0, 10, {"gpu-1": 5, "gpu-2": 5}), answer
    assert "Lines by machine, by the folders of the files (--host-from path:" in answer.err
    assert "4 of the lines have no time of their own" in answer.err
    answer = detect("ingest", str(plain), *asked)
    assert answer.json["hosts"] == {"gpu-3": 5}
    ran = detect("run", *asked, "--at", "2026-11-24T10:00:00Z")
    assert [(found["host"], found["error_count"]) for found in ran.json["findings"]] == [(f"gpu-{n}", 2) for n in (1, 2, 3)]
    undo = ("ingest", "--undo", str(tmp_path / "logs.zip"), *asked)
    assert detect(*undo, stdin=b"n\n").code == 2
    assert detect(*undo, "--yes", "--host", "gpu-1").json == {"deleted": 5}
    answer = detect(*undo, "--yes", "--host", "gpu-1")
    assert answer.json == {"deleted": 0}
    assert (
        "logs.zip: there is no line of it from gpu-1 to take out: logs-ollama.server-hosts has lines of it from gpu-2."
        in answer.err
    )
    assert detect(*undo, "--yes").json == {"deleted": 5}
    answer = detect(*undo, str(tmp_path / "typo.log"), "--yes")
    assert answer.json == {"deleted": 0}
    for name in ("logs.zip", "typo.log"):
        assert f"{name}: there is no line of it to take out: logs-ollama.server-hosts has lines of {plain}." in answer.err
    assert detect("ingest", "--undo", str(tmp_path), *asked, "--yes").code == 2
    assert detect(*undo, "--yes", "--host-from", "path:2").code == 2
    answer = detect(*undo, "--yes", "--namespace", "none")
    assert "logs-ollama.server-none has no line of any file" in answer.err
    ran = detect("run", *asked, "--at", "2026-11-24T10:00:00Z")
    assert [found["host"] for found in ran.json["findings"]] == ["gpu-3"]
    assert detect("ingest", str(tmp_path / "logs.zip"), *asked).json["created"] == 10
    drop(engine, "logs-ollama.server-hosts")


def test_text_of_another_program_is_stored_only_by_force(ingested: str, engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "auth.log"
    path.write_text("Nov 24 09:00:00 gpu-1 sshd[1]: Accepted publickey\n" * 3)
    asked = ("--url", ingested, "--namespace", "foreign", "--format", "json")
    assert detect("ingest", str(path), *asked).code == 2
    answer = detect("ingest", "-", *asked, stdin=path.read_bytes())
    assert (answer.code, answer.err) == (
        2,
        "detect: -: 0 of 3 lines look like Ollama's\nLeave it out, or store its lines all the same with --force.\n",
    )
    assert engine.count("logs-ollama.server-foreign", {"match_all": {}}) == 0
    assert detect("ingest", str(path), *asked, "--force").json["created"] == 3
    drop(engine, "logs-ollama.server-foreign")


def test_run_and_scan_say_the_same(ingested: str, tmp_path: Path) -> None:
    answer = run(ingested, "run", "--from", "2026-11-24", "--to", "2026-11-25", "--format", "json", "--spl-rows")
    (tmp_path / "server.log").write_text("\n".join(LINES))
    scanned = detect("scan", str(tmp_path / "server.log"), "--host", "gpu-1", "--format", "json", "--spl-rows")
    assert answer.json == scanned.json
    assert [f["severity"] for f in answer.json["findings"]] == ["critical", "medium"]


def test_run_at_a_time_is_one_window(ingested: str) -> None:
    answer = run(ingested, "run", *ONE, "--at", "2026-11-24T10:59:59Z", "--format", "json", "--fail-on", "critical")
    assert answer.code == 1
    assert [(f["window_start"], f["error_count"]) for f in answer.json["findings"]] == [("2026-11-24T08:50:00Z", 2)]
    assert answer.json["events"] == {"read": 2, "selected": 2}


def test_written_risk_events_do_not_change_when_written_again(ingested: str, engine: Engine) -> None:
    span = ("--from", "2026-11-24", "--to", "2026-11-25", "--write", *ONE)
    assert "2 created, 0 updated, 0 unchanged" in run(ingested, "run", *span).err
    hits = engine.search(f"detect-risk-{NAMESPACE}", {"query": {"match_all": {}}, "version": True})["hits"]["hits"]
    assert "0 created, 0 updated, 2 unchanged" in run(ingested, "run", *span).err
    again = engine.search(f"detect-risk-{NAMESPACE}", {"query": {"match_all": {}}, "version": True})["hits"]["hits"]
    assert sorted(map(json.dumps, hits)) == sorted(map(json.dumps, again))
    source = min((hit["_source"] for hit in hits), key=lambda s: s["@timestamp"])
    assert source["risk"] == {"score": 10, "object": "gpu-1", "object_type": "system", "threat_objects": []}
    assert source["threat"]["technique"]["id"] == ["T1190"]
    assert source["message"].startswith("Suspicious model loading errors detected on gpu-1 with 2 failures showing error messages")
    assert hits[0]["_id"] in {hit["_source"]["event"]["id"] for hit in hits}


def test_validate_agrees(ingested: str) -> None:
    answer = run(ingested, "validate", *ONE, "--from", "2026-11-24", "--to", "2026-11-25")
    assert answer.code == 0, answer
    assert answer.out.startswith("The Python reference agrees with the cluster: 2 findings in 23 windows")


def test_nothing_found_among_no_events_is_not_an_all_clear(ingested: str) -> None:
    there = "There are documents in "
    listed = "logs-ollama.server-cli ("
    answer = run(ingested, "validate", "--index", "nosuch", "--at", "2026-11-24T10:00:00Z", "--format", "json")
    assert (answer.code, answer.json["agrees"], answer.json["rules"][0]["events"]["read"]) == (1, False, 0)
    assert "NO EVENTS: there is no nosuch, so" in answer.err
    assert there in answer.err
    assert listed in answer.err
    answer = run(ingested, "validate", "--at", "2020-01-01T00:00:00Z")
    assert (answer.code, answer.out.splitlines()[0][:47]) == (1, "Nothing was compared: there is no event in 1 wi")
    answer = run(ingested, "run", "--at", "2020-01-01T00:00:00Z", "--format", "json")
    assert (answer.code, answer.json) == (0, {"findings": [], "events": {"read": 0, "selected": 0}})
    assert "NO EVENTS: logs-ollama.server-cli holds no event from 2019-12-31T22:50:00Z to 2019-12-31T23:50:00Z" in answer.err
    assert "The newest event in logs-ollama.server-cli is of 2026-11-24T" in answer.err
    assert "`detect run --at 2026-11-24T" in answer.err
    assert listed in answer.err
    answer = detect("findings", "--url", ingested, "--namespace", "nosuch", "--from", "2026-11-24")
    assert answer.code == 0
    assert "NO EVENTS: there is no logs-ollama.server-nosuch, so" in answer.err
    assert listed in answer.err
    answer = run(ingested, "findings", "--source", "risk", "--host", "another")
    assert (answer.code, "NO EVENTS" in answer.err) == (0, False)


def test_validate_differs_when_the_cluster_lost_a_field(ingested: str, engine: Engine, tmp_path: Path) -> None:
    index = "logs-ollama.server-broken"
    event = {"original": LINES[0], "dataset": "ollama.server"}
    document = {"@timestamp": "2026-11-24T09:00:00Z", "event": event, "host": {"name": "h"}, "log": {"level": "ERROR"}}
    (item,) = engine.bulk_create(index, [("1", document)], pipeline="_none")
    assert item.ok
    engine.refresh(index)
    answer = detect(
        "validate", "--url", ingested, "--namespace", "broken", *ONE, "--at", "2026-11-24T10:00:00Z", "--format", "json"
    )
    drop(engine, index)
    assert answer.code == 1
    assert answer.json["agrees"] is False
    assert {d["field"] for d in answer.json["rules"][0]["differences"]} >= {"error_details", "severity", "spl_row_count"}
    (causes,) = answer.json["rules"][0]["causes"]
    assert causes["reason"] == "the reference and the cluster read these events differently"
    assert [(each["id"], "error_details: reference '" in each["says"]) for each in causes["events"]] == [("1", True)]


def test_status_counts(ingested: str) -> None:
    answer = run(ingested, "status", "--format", "json")
    assert answer.code == 0
    assert answer.json["events"]["count"] == 6
    kinds = ("past_pipeline", "parse_failures", "without_host", "line_unlisted", "record_apart", "without_time", "cut_lines")
    assert [answer.json["events"][kind] for kind in kinds] == [0] * 7
    assert {o["state"] for o in answer.json["objects"]} == {"same"}
    assert "logs-ollama.server-cli" in run(ingested, "status").out


def test_documents_that_never_went_through_the_pipeline_are_told_and_what_is_said_mends_them(ingested: str, engine: Engine) -> None:
    index = "logs-ollama.server-bare"
    line = error('source=a.go:1 msg="model exited" err="exit status 1" api_key=hunter2', at="2026-11-24T09:00:00.000Z")
    shipped = {"@timestamp": "2026-11-24T09:00:01Z", "message": line, "host": {"name": "gpu-1"}}
    marked = shipped | {"event": {"dataset": "ollama.server"}, "agent": {"type": "filebeat", "name": "edge"}}
    asked = ("--url", ingested, "--namespace", "bare", "--format", "json")
    list(engine.bulk_create(index, [("1", shipped)], pipeline="ollama.server"))
    list(engine.bulk_create(index, [("2", shipped), ("3", marked | {"log.file.path": "/a.log"})], pipeline="_none"))
    engine.refresh(index)
    answer = detect("status", *asked)
    assert (answer.code, answer.json["events"]["count"], answer.json["events"]["past_pipeline"]) == (1, 3, 2)
    assert "they are not redacted, and no rule sees them" in answer.err
    assert "filebeat edge /a.log" in answer.err
    assert "that never went through the pipeline" in detect("status", *asked[:-2]).out
    assert detect("validate", *asked, "--at", "2026-11-24T10:00:00Z").code == 1
    assert detect("validate", *asked, "--at", "2026-11-24T10:00:00Z").json["documents"]["past_pipeline"] == 2
    for verb, times in (("run", ("--at", "2026-11-24T10:00:00Z")), ("findings", ("--from", "2026-11-24"))):
        assert "2 documents in logs-ollama.server-bare never went through the pipeline" in detect(verb, *asked, *times).err
        assert "pipeline" not in detect(verb, *asked, "--from", "2026-11-23", "--to", "2026-11-23T12:00:00Z").err
    mend(engine, answer.err)
    answer = detect("status", *asked)
    assert (answer.code, answer.json["events"]["past_pipeline"], answer.err) == (0, 0, "")
    first, second, _ = (hit["_source"] for hit in engine.search(index, {"sort": ["_doc"]})["hits"]["hits"])
    assert first == second
    assert "hunter2" not in json.dumps(second)
    ran = detect("run", *asked, "--at", "2026-11-24T10:00:00Z")
    assert [finding["error_count"] for finding in ran.json["findings"]] == [3]
    assert detect("validate", *asked, "--at", "2026-11-24T10:00:00Z").code == 0
    drop(engine, index)


def test_events_without_a_host_are_told_with_their_senders_and_can_be_named(ingested: str, engine: Engine) -> None:
    index = "logs-ollama.server-nameless"
    line = error('source=a.go:1 msg="model exited"', at="2026-11-24T09:00:00.000Z")
    sent = {"@timestamp": "2026-11-24T09:00:01Z", "message": line, "log": {"file": {"path": "/a.log"}}}
    list(engine.bulk_create(index, [("1", sent), ("2", sent)], pipeline="ollama.server"))
    engine.refresh(index)
    asked = ("--url", ingested, "--namespace", "nameless", "--format", "json")
    answer = detect("status", *asked)
    assert (answer.code, answer.json["events"]["without_host"]) == (1, 2)
    assert "Sent by: /a.log" in answer.err
    ran = detect("run", *asked, "--at", "2026-11-24T10:00:00Z")
    (finding,) = ran.json["findings"]
    assert (finding["host"], finding["error_count"]) == ("unknown", 2)
    assert "1 finding is for the host 'unknown' and may sum up several machines" in ran.err
    assert finding["risk_message"].endswith("(the host is unknown: this may sum up several machines)")
    checks = detect("doctor", *asked).json["checks"]
    (check,) = (check for check in checks if check["check"] == "documents")
    assert check["verdict"] == "fail"
    assert "2 documents name no machine" in check["detail"]
    mend(engine, answer.err.replace('"NAME"', '"gpu-1"'))
    assert detect("status", *asked).code == 0
    (finding,) = detect("run", *asked, "--at", "2026-11-24T10:00:00Z").json["findings"]
    assert (finding["host"], finding["error_count"]) == ("gpu-1", 2)
    assert {"check": "documents", "verdict": "ok"}.items() <= detect("doctor", *asked).json["checks"][-1].items()
    drop(engine, index)


def test_what_made_the_pipeline_fail_goes_through_it_again(ingested: str, engine: Engine) -> None:
    index = "logs-ollama.server-failed"
    line = error('source=a.go:1 msg="model exited"', at="2026-11-24T09:00:00.000Z")
    failed = {
        "@timestamp": "2026-11-24T09:00:00.000Z",
        "event": {"original": line, "dataset": "ollama.server"},
        "message": line,
        "host": {"name": "gpu-1"},
        "ollama": {"parse_error": "it failed"},
        "tags": ["ollama_parse_failure"],
    }
    list(engine.bulk_create(index, [("1", failed)], pipeline="_none"))
    engine.refresh(index)
    asked = ("--url", ingested, "--namespace", "failed", "--format", "json")
    answer = detect("status", *asked)
    assert (answer.code, answer.json["events"]["parse_failures"]) == (1, 1)
    mend(engine, answer.err)
    assert detect("status", *asked).code == 0
    assert len(detect("run", *asked, "--at", "2026-11-24T10:00:00Z").json["findings"]) == 1
    drop(engine, index)


def mend(engine: Engine, told: str) -> None:
    """Send the request that a verb told, and make what it did visible."""
    request, body = told.splitlines()[-2:]
    method, _, path = request.partition(" ")
    assert engine.request(method, path, json.loads(body))["updated"] > 0
    engine.refresh(path.split("/")[1])


def test_drift_is_seen_and_repaired(ingested: str, engine: Engine) -> None:
    body = engine.get_template("logs-ollama.server")
    assert body is not None
    body = {key: value for key, value in body.items() if "_date" not in key} | {"priority": 7}
    engine.put_template("logs-ollama.server", body)
    answer = run(ingested, "diff", "--format", "json")
    assert answer.code == 1
    drifted = [o for o in answer.json["objects"] if o["state"] == "drifted"]
    assert [(o["name"], o["differences"]) for o in drifted] == [
        ("logs-ollama.server", [{"path": "priority", "desired": "250", "found": "7"}])
    ]
    assert run(ingested, "install").code == 0
    assert run(ingested, "diff").code == 0


def test_foreign_objects_are_not_overwritten(url: str, engine: Engine) -> None:
    run(url, "uninstall", "--delete-data", "--yes")
    engine.put_pipeline("ollama.server", {"description": "mine", "processors": []})
    answer = run(url, "install")
    assert answer.code == 2
    assert "bears no ownership tag of detect" in answer.err
    would = run(url, "install", "--dry-run")
    assert (would.code, "1 to refuse" in would.out, "bears no ownership tag of detect" in would.err) == (2, True, True)
    assert "1 to replace" in run(url, "install", "--dry-run", "--force").out
    assert (engine.get_pipeline("ollama.server") or {})["description"] == "mine"
    assert "left alone" in run(url, "uninstall").out
    assert run(url, "install", "--force").code == 0
    assert run(url, "diff").code == 0


def test_uninstall_keeps_data_unless_told(url: str, engine: Engine, tmp_path: Path) -> None:
    run(url, "install")
    (tmp_path / "a.log").write_text(LINES[0])
    assert run(url, "ingest", str(tmp_path / "a.log")).code == 0
    assert run(url, "uninstall").code == 0
    index = f"logs-ollama.server-{NAMESPACE}"
    events = engine.count(index, {"match_all": {}})
    assert events >= 1
    assert engine.get_pipeline("ollama.server") is None
    assert run(url, "install").code == 0
    assert run(url, "diff").code == 0
    if engine.name == "elasticsearch":  # the local one cannot delete a data stream: then that is said before anything goes
        for option in ("--dry-run", "--yes"):
            answer = run(url, "uninstall", "--delete-data", option)
            assert (answer.code, answer.out, "`detect cluster down --delete-data`" in answer.err) == (3, "", True)
        assert engine.count(index, {"match_all": {}}) == events
        assert run(url, "diff").code == 0
        return
    would = run(url, "uninstall", "--delete-data", "--dry-run", "--format", "json").json["steps"]
    assert {"kind": "data stream", "name": index, "action": "deleted", "changed": True} in would
    assert {"kind": "ingest pipeline", "name": "ollama.server", "action": "deleted", "changed": True} in would
    unanswered = run(url, "uninstall", "--delete-data")
    assert unanswered.code == 2
    assert "nothing was changed: it was not confirmed" in unanswered.err
    assert engine.count(index, {"match_all": {}}) == events
    assert run(url, "uninstall", "--delete-data", "--yes").code == 0
    assert not engine.exists(index)
    assert engine.get_template("logs-ollama.server") is None
