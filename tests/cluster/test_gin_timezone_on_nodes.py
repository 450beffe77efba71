"""Access lines on a cluster that was told the zone of their clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integration.engines.base import Engine
from integration.install.shared_objects import shared_objects
from integration.install.streams import streams_of
from integration.log.event import parse_document
from integration.names import PIPELINE, Namespace
from tests.support.builders import RULE
from tests.support.cli import Result, detect
from tests.support.installing import install_objects

BERLIN = "Europe/Berlin"
SENT = "2026-12-01T00:00:00.000Z"
RECORD = "time=2026-07-01T12:00:00.000+09:00 level=ERROR source=a.go:1 msg=model"


def gin(clock: str, path: str = "/api/chat") -> str:
    return f'[GIN] {clock} | 500 |  1.5s |  127.0.0.1 | POST     "{path}"'


WINTER = gin("2026/03/29 - 01:59:59")
TIMES: list[tuple[dict[str, Any], str]] = [
    ({"message": WINTER}, "2026-03-29T00:59:59.000Z"),
    ({"message": gin("2026/03/29 - 03:00:00")}, "2026-03-29T01:00:00.000Z"),
    ({"message": gin("2026/03/29 - 02:30:00")}, "2026-03-29T01:30:00.000Z"),  # which no clock shows
    ({"message": gin("2026/10/25 - 02:30:00")}, "2026-10-25T00:30:00.000Z"),  # which it shows twice
    ({"message": gin("2026/10/25 - 03:00:00")}, "2026-10-25T02:00:00.000Z"),
    ({"message": gin("2026/02/30 - 03:00:00")}, SENT),
    ({"message": gin("2026/07/01 - 12:00:00", "level=x")}, "2026-07-01T10:00:00.000Z"),
    ({"message": gin("2026/07/01 - 12:00:00", r"/a\"b")}, "2026-07-01T10:00:00.000Z"),
    ({"message": f"Jul 01 12:00:01 gpu-1 ollama[7]: {gin('2026/07/01 - 12:00:00')}"}, "2026-07-01T10:00:00.000Z"),
    ({"message": WINTER, "event": {"timezone": "+05:00"}}, "2026-03-28T20:59:59.000Z"),
    ({"message": WINTER, "event": {"timezone": "America/New_York"}}, "2026-03-29T05:59:59.000Z"),
    ({"message": WINTER, "event": {"timezone": "CST"}}, SENT),
    ({"message": WINTER, "event": {"timezone": "CEST"}}, "2026-03-28T23:59:59.000Z"),
    ({"message": WINTER, "event": {"timezone": 5}}, "2026-03-29T00:59:59.000Z"),
    ({"message": RECORD}, "2026-07-01T03:00:00.000Z"),
    ({"message": f'{RECORD} path="{WINTER}"'}, "2026-07-01T03:00:00.000Z"),
    ({"message": f"panic: {WINTER}"}, SENT),
    ({"message": f"llama_load: x\n{WINTER}"}, SENT),
    ({"message": f"{WINTER}\n{RECORD}"}, "2026-03-29T00:59:59.000Z"),
    ({"message": "panic: x"}, SENT),
]


@pytest.fixture(scope="module")
def zoned(engine: Engine) -> Iterator[Engine]:
    """A cluster on which lines without a zone are of Berlin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DETECT_URL", engine.url)
        assert detect("install", "--gin-timezone", BERLIN).code == 0
        yield engine
    install_objects(engine, shared_objects([RULE], engine.name), force=True)


def differing(answer: Result) -> tuple[int, dict[str, str]]:
    return answer.code, {step["step"]: step["cluster"] for step in answer.json["steps"] if "cluster" in step}


def stored(engine: Engine, namespace: Namespace) -> dict[str, str]:
    """The time of each stored line, by the line."""
    engine.refresh(namespace.events)
    hits = engine.search(namespace.events, {"size": 100})["hits"]["hits"]
    return {hit["_source"]["event"]["original"]: hit["_source"]["@timestamp"] for hit in hits}


def test_a_clock_counts_in_the_zone_that_is_known(zoned: Engine) -> None:
    documents = [{"@timestamp": SENT, "host": {"name": "gpu-1"}} | document for document, _ in TIMES]
    got = [answer["doc"]["_source"] for answer in zoned.simulate(PIPELINE, documents)]
    assert [(each["event"]["original"], each["@timestamp"]) for each in got] == [
        (each["event"]["original"], time) for each, (_, time) in zip(got, TIMES, strict=True)
    ]
    for document, each in zip(documents, got, strict=True):
        event = parse_document(document, received_at=0, gin_timezone=ZoneInfo(BERLIN))
        zone = {"timezone": document["event"]["timezone"]} if "event" in document else {}
        twin = event.document()
        assert each == twin | {"event": twin["event"] | zone}  # type: ignore[operator]
    again = [answer["doc"]["_source"] for answer in zoned.simulate(PIPELINE, got)]
    assert again == got


