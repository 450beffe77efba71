"""Lines that hold several events in JSON."""

from __future__ import annotations

import json
import os
import time
from base64 import b64encode
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integration.log.batches import events_of, has_batches
from integration.log.documents import document
from integration.log.files import CandidateReader, read_lines
from integration.log.line import read
from integration.times import parse_time
from tests.support.lines import lines

NEEDLE = b"level=error"
ERROR = 'time=2026-11-28T10:15:04.123Z level=ERROR source=server.go:316 msg="error loading model"'
PANIC = "panic: runtime error: index out of range"
SENT_AT = parse_time("2026-11-28T10:15:05Z")
WRITTEN = parse_time("2026-11-29T00:00:00Z")


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def as_list(texts: list[str]) -> str:
    return compact([{"date": 1795860905.0, "log": text, "stream": "stderr", "host": "gpu-1"} for text in texts])


def as_vectors_list(texts: list[str]) -> str:
    objects = [{"host": "gpu-1", "message": text, "timestamp": "2026-11-28T10:15:05Z"} for text in texts]
    return f" \t[ {' , '.join(map(json.dumps, objects))}\t] , "


def as_objects(texts: list[str]) -> str:
    return "".join(compact({"log": text, "time": "2026-11-28T10:15:05Z", "hostname": "gpu-1"}) for text in texts)


def as_objects_apart(texts: list[str]) -> str:
    return " \t".join(json.dumps({"MESSAGE": text, "_HOSTNAME": "gpu-1", "ts": 1795860905}) for text in texts)


def cloudwatch(texts: list[str], **more: Any) -> dict[str, Any]:
    events = [{"id": str(n), "timestamp": 1795860905000, "message": text} for n, text in enumerate(texts)]
    about = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"]}
    return {**about, "hostname": "gpu-1", "logEvents": events, **more}


def as_cloudwatch(texts: list[str]) -> str:
    return compact(cloudwatch(texts))


def as_firehose(texts: list[str]) -> str:
    return "".join(compact(cloudwatch(some)) for some in (texts[:2], texts[2:3], texts[3:]) if some)


