"""Documents in the shapes that shippers send, and the cases that are kept beside them in `cases/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from integration.log.event import parse_document
from integration.log.shipper_fields import ADDRESSES, HOSTS, LINES, RECORDS, TIMES
from tests.support.lines import lines

LINE, HOST = "THE LINE", "gpu-7"
TIME = "2026-11-28T10:15:05.000Z"
_FOLDER = Path(__file__).parent / "cases"


def wrapped_lines() -> list[dict[str, Any]]:
    """Excerpts of logs as carriers wrap them, and what is selected of them."""
    return _read("wrapped_lines.jsonl")


def shipper_documents() -> list[dict[str, Any]]:
    """Documents of shippers, and what must come out."""
    return _read("shipper_documents.jsonl")


def attack_lines() -> list[dict[str, Any]]:
    """Lines that attacks on model loading, and crashes like them, left in logs, each with its kind."""
    return _read("attack_lines.jsonl")


def _read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines()]


SHAPES: dict[str, dict[str, Any]] = {
    "Filebeat journald": {
        "@timestamp": TIME,
        "message": LINE,
        "host": {"hostname": HOST, "id": "x"},
        "journald": {"pid": 820},
        "systemd": {"unit": "ollama.service"},
        "syslog": {"identifier": "ollama", "priority": 6},
    },
    "Filebeat 7": {
        "@timestamp": TIME,
        "message": LINE,
        "agent": {"hostname": HOST, "type": "filebeat"},
        "ecs": {"version": "1.12"},
    },
    "Filebeat autodiscover": {
        "@timestamp": TIME,
        "message": LINE,
        "kubernetes": {"node": {"name": HOST}, "labels": {"app": "ollama"}},
        "container": {"runtime": "containerd"},
        "stream": "stderr",
        "log": {"offset": 5, "file": {"path": "/var/log/containers/x.log"}},
    },
    "Filebeat without host metadata": {"@timestamp": TIME, "message": LINE, "agent": {"name": HOST, "ephemeral_id": "e"}},
    "Logstash syslog, ECS v8": {
        "@timestamp": TIME,
        "message": LINE,
        "log": {"syslog": {"hostname": HOST, "facility": {"code": 3}}},
        "event": {"original": f"<30>Nov 28 10:15:04 {HOST} ollama[820]: {LINE}"},
        "service": {"type": "system"},
    },
    "Logstash syslog, before ECS": {"@timestamp": TIME, "message": LINE, "logsource": HOST, "priority": 30, "program": "ollama"},
    "Logstash GELF": {
        "@timestamp": TIME,
        "@version": "1",
        "message": LINE,
        "host": HOST,
        "level": 6,
        "facility": "x",
        "version": "1.1",
    },
    "GELF": {"timestamp": 1795860905.25, "short_message": LINE, "host": HOST, "_container_name": "ollama", "version": "1.1"},
    "Fluent Bit Kubernetes": {
        "@timestamp": TIME,
        "log": f"{LINE}\n",
        "stream": "stderr",
        "kubernetes": {"host": HOST, "pod_name": "ollama-0", "labels": {"app": "x", "app.kubernetes.io/name": "ollama"}},
    },
    "Fluent Bit cri, unparsed": {
        "@timestamp": TIME,
        "log": f"2026-11-28T10:15:04.5Z stderr F {LINE}",
        "kubernetes": {"host": HOST},
    },
    "Fluent Bit Docker, unparsed": {
        "@timestamp": TIME,
        "log": json.dumps({"log": f"{LINE}\n", "stream": "stderr"}),
        "hostname": HOST,
    },
    "Fluentd Kubernetes": {"@timestamp": TIME, "log": LINE, "stream": "stdout", "kubernetes": {"host": HOST}, "tag": "kube.x"},
    "Vector Kubernetes": {
        "@timestamp": TIME,
        "message": LINE,
        "file": "/var/log/pods/x.log",
        "kubernetes": {"pod_node_name": HOST, "pod_labels": {"app": "x"}},
        "source_type": "kubernetes_logs",
        "stream": "stderr",
    },
    "Vector Docker": {"timestamp": TIME, "message": LINE, "host": HOST, "container_name": "ollama", "label": {"a": "b"}},
    "OpenTelemetry otel": {
        "@timestamp": "2026-11-28T10:15:05.000000000Z",
        "resource": {"attributes": {"host.name": HOST}},
        "attributes": {"log.file.name": "server.log"},
        "body": {"text": LINE},
        "scope": {},
    },
    "OpenTelemetry Kubernetes": {"@timestamp": TIME, "resource": {"attributes": {"k8s.node.name": HOST}}, "body": {"text": LINE}},
    "OpenTelemetry ss4o": {
        "@timestamp": TIME,
        "observedTimestamp": TIME,
        "body": LINE,
        "attributes": {"data_stream": {"dataset": "x"}, "log.file.name": "server.log"},
        "resource": {"host.name": HOST, "service.name": "ollama"},
        "instrumentationScope": {},
        "severity": {},
    },
    "OpenTelemetry none": {"@timestamp": TIME, "Body": LINE, "Resource": {"host.name": HOST}, "Attributes": {}, "TraceFlags": 0},
    "Data Prepper otel_logs": {
        "time": TIME,
        "body": LINE,
        "resource.attributes.host@name": HOST,
        "severityText": "",
        "log.attributes.log@file@name": "server.log",
    },
    "rsyslog": {"message": f" {LINE}", "fromhost": HOST, "facility": "3", "timereported": "2026-11-28T10:15:05+00:00"},
    "rsyslog, another template": {"@timestamp": TIME, "msg": LINE, "syslogtag": "ollama[820]:", "sysloghost": HOST},
    "syslog-ng": {"ISODATE": "2026-11-28T10:15:05+00:00", "HOST": HOST, "MESSAGE": LINE, "PROGRAM": "ollama", "PRIORITY": "info"},
    "journald": {"__REALTIME_TIMESTAMP": "1795860905000000", "_HOSTNAME": HOST, "MESSAGE": LINE, "PRIORITY": "6"},
    "OpenTelemetry, OpenSearch exporter ecs": {"@timestamp": TIME, "Body": LINE, "Attributes.host.name": HOST},
    "OpenTelemetry bodymap": {"@timestamp": TIME, "Body": LINE, "k8s": {"node": {"name": HOST}}},
    "Data Prepper of syslog": {"time": TIME, "body": LINE, "log.attributes.hostname": HOST},
    "Fluent Bit nest": {"@timestamp": TIME, "log": LINE, "k8s_host": HOST},
    "Graylog with a parser's source": {
        "timestamp": TIME,
        "message": LINE,
        "source": "server.go:316",
        "gl2_x": "y",
        "HOSTNAME": HOST,
    },
    "Azure Container Apps": {"TimeStamp": "2026-11-28T10:15:05", "Log": LINE, "hostname": HOST},
    "a list of one object": {"@timestamp": TIME, "message": json.dumps([{"log": LINE, "host": HOST}])},
    "journald, bytes": {"__REALTIME_TIMESTAMP": "1795860905000000", "_HOSTNAME": HOST, "MESSAGE": [*LINE.encode()]},
    "Graylog": {"timestamp": "2026-11-28 10:15:05.000", "message": LINE, "source": HOST, "gl2_remote_ip": "192.0.2.1", "level": 6},
    "Cribl": {"_time": 1795860905.5, "_raw": LINE, "host": HOST, "cribl_pipe": "main", "source": "/var/log/ollama.log"},
    "Splunk HEC": {"time": 1795860905, "host": HOST, "sourcetype": "ollama:server", "event": LINE},
    "CloudWatch": {"@timestamp": TIME, "@message": LINE, "@log_stream": "x", "hostname": HOST},
    "CloudWatch batch": {
        "logEvents": [{"id": "1", "timestamp": 1795860905000, "message": LINE}],
        "logGroup": "x",
        "hostname": HOST,
    },
    "Loki": {"labels": {"host": HOST, "job": "ollama"}, "line": LINE, "timestamp": TIME},
    "Vector OpenTelemetry": {"message": LINE, "resources": {"host.name": HOST}, "timestamp": TIME, "source_type": "opentelemetry"},
    "Google Cloud Logging": {
        "textPayload": f"{LINE}\n",
        "labels": {"compute.googleapis.com/resource_name": HOST},
        "timestamp": "2026-11-28T10:15:05.000000000Z",
    },
    "rsyslog, its message alone": {"@timestamp": TIME, "host": HOST, "msg": LINE, "programname": "ollama"},
    "Logstash grok": {"@timestamp": TIME, "message": [f"Nov 28 10:15:04 {HOST} ollama[820]: {LINE}", LINE], "host": "-"},
    "Splunk's export": {"result": {"_raw": LINE, "host": HOST, "_time": "2026-11-28T10:15:05.000+00:00", "level": "x", "msg": "y"}},
    "dotted names of an object": {"@timestamp": TIME, "Body.MESSAGE": LINE, "Body._HOSTNAME": HOST, "Body.PRIORITY": "6"},
    "1970, and a time": {
        "@timestamp": "1970-01-01T00:00:00Z",
        "time": "2026-11-28 12:15:05 +0200 CEST",
        "message": LINE,
        "host": HOST,
    },
    "dotted names": {"@timestamp": TIME, "message": LINE, "host.name": HOST, "log.file.path": "/x", "log.offset": 7},
    "an array, and null": {"@timestamp": TIME, "message": None, "log": [LINE], "host": {"name": None, "hostname": HOST}},
    "epoch milliseconds": {"@timestamp": 1795860905000, "message": LINE, "host": HOST},
    "epoch seconds as text": {"@timestamp": "1795860905", "message": LINE, "host": [HOST]},
    "no zone": {"@timestamp": "2026-11-28 10:15:05", "message": LINE, "host": HOST},
    "an offset": {"@timestamp": "2026-11-28T12:15:05+0200", "message": LINE, "host": HOST},
    "Wazuh": {"timestamp": "2026-11-28T10:15:05.000+0000", "full_log": LINE, "message": LINE, "agent": {"id": "001", "name": HOST}},
    "Filebeat 6 without host metadata": {"@timestamp": TIME, "message": LINE, "beat": {"name": HOST, "version": "6.8"}},
    "Filebeat with the cloud's name": {"@timestamp": TIME, "message": LINE, "cloud": {"instance": {"id": "i-1", "name": HOST}}},
    "a node's name as a text": {"@timestamp": TIME, "log": LINE, "kubernetes": {"node": HOST, "pod": "ollama-0"}},
    "a variable's name": {"@timestamp": TIME, "log": LINE, "NODE_NAME": HOST},
    "Logstash's example": {"@timestamp": TIME, "message": LINE, "syslog_hostname": HOST, "syslog_program": "ollama"},
    "an empty name, and a name": {"@timestamp": TIME, "message": LINE, "host.name": "", "host": {"name": HOST}},
    "an empty line, and a line": {"@timestamp": TIME, "message": ["", LINE], "host": HOST},
    "OpenTelemetry otel with journald's fields as the body": {
        "@timestamp": "2026-11-28T10:15:09.000000000Z",
        "resource": {"attributes": {}},
        "body": {
            "flattened": {"MESSAGE": LINE, "_HOSTNAME": HOST, "__REALTIME_TIMESTAMP": "1795860905000000", "_CMDLINE": "a b c"}
        },
    },
    "Mezmo": {"_line": LINE, "_host": HOST, "_ts": 1795860905000, "timestamp": TIME},
    "Kafka's envelope": {"key": None, "value": {"message": LINE, "host": {"name": HOST}, "@timestamp": TIME}},
    "a payload": {"id": 7, "payload": {"@timestamp": TIME, "log": LINE, "hostname": HOST}},
    "journald's time at the source": {"_SOURCE_REALTIME_TIMESTAMP": "1795860905000000", "_HOSTNAME": HOST, "MESSAGE": LINE},
    "OpenTelemetry's protobuf": {"@timestamp": TIME, "body": {"string_value": LINE}, "resource": {"host.name": HOST}},
    "our names, of other types": {
        "@timestamp": TIME,
        "MESSAGE": LINE,
        "HOST": HOST,
        "log": 5,
        "event": [1],
        "error": "x",
        "http": "GET",
        "url": "/",
        "source": "stderr",
        "ollama": "x",
        "tags": {"a": 1},
    },
}
"""By what they are like, documents with the line and the host in place, of 2026-11-28T10:15:05Z or a little earlier."""


def shipped(shape: dict[str, Any], line: str) -> dict[str, Any]:
    """Return a document of a shape with another line in it."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(inner) for name, inner in value.items()}
        if value == [*LINE.encode()]:
            return [*line.encode()]
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        if isinstance(value, str) and value.startswith(("{", "[{")):
            return json.dumps(filled(json.loads(value)))
        return value.replace(LINE, line) if isinstance(value, str) else value

    found = filled(shape)
    assert isinstance(found, dict)
    return found