def test_the_zone_stays_until_it_is_ended(zoned: Engine) -> None:
    def told() -> object:
        return detect("status", "--format", "json").json["events"]["gin_timezone"]

    try:
        for options, zone in (
            ((), BERLIN),
            (("--gin-timezone", "none"), None),
            ((), None),
            (("--gin-timezone", "Asia/Tokyo"), "Asia/Tokyo"),
        ):
            assert detect("install", *options).code == 0
            assert (streams_of(zoned).gin_timezone, told(), detect("diff").code) == (zone, zone, 0)
        assert "Asia/Tokyo" in detect("status").out
        refused = detect("install", "--gin-timezone", "CET")
        assert (refused.code, "'CET' is not a time zone" in refused.err) == (2, True)
        planned = detect("install", "--gin-timezone", BERLIN, "--dry-run", "--format", "json").json["objects"]
        assert [each["name"] for each in planned if each["plan"] == "update"] == [PIPELINE]
        body = zoned.get_pipeline(PIPELINE)
        assert body is not None
        changed = [each for each in body["processors"] if each.get("set", {}).get("tag") != "gin-timezone"]
        kept = {key: body[key] for key in ("description", "on_failure")}
        zoned.put_pipeline(PIPELINE, kept | {"processors": changed})
        assert detect("diff").code == 1
    finally:
        assert detect("install", "--gin-timezone", BERLIN).code == 0


def test_ingest_knows_better(zoned: Engine, tmp_path: Path) -> None:
    """The offset of the records around a line goes before the installation's zone."""
    namespace = Namespace("ginzone")
    line = gin("2026/07/01 - 12:00:00")
    (tmp_path / "a.log").write_text(f"{RECORD}\n{line}\n", encoding="utf-8")
    (tmp_path / "b.log").write_text(f"{WINTER}\npanic: model\n", encoding="utf-8")
    names = [str(tmp_path / name) for name in ("a.log", "b.log")]
    options = ("--namespace", namespace.name)
    assert detect("ingest", *names, "--host", "gpu-1", *options).code == 0
    times = stored(zoned, namespace)
    assert (times[line], times[WINTER]) == ("2026-07-01T03:00:00.000Z", "2026-03-29T00:59:59.000Z")
    assert detect("validate", *options, "--from", "2026-07-01", "--to", "2026-07-02").code == 0
    known, installed = (
        detect("explain", f"{name}:{n}", "--url", zoned.url, "--format", "json") for name, n in zip(names, (2, 1), strict=True)
    )
    assert (differing(known), differing(installed)) == ((0, {}), (0, {}))
    clocks = [step["says"] for answer in (known, installed) for step in answer.json["steps"] if step["step"] == "@timestamp"]
    assert clocks == [
        "2026-07-01T03:00:00.000Z  (its own clock, in the zone of the records around it)",
        "2026-03-29T00:59:59.000Z  (its own clock, in the zone of the installation)",
    ]
    for hit in zoned.search(namespace.events, {})["hits"]["hits"]:
        assert differing(detect("explain", "--doc", hit["_id"], *options, "--format", "json")) == (0, {})


def test_cases_have_the_time_that_they_say(zoned: Engine, tmp_path: Path) -> None:
    """A rule's cases hold whatever zone was installed."""
    assert RULE.file is not None
    text = (
        RULE.file.read_text(encoding="utf-8")
        .replace(f"id: {RULE.id}", "id: mine", 1)
        .replace("field: error_type", "field: my_type", 1)
    )
    (tmp_path / "mine.yml").write_text(text, encoding="utf-8")
    cases = [
        {"name": "fires", "lines": ["level=ERROR msg=exited"], "expect": [{"label": "service_crash"}]},
        {
            "name": "as it is sent",
            "lines": [WINTER],
            "time": "2026-04-01T10:00:00Z",
            "expect": [{"@timestamp": "2026-04-01T10:00:00.000Z"}],
        },
        {
            "name": "as its records say",
            "log": f"{RECORD}\n{gin('2026/07/01 - 12:00:00')}\n",
            "expect": [{"label": "model_error"}, {"label": "none", "@timestamp": "2026-07-01T03:00:00.000Z"}],
        },
    ]
    file = tmp_path / "tests" / "mine" / "cases.yml"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(cases), encoding="utf-8")
    answer = detect("test", "--url", zoned.url, "--rules", str(tmp_path), "--rule", "mine")
    assert (answer.code, answer.out) == (0, ""), answer.err


def test_the_doctor_tries_the_clock(zoned: Engine) -> None:
    checks = detect("doctor", "--format", "json").json["checks"]
    assert [check["verdict"] for check in checks if check["check"] == "pipeline"] == ["ok"]
    body = zoned.get_pipeline(PIPELINE)
    assert body is not None
    text = json.dumps({key: body[key] for key in ("description", "processors", "on_failure")})
    try:
        zoned.put_pipeline(PIPELINE, json.loads(text.replace(".atZone(ZoneId.of(zone))", ".atZone(ZoneId.of('Z'))")))
        checks = detect("doctor", "--format", "json").json["checks"]
    finally:
        zoned.put_pipeline(PIPELINE, json.loads(text))
    assert [check["verdict"] for check in checks if check["check"] == "pipeline"] == ["fail"]