def pair(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def record(body: Any, **more: Any) -> dict[str, Any]:
    return {"timeUnixNano": "1795860905000000000", "observedTimeUnixNano": "1795860906000000000", "body": body, **more}


def otlp(*records: dict[str, Any], resource: Any = None) -> dict[str, Any]:
    shared = {"attributes": [pair("host.name", "gpu-1"), pair("os.type", "linux")]} if resource is None else resource
    return {"resourceLogs": [{"resource": shared, "scopeLogs": [{"scope": {}, "logRecords": [*records]}], "schemaUrl": "u"}]}


def as_otlp(texts: list[str]) -> str:
    attributes = [pair("log.file.name", "server.log")]
    return compact(otlp(*(record({"stringValue": text}, attributes=attributes, severityText="") for text in texts)))


def as_otlp_of_journald(texts: list[str]) -> str:
    return compact(
        otlp(
            *(
                {
                    "observedTimeUnixNano": "1795860906000000000",
                    "body": {
                        "kvlistValue": {
                            "values": [
                                pair("MESSAGE", text),
                                pair("_HOSTNAME", "gpu-1"),
                                pair("__REALTIME_TIMESTAMP", "1795860905000000"),
                            ]
                        }
                    },
                }
                for text in texts
            ),
            resource={},
        )
    )


def as_search(texts: list[str]) -> str:
    sources = [{"@timestamp": "2026-11-28T10:15:05.000Z", "message": text, "host": {"name": "gpu-1"}} for text in texts]
    hits = [{"_index": "logs", "_id": str(n), "_score": None, "_source": source} for n, source in enumerate(sources)]
    return compact({"took": 1, "timed_out": False, "hits": {"total": {"value": len(hits)}, "hits": hits}})


def as_aws(texts: list[str]) -> str:
    events = [{"timestamp": 1795860905000, "message": text, "ingestionTime": 1795860906000, "hostname": "gpu-1"} for text in texts]
    return json.dumps({"events": events, "nextForwardToken": "f/1"})


def as_azure(texts: list[str]) -> str:
    records = [{"time": "2026-11-28T10:15:05Z", "properties": {"log": text, "hostname": "gpu-1"}} for text in texts]
    return json.dumps({"records": records})


def as_loki(texts: list[str]) -> str:
    stream = {"stream": {"host": "gpu-1", "job": "a"}, "values": [["1795860905000000000", text] for text in texts]}
    return compact({"status": "success", "data": {"resultType": "streams", "result": [stream]}})


def as_loki_push(texts: list[str]) -> str:
    return compact({"streams": [{"stream": {"host": "gpu-1"}, "values": [["1795860905000000000", text, {}]]} for text in texts]})


FORMS: dict[str, Callable[[list[str]], str]] = {
    "a list": as_list,
    "a list with blanks": as_vectors_list,
    "objects": as_objects,
    "objects apart": as_objects_apart,
    "CloudWatch": as_cloudwatch,
    "CloudWatch by Firehose": as_firehose,
    "OTLP": as_otlp,
    "OTLP of journald": as_otlp_of_journald,
    "an answer of a search": as_search,
    "aws logs": as_aws,
    "Azure": as_azure,
    "Loki": as_loki,
    "Loki's clients": as_loki_push,
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    path = tmp_path_factory.mktemp("logs") / "batch.json"

    def write(text: str) -> str:
        Path(path).write_text(text, encoding="utf-8", newline="")
        os.utime(path, (WRITTEN / 1000, WRITTEN / 1000))
        return str(path)

    return write


@pytest.mark.parametrize("needles", [None, [NEEDLE]])
@pytest.mark.parametrize("form", FORMS)
def test_each_event_is_a_line(log: Callable[[str], str], form: str, needles: list[bytes] | None) -> None:
    texts = [PANIC, ERROR, "time=2026-11-28T10:15:06Z level=INFO msg=x", PANIC]
    bare = "level=ERROR model"
    whole = f"{bare}\r\n{FORMS[form](texts)}\r\n{FORMS[form]([PANIC])}\n{bare}"
    for block_bytes in (1, 64, 65_536):
        reader = CandidateReader(log(whole), needles, block_bytes=block_bytes)
        found = [raw for raw in reader if needles is None or raw.line.text != PANIC or raw.number < 3]
        assert [(raw.line.text, raw.number) for raw in found if raw.number == 2] == [(text, 2) for text in texts]
        assert {(raw.line.host, raw.line.carried) for raw in found if raw.number == 2} == {("gpu-1", SENT_AT)}
        assert [raw.shipped_at for raw in found if raw.number == 2][:2] == [SENT_AT, parse_time("2026-11-28T10:15:04.123Z")]
        assert [raw.text for raw in found if raw.number in (1, 4)] == [bare, bare]
        assert found[-1].shipped_at == SENT_AT
        assert reader.lines_read == len(texts) + 3
        assert all(one.offset < other.offset for one, other in pairwise(found))
        assert [raw.offset for raw in found if raw.number in (1, 4)] == [0, whole.rindex(bare)]
        selecting = CandidateReader(log(whole), needles, selects=lambda text: "ERROR" in text, block_bytes=block_bytes)
        assert list(selecting) == [raw for raw in found if "ERROR" in raw.line.text]
        assert selecting.lines_read == len(texts) + 3


@given(st.lists(lines.filter(lambda line: read(line).text.strip() != ""), min_size=2, max_size=6), st.sampled_from([*FORMS]))
@example([PANIC, PANIC], "a list")
def test_a_batch_is_its_events_in_order(log: Callable[[str], str], texts: list[str], form: str) -> None:
    """Each as it is where it stands in a line of its own."""
    alone = [(raw.line, raw.shipped_at) for raw in read_lines(log("".join(f"{FORMS[form]([text])}\n" for text in texts)))]
    path = log(f"{FORMS[form](texts)}\n")
    found = list(read_lines(path))
    assert [(raw.line, raw.shipped_at) for raw in found] == alone
    assert len(alone) == len(texts)
    ids = [document("gpu-1", raw).id for raw in found]
    assert len({*ids}) == len(texts)
    assert [document("gpu-1", raw).id for raw in read_lines(path, block_bytes=7)] == ids
    assert [raw.offset for raw in found] == [*range(len(texts))]


WHOLE = [
    PANIC,
    ERROR,
    '{"time":"2026-11-28T10:15:04Z","level":"ERROR","msg":"}{\\"logEvents\\":[{},{}]"}',
    '{"log":"x}{"}',
    '{"log":"x","logEvents":[{"message":"a"},{"message":"b"}]}',
    ' {"log":"x","resourceLogs":[]} ,',
    'time=2026-11-28T10:15:04Z level=INFO msg="[{\\"log\\":1},{\\"log\\":2}]"',
    '[GIN] 2026/11/28 - 10:15:04 | 200 | 1s | ::1 | GET "/[{}]"',
    '[{"log":"x"},{"log":"y"}] loaded',
    'x [{"log":"x"},{"log":"y"}]',
    '[{"log":"x"},{"log":"y"}',
    '[{"log":"x"},{"log":"y"},',
    '[{"log":"x"} {"log":"y"}]',
    '[{"log":"x"},,{"log":"y"}]',
    '[{"log":"x"},"y"]',
    '[{"log":"x"},["y"]]',
    '[{"log":"x"},null]',
    '[{"log":NaN},{"log":"y"}]',
    '[["log"]]',
    "[]",
    "[{",
    '{"hits":{"hits":[]}}',
    '{"hits":[{"log":"x"}]}',
    '{"events":["x"]}',
    '{"message":"level=ERROR model","host":"gpu-1","events":[{"name":"exception"}]}',
    '{"log":"level=ERROR model\\n","records":[{"a":1}]}',
    '{"level":"ERROR","source":"server.go:1","message":"model exited","data":{"result":[{"stream":{},"values":[["1","x"]]}]}}',
    '{"time":"2026-11-28T10:15:04Z","level":"ERROR","msg":"model","events":[{"a":1},{"b":2}]}',
    '{"streams":[{"stream":{},"values":[["1"]]}]}',
    '{"data":{"result":[{"metric":{},"values":[[1,"2"]]}]}}',
    '{"log":"x"}{"log":"y"',
    '{"log":"x"}{"log":"y"},"z"',
    '{"log":"x"}{"log":"y"}]',
    '{"log":"x"},{"log":"y"}',
    '{"resourceLogs":[]}',
    '{"resourceLogs":{}}',
    '{"resourceLogs":[1]}',
    '{"resourceLogs":[{"scopeLogs":null}]}',
    '{"resourceLogs":[{"resource":[]}]}',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"},"resource":"y"}]}]}]}',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"bytesValue":"?"}}]}]}]}',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"x":1e999}]}]}]}',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"x":1,"x":2}]}]}]}',
    f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"x":{"9" * 5_000}}}]}}]}}]}}',
    compact(cloudwatch([PANIC])),
    compact(cloudwatch([])),
    compact(cloudwatch([], logEvents="x")),
]