_ENDS = 'level=ERROR source=server.go:316 msg="llama runner terminated" error="exit status 2"'
_LEFT = {"level": "ERROR", "source": "server.go:316", "error": "exit status 2"}
_WHOLE = (f"time=2026-11-28T10:15:04.123Z {_ENDS}", _ENDS, '[GIN] 2026/11/28 - 10:15:04 | 200 |      1.5s |  ::1 | GET      "/"')
BESIDE_A_LEVEL = [
    (document, line)
    for line in _WHOLE
    for document in (
        {"level": "info", "msg": line, "hostname": HOST, "@timestamp": TIME},
        {"level": "err", "msg": f" {line}\n", "source": "/var/log/ollama.log", "fromhost": HOST, "@timestamp": TIME},
        {"message": json.dumps({"level": "info", "msg": line, "ts": 1.5}), "host": {"name": HOST}, "@timestamp": TIME},
    )
]
"""Documents with a whole line where a record has its message, beside a level of the shipper's, and the line."""
WITHIN: list[dict[str, Any]] = [
    {"message": {"text": _WHOLE[0]}},
    {"message": {"text": _WHOLE[0], "attempt": 5, "note": "a b"}},
    {"body": {"string": _WHOLE[0]}, "host": {"name": HOST}},
    {"Body": {"kvlistValue": {"values": [{"key": "message", "value": {"stringValue": _WHOLE[0]}}]}}},
    {"body": {"note": f"a text that is longer than {_WHOLE[0]}", "text_of_it": _WHOLE[0]}},
    {"message": {"a": "two words"}, "raw_x": _WHOLE[0]},
    {"raw_x": f"Nov 28 10:15:05 {HOST} ollama[820]: {_WHOLE[0]}", "user_agent": "time=2026-01-01T00:00:00Z level=INFO x"},
    {"raw_y": _WHOLE[0], "note": f"a text that is longer than {_WHOLE[0].replace('level=', '')}"},
    {"body": {"a": {"b": [_WHOLE[0]]}}, "note": f"a text that is longer than {_WHOLE[0]}"},
]
"""Documents with a line in an object in its place, of which no table knows the form."""
_MESSAGE = "llama runner terminated"
TAKEN_APART: dict[str, tuple[dict[str, Any], str]] = {
    "Vector with the message renamed": ({"message": _MESSAGE, **_LEFT, "host": HOST, "timestamp": TIME}, _ENDS),
    "with a time of its own": (
        {"message": _MESSAGE, **_LEFT, "host": HOST, "time": "2026-11-28T10:15:04.000Z"},
        f"time=2026-11-28T10:15:04.000Z {_ENDS}",
    ),
    "attributes of names that shippers have, too": (
        {"@timestamp": TIME, "host": HOST, "level": "ERROR", "msg": "failed", "path": "/root/.ollama/models/x", "command": "run"},
        "level=ERROR msg=failed command=run path=/root/.ollama/models/x",
    ),
    "a message that looks like attributes": (
        {"@timestamp": TIME, "host": HOST, "level": "ERROR", "msg": '"x" err="exit status 1" model'},
        r'level=ERROR msg="\"x\" err=\"exit status 1\" model"',
    ),
    "Logstash with the line removed": (
        {"@timestamp": TIME, "@version": "1", "host": HOST, "path": "/srv/models/ollama.log", **_LEFT, "msg": _MESSAGE},
        _ENDS,
    ),
    "journald's fields beside the record": (
        {"@timestamp": TIME, "_HOSTNAME": HOST, "SYSLOG_FACILITY": "3", "_PID": "7", "MESSAGE": _MESSAGE, **_LEFT},
        _ENDS,
    ),
    "Fluent Bit with journald's fields in lower case": (
        {"@timestamp": TIME, "hostname": HOST, "syslog_facility": "3", "boot_id": "model", **_LEFT, "msg": _MESSAGE},
        _ENDS,
    ),
    "FireLens": (
        {"@timestamp": TIME, "hostname": HOST, "ecs_cluster": "models", "container_name": "x", **_LEFT, "msg": _MESSAGE},
        _ENDS,
    ),
    "Fluent Bit with a line end": ({"log": f"{_MESSAGE}\n", **_LEFT, "kubernetes": {"host": HOST}, "@timestamp": TIME}, _ENDS),
    "a JSON handler's place": (
        {"message": _MESSAGE, **_LEFT, "source": {"file": "server.go", "line": 316}, "host": HOST, "@timestamp": TIME},
        _ENDS,
    ),
    "OpenTelemetry with the message as the body": (
        {
            "@timestamp": TIME,
            "body": {"text": _MESSAGE},
            "attributes": {**_LEFT, "log.file.path": "/models/server.log"},
            "severity_text": "ERROR",
            "severity_number": 17,
            "resource": {"attributes": {"host.name": HOST}},
        },
        _ENDS,
    ),
    "OpenTelemetry none": (
        {
            "@timestamp": TIME,
            "Body": _MESSAGE,
            **{f"Attributes.{name}": value for name, value in _LEFT.items()},
            "Attributes.log.file.name": "server.log",
            "SeverityText": "ERROR",
            "Resource.host.name": HOST,
        },
        _ENDS,
    ),
    "OpenTelemetry with the level as its severity alone": (
        {
            "@timestamp": TIME,
            "body": _MESSAGE,
            "attributes": {"source": "server.go:316", "error": "exit status 2"},
            "severity_text": "ERROR",
            "resource": {"host.name": HOST},
        },
        _ENDS,
    ),
    "OpenTelemetry ss4o with the level as its severity alone": (
        {
            "@timestamp": TIME,
            "body": _MESSAGE,
            "attributes": {"source": "server.go:316", "error": "exit status 2"},
            "severity": {"text": "ERROR", "number": 17},
            "resource": {"host.name": HOST},
        },
        _ENDS,
    ),
    "Data Prepper": (
        {
            "time": TIME,
            "body": _MESSAGE,
            "severityText": "ERROR",
            **{f"log.attributes.{name}": value for name, value in _LEFT.items()},
            "resource.attributes.host@name": HOST,
        },
        _ENDS,
    ),
    "Data Prepper without a body": (
        {"time": TIME, "body": "", "log": {"attributes": {"msg": _MESSAGE, **_LEFT}}, "resource.attributes.host@name": HOST},
        _ENDS,
    ),
    "Filebeat ndjson with a target of its own": (
        {
            "@timestamp": TIME,
            "message": _MESSAGE,
            "app": {**_LEFT, "source": {"function": "f", "file": "server.go", "line": 316}, "msg": _MESSAGE},
            "host": {"name": HOST},
        },
        _ENDS,
    ),
    "Logstash kv with a target": ({"@timestamp": TIME, "message": _MESSAGE, "kv": {"deep": _LEFT}, "host": HOST}, _ENDS),
    "syslog-ng kv-parser": ({"@timestamp": TIME, "_kv": {"msg": _MESSAGE, **_LEFT}, "HOST": HOST}, _ENDS),
    "Graylog key_value": (
        {"timestamp": TIME, "message": _MESSAGE, **_LEFT, "gl2_remote_ip": "192.0.2.1", "hostname": HOST, "streams": ["1"]},
        _ENDS,
    ),
    "a level of another name": (
        {"msg": _MESSAGE, **_LEFT, "level": None, "severity": "ERROR", "host": HOST, "@timestamp": TIME},
        _ENDS,
    ),
    "ECS": (
        {
            "@timestamp": TIME,
            "message": _MESSAGE,
            "log": {"level": "ERROR", "origin": {"file": {"name": "server.go", "line": 316}}, "file": {"path": "/models/x"}},
            "error": {"message": "exit status 2"},
            "host": {"name": HOST},
            "service": {"name": "model"},
        },
        _ENDS.replace("error=", "err="),
    ),
    "ECS, dotted": (
        {
            "@timestamp": TIME,
            "message": _MESSAGE,
            "log.level": "ERROR",
            "log.origin.file.name": "server.go",
            "log.origin.file.line": 316,
            "error.message": "exit status 2",
            "service.name": "model",
            "host.name": HOST,
        },
        _ENDS.replace("error=", "err="),
    ),
    "lists of one": (
        {
            "@timestamp": [None, TIME],
            "message": _MESSAGE,
            **{name: [value] for name, value in _LEFT.items()},
            "hostname": ["", HOST],
        },
        _ENDS,
    ),
    "lists of one, the message too": (
        {"@timestamp": TIME, "msg": [_MESSAGE], **{name: [value] for name, value in _LEFT.items()}, "hostname": [None, HOST]},
        _ENDS,
    ),
    "a record as the body, in a line": (
        {
            "@timestamp": TIME,
            "message": json.dumps({"resource": {"attributes": {"host.name": HOST}}, "body": {**_LEFT, "msg": _MESSAGE}}),
        },
        _ENDS,
    ),
    "JSON in a line": ({"@timestamp": TIME, "message": json.dumps({"message": _MESSAGE, **_LEFT, "host": HOST})}, _ENDS),
    "JSON in a line, nested": (
        {"@timestamp": TIME, "log": json.dumps({"log": f"{_MESSAGE}\n", "host": HOST, "parsed": _LEFT})},
        _ENDS,
    ),
}
"""Documents of which a parser left the message alone in the place of the line, and the line."""