@pytest.mark.parametrize("line", WHOLE)
def test_what_is_no_batch_stays_as_it_is(log: Callable[[str], str], line: str) -> None:
    assert events_of(line) == [line]
    reader = CandidateReader(log(f"{as_list([PANIC, PANIC])}\n{line}"))
    assert [raw.text for raw in reader][2:] == [line]
    assert reader.lines_read == 3


@given(
    st.lists(st.sampled_from([*'[]{}:," \t', '"a"', "1", '{"log":"x"}', '"resourceLogs":[', '"logEvents":[{},{}]', "x"])).map(
        "".join
    )
)
@example('[{"log":"x"},{}]')
def test_nothing_is_lost_of_any_text(text: str) -> None:
    events = events_of(text)
    assert has_batches(f"x\n{text}\n".encode()) or events == [text]
    assert has_batches(text.encode()) or events == [text]
    kept = "".join(events)
    assert all(kept.count(mark) >= text.count(mark) for mark in ("x", "a", "log", "1"))


@given(
    st.recursive(
        st.text() | st.integers() | st.floats() | st.none(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)
    )
)
def test_no_value_of_otlp_fails(value: Any) -> None:
    line = json.dumps({"resourceLogs": [{"resource": value, "scopeLogs": [{"scope": value, "logRecords": [record(value)]}]}]})
    for event in events_of(line):
        event.encode()