def _has_line(document: dict[str, Any]) -> bool:
    try:
        parse_document(document, received_at=0)
    except ValueError:
        return False
    return True


documents = st.builds(shipped, st.sampled_from([*SHAPES.values()]), lines).filter(_has_line)
"""Documents of any shipper with any line in them."""
_RECORD = {"time": "2026-11-28T10:15:04.1Z", "level": "ERROR", "source": {"file": "server.go", "line": 7}, "msg": "model x"}
_places = st.sampled_from(
    [
        "server.go:316",
        ".go:1",
        "a.go:",
        "a.go:1x",
        "a:b.go:12",
        {"file": "server.go", "line": 7},
        {"file": "server.go"},
        "/var/log/x",
        5,
    ]
)
_apart = st.builds(
    lambda name, where, record, rest: {name: "model x", **_in(where, record), **rest, "@timestamp": TIME},
    st.sampled_from(["message", "log", "MESSAGE", "body.text", "Body", "msg"]),
    st.sampled_from(["", "attributes", "attributes.", "parsed", "Attributes."]),
    st.fixed_dictionaries(
        {},
        optional={
            "level": st.sampled_from(["ERROR", "error", "INFO", "", 3, ["ERROR"], [None, "INFO"]]),
            "source": _places,
            "msg": st.sampled_from(["model x", "other", None, ["model x"], []]),
            "err": st.sampled_from(["exit status 2", 5]),
            "log.file.path": st.just("/models/x"),
            "runner.size": st.just("2 GiB"),
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "severity_text": st.just("ERROR"),
            "log.level": st.sampled_from(["error", "warn"]),
            "log.origin.file.name": st.just("server.go:316"),
            "error": st.sampled_from(["x", {"message": "exit status 2"}]),
            "host": st.just({"name": HOST}),
        },
    ),
)


def _in(where: str, record: dict[str, Any]) -> dict[str, Any]:
    if not where or where.endswith("."):
        return {f"{where}{name}": value for name, value in record.items()}
    return {where: record}


_texts = st.sampled_from(
    [
        *("", "-", "x", "model x", "panic: x", "level=ERROR msg=model", "192.0.2.1", "1795860905.5", "1970-01-01T00:00:00Z"),
        *("2026-11-28 10:15:05 +0200 CEST", "Nov 28 10:15:04 gpu-9 ollama[8]: panic: x", json.dumps(_RECORD)),
        *(json.dumps({"log": "panic: x", "host": "gpu-8"}), json.dumps({"result": {"_raw": "panic: y", "host": "gpu-8"}})),
    ]
)
_fields = st.sampled_from(
    [*(field.name for table in (LINES, HOSTS, ADDRESSES, TIMES) for field in table), *RECORDS, "level", "msg", "stream", "foo.bar"]
)
_values = st.recursive(
    _texts | st.none() | st.integers(0, 300) | st.booleans() | st.just(_RECORD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_fields, inner, max_size=3),
    max_leaves=6,
)
_mixed = st.dictionaries(_fields, _values, min_size=1, max_size=6).map(lambda d: d | {"event.ingested": TIME})
mixed_documents = (_mixed | _apart).filter(_has_line)
"""Documents in which fields of all shippers stand side by side, of any type."""