def test_the_values_of_otlp_are_plain() -> None:
    values = {
        "text": ({"stringValue": "\ud800"}, "\ufffd"),
        "number": ({"intValue": "-9223372036854775808"}, -(2**63)),
        "bare number": ({"intValue": 7}, 7),
        "too long": ({"intValue": "9" * 5_000}, "9" * 5_000),
        "fraction": ({"doubleValue": 0.5}, 0.5),
        "truth": ({"boolValue": True}, True),
        "bytes": ({"bytesValue": b64encode(b"caf\xc3\xa9 \xff").decode()}, "café \ufffd"),
        "list": ({"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}, {}]}}, [1, "x", None]),
        "empty list": ({"arrayValue": {}}, []),
        "object": ({"kvlistValue": {"values": [pair("a", "x"), {"key": "b"}]}}, {"a": "x", "b": None}),
        "key twice": ({"kvlistValue": {"values": [pair("a", "x"), pair("a", "y")]}}, [pair("a", "x"), pair("a", "y")]),
        "no pair": ({"kvlistValue": {"values": ["x"]}}, ["x"]),
        "of another kind": ({"otherValue": "x"}, {"otherValue": "x"}),
        "no value": ("x", "x"),
    }
    line = compact(
        otlp(record({"stringValue": PANIC}, attributes=[{"key": key, "value": given} for key, (given, _) in values.items()]))
    )
    (event,) = events_of(line)
    assert json.loads(event) == {
        "timeUnixNano": "1795860905000000000",
        "observedTimeUnixNano": "1795860906000000000",
        "body": PANIC,
        "attributes": {key: plain for key, (_, plain) in values.items()},
        "resource": {"attributes": {"host.name": "gpu-1", "os.type": "linux"}, "schemaUrl": "u"},
        "scope": {},
    }


def test_a_resource_without_records_is_kept() -> None:
    batch = otlp(record({"stringValue": PANIC}))
    batch["resourceLogs"].append({"resource": {"attributes": [pair("host.name", "gpu-2")]}})
    first, second = events_of(compact(batch))
    assert read(first).text == PANIC
    assert json.loads(second)["resource"] == {"attributes": {"host.name": "gpu-2"}}


def test_batches_may_stand_in_a_list() -> None:
    line = f"[{as_otlp([PANIC, ERROR])},{as_cloudwatch([ERROR, PANIC])}]"
    assert [read(event).text for event in events_of(line)] == [PANIC, ERROR, ERROR, PANIC]


def test_a_gin_line_has_the_zone_of_a_record_below_in_its_batch(log: Callable[[str], str]) -> None:
    gin = '[GIN] 2026/11/28 - 10:30:00 | 200 | 1s | ::1 | GET "/"'
    texts = [gin, "time=2026-11-28T10:30:01+02:00 level=INFO", gin]
    for form in FORMS.values():
        assert [raw.shipped_at for raw in read_lines(log(form(texts)))][0::2] == [parse_time("2026-11-28T08:30:00Z")] * 2


def test_labels_beside_each_event_are_no_growth_to_speak_of() -> None:
    stream = {"stream": {"host": "gpu-1", "a": "x" * 2_000}, "values": [["1795860905000000000", "level=ERROR"]] * 300}
    assert len(events_of(compact({"data": {"result": [stream]}}))) == 300


class TestBounds:
    def test_events_are_counted(self) -> None:
        assert len(events_of(f"[{','.join(['{}'] * 100_000)}]")) == 100_000
        line = f"[{','.join(['{}'] * 100_001)}]"
        assert events_of(line) == [line]

    def test_what_stands_around_events_is_not_written_for_ever(self) -> None:
        line = compact(cloudwatch([PANIC] * 1_000, owner="x" * 100_000))
        assert events_of(line) == [line]
        line = compact(otlp(*[record({"stringValue": PANIC})] * 1_000, resource={"attributes": [pair("x", "x" * 100_000)]}))
        assert events_of(line) == [line]

    @pytest.mark.parametrize(
        "line",
        [
            "[{" * 1_000_000,
            '{"a":' * 1_000_000,
            '[{"a":' + "[" * 1_000_000,
            '{"a":1}{"a":' + "9" * 1_000_000 + "}x",
            "[{}" + " " * 1_000_000 + "x",
            '{"a":"' + "}{ \\" * 500_000,
            "} " * 500_000 + '{"',
            '[{"a":1}' + "," * 1_000_000,
            '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + '{"arrayValue":{"values":[' * 200 + "]}}" * 200 + "}]}]}]}",
        ],
        ids=lambda line: line[:20],
    )
    def test_hostile_lines_are_soon_told(self, line: str) -> None:
        begun = time.process_time()
        has_batches(f"{line}\n".encode() * 2)
        events_of(line)
        assert time.process_time() - begun < 5

    def test_deep_values_are_no_error(self) -> None:
        for depth in (50, 100, 150, 200, 240, 300, 2_000):
            value = '{"arrayValue":{"values":[' * depth + "]}}" * depth
            line = f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}}]}}]}}]}}'
            assert len(events_of(line)) == 1
