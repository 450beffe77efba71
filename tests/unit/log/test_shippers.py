from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integration.log.dotted import find
from integration.log.event import LINE_UNLISTED, parse, parse_document
from integration.log.shipper_fields import HOSTS, LINES, TIMES
from integration.log.shippers import unwrap
from integration.times import parse_time, rfc3339
from tests.support.builders import RULE, findings_of
from tests.support.lines import lines
from tests.support.shipments import BESIDE_A_LEVEL, HOST, SHAPES, TAKEN_APART, WITHIN, shipped, shipper_documents

RECEIVED_AT = parse_time("2030-01-01T00:00:00Z")
PANIC = "panic: runtime error: index out of range"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("case", shipper_documents(), ids=lambda case: case["id"])
def test_cases(case: dict[str, Any]) -> None:
    event = parse_document(case["document"], received_at=RECEIVED_AT)
    found = {"host.name": event.host, "@timestamp": rfc3339(event.time, millis=True), "event.original": event.original}
    for field, value in found.items():
        assert case["expect"][field] in (None, value)
    assert bool(findings_of([event], RULE)) is case["expect"]["selected"]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_line_host_and_time(shape: str) -> None:
    event = parse_document(shipped(SHAPES[shape], PANIC), received_at=RECEIVED_AT)
    assert (event.original.strip(), event.host) == (PANIC, HOST)
    assert 0 <= parse_time("2026-11-28T10:15:05.5Z") - event.time <= 1_000


@pytest.mark.parametrize(("document", "line"), BESIDE_A_LEVEL)
def test_a_level_beside_a_whole_line_is_the_shippers(document: dict[str, Any], line: str) -> None:
    event = parse_document(document, received_at=RECEIVED_AT)
    assert (event.original, event.host) == (line, HOST)


@pytest.mark.parametrize("beside", [{"observer": {"hostname": "x"}}, {"client_host": "x"}, {"Host": "x"}, {"node": "x"}])
def test_what_may_be_another_machine_goes_not_before_the_host_in_a_line(beside: dict[str, Any]) -> None:
    assert parse_document({"message": f"Nov 28 10:15:04 {HOST} ollama[820]: {PANIC}"} | beside, received_at=0).host == HOST


@pytest.mark.parametrize("document", WITHIN)
def test_a_line_in_an_object_in_its_place_is_found(document: dict[str, Any]) -> None:
    event = parse_document(document, received_at=RECEIVED_AT)
    assert (event.original, event.value("log.level")) == (BESIDE_A_LEVEL[0][1], "ERROR")
    assert LINE_UNLISTED in event.tags


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (["", "panic: x"], "panic: x"),
        ([None, "", "", "panic: x", "", "goroutine 1 [running]:"], "panic: x\n\ngoroutine 1 [running]:"),
        (["panic: x", 5, {"a": None}], "panic: x\n5\n{a=null}"),
        (["panic: x", ""], "panic: x"),
    ],
)
def test_a_list_is_a_line_for_each_value(parts: list[Any], line: str) -> None:
    assert parse_document({"message": parts}, received_at=0).original == line


@given(lines, st.sampled_from([*SHAPES]))
def test_a_line_is_the_same_whoever_ships_it(line: str, shape: str) -> None:
    bare = parse(line, host=HOST, shipped_at=0)
    assume(bare.original and not bare.original.startswith((" ", "\t")) and bare.original[-1] not in "\r\n")
    document = shipped(SHAPES[shape], bare.original)
    got = parse_document(document, received_at=RECEIVED_AT)
    again = parse(bare.original, host=HOST, shipped_at=0)
    assert (got.original.removeprefix(" "), got.host) == (again.original, HOST)  # rsyslog keeps the blank behind its tag


def test_tables_name_each_field_once() -> None:
    for table in (LINES, HOSTS, TIMES):
        assert len({(field.name, field.beside) for field in table}) == len(table)
        assert all(field.shippers for field in table)


@pytest.mark.parametrize(
    ("zone", "time"),
    [
        ("+02:00", "2026-11-28T08:15:04Z"),
        ("-0530", "2026-11-28T15:45:04Z"),
        ("Z", "2026-11-28T10:15:04Z"),
        ("America/New_York", "2026-11-28T15:15:04Z"),
        ("+2", "2026-11-28T08:15:04Z"),
        ("-02", "2026-11-28T12:15:04Z"),
        ("-18:00", "2026-11-29T04:15:04Z"),
        ("+18:01", "2030-01-01T00:00:00Z"),
        ("+2:30", "2030-01-01T00:00:00Z"),
        ("+230", "2030-01-01T00:00:00Z"),
        ("EST", "2026-11-28T15:15:04Z"),
        ("CET", "2026-11-28T09:15:04Z"),
        ("CEST", "2026-11-28T08:15:04Z"),
        ("GMT", "2026-11-28T10:15:04Z"),
        (["+01:00"], "2026-11-28T09:15:04Z"),
        ("IST", "2030-01-01T00:00:00Z"),
        ("Nowhere/At_all", "2030-01-01T00:00:00Z"),
        (5, "2030-01-01T00:00:00Z"),
    ],
)
def test_the_clock_of_a_gin_line_counts_in_the_zone_of_the_document(zone: object, time: str) -> None:
    line = '[GIN] 2026/11/28 - 10:15:04 | 500 | 1s | ::1 | POST "/api/chat"'
    for document in ({"event": {"timezone": zone}}, {"event.timezone": zone}):
        assert parse_document({"message": line} | document, received_at=RECEIVED_AT).time == parse_time(time)
    assert parse_document({"message": "panic", "event": {"timezone": zone}}, received_at=RECEIVED_AT).time == RECEIVED_AT


@pytest.mark.parametrize(
    ("beside", "time"),
    [
        ({}, "2026-11-28T09:15:04Z"),
        ({"event": {"timezone": "+02:00"}}, "2026-11-28T08:15:04Z"),
        ({"event": {"timezone": "CST"}}, "2030-01-01T00:00:00Z"),
        ({"event": {"timezone": None}}, "2026-11-28T09:15:04Z"),
        ({"event": {"timezone": 5}}, "2026-11-28T09:15:04Z"),
    ],
)
def test_the_zone_of_the_installation_is_that_of_a_document_that_names_none(beside: dict[str, Any], time: str) -> None:
    line = '[GIN] 2026/11/28 - 10:15:04 | 500 | 1s | ::1 | POST "/api/chat"'
    for text in (line, f"Nov 28 10:15:05 gpu-1 ollama[7]: {line}"):
        event = parse_document({"message": text} | beside, received_at=RECEIVED_AT, gin_timezone=BERLIN)
        assert (event.original, event.time) == (line, parse_time(time))
    record = "time=2026-11-28T10:15:04Z level=INFO msg=[GIN]"
    assert parse_document({"message": record}, received_at=0, gin_timezone=BERLIN).time == parse_time("2026-11-28T10:15:04Z")


class TestOrder:
    def test_the_first_text_that_is_not_empty_is_the_line(self) -> None:
        document = {"message": "", "log": None, "MESSAGE": "x", "body": "y"}
        assert parse_document(document, received_at=0).original == "x"

    def test_an_object_is_no_line_beside_a_text(self) -> None:
        assert parse_document({"log": {"level": "info"}, "body": "y"}, received_at=0).original == "y"

    @pytest.mark.parametrize("name", ["log", "event"])
    def test_an_object_of_ecs_is_no_line(self, name: str) -> None:
        with pytest.raises(ValueError, match="no line"):
            parse_document({name: {"kind": "event"}}, received_at=0)

    def test_what_is_no_text_is_kept_as_one(self) -> None:
        assert parse_document({"message": {"b": [1, None, True], "a": "x"}}, received_at=0).original == "{a=x, b=[1, null, true]}"

    @pytest.mark.parametrize(
        ("document", "host"),
        [
            ({"host": {"name": "a"}, "hostname": "b"}, "a"),
            ({"host": "a", "hostname": "b"}, "a"),
            ({"host": {"name": "", "hostname": "a"}, "hostname": "b"}, "a"),
            ({"hostname": "a", "kubernetes": {"host": "b"}}, "a"),
            ({"source": "stderr", "log": "x"}, "unknown"),
            ({"source": "server.go:316"}, "unknown"),
            ({"source": "a", "gl2_source_input": "x"}, "a"),
            ({"host": 5}, "unknown"),
            ({"host": {"name": {"x": "y"}}}, "unknown"),
        ],
    )
    def test_hosts(self, document: dict[str, Any], host: str) -> None:
        assert parse_document({"message": "x"} | document, received_at=0).host == host

    def test_a_host_is_redacted(self) -> None:
        assert (
            parse_document({"message": "x", "host": "bob@example.com api_key=k"}, received_at=0).host
            == "[REDACTED_EMAIL] api_key=[REDACTED]"
        )

    def test_the_documents_host_goes_before_that_of_its_line(self) -> None:
        line = "Feb 26 10:05:31 other ollama[7]: x"
        assert parse_document({"message": line, "host": "own"}, received_at=0).host == "own"
        assert parse_document({"message": line}, received_at=0).host == "other"


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-11-28T10:15:05Z", "2026-11-28T10:15:05Z"),
        ("2026-11-28T10:15:05.123456789Z", "2026-11-28T10:15:05.123Z"),
        ("2026-11-28T10:15:05,5+02:00", "2026-11-28T08:15:05.5Z"),
        ("2026-11-28T10:15:05-0330", "2026-11-28T13:45:05Z"),
        ("2026-11-28 10:15:05", "2026-11-28T10:15:05Z"),
        ("2026-11-28 10:15:05.000 UTC", "2026-11-28T10:15:05Z"),
        (1795860905, "2026-11-28T10:15:05Z"),
        (1795860905.25, "2026-11-28T10:15:05.25Z"),
        ("1795860905.25", "2026-11-28T10:15:05.25Z"),
        (1795860905250, "2026-11-28T10:15:05.25Z"),
        ("1795860905250000", "2026-11-28T10:15:05.25Z"),
        (1795860905250000000, "2026-11-28T10:15:05.25Z"),
        ("2026-02-30T10:15:05Z", None),
        ("2026-11-28T24:00:00Z", None),
        ("2026-11-28T23:59:60.000Z", None),
        ("yesterday", None),
        ("2026", None),
        (5, None),
        (True, None),
        ({"seconds": 1795860905}, None),
    ],
)
def test_times(value: object, time: str | None) -> None:
    got = parse_document({"message": "x", "@timestamp": value}, received_at=RECEIVED_AT).time
    assert got == (RECEIVED_AT if time is None else parse_time(time))


class TestAttributesWithoutTheLine:
    """A shipper's parser took the record apart."""

    def test_they_are_put_together_in_their_order(self) -> None:
        parsed = {
            "model": "/m x",
            "err": 'a "b"\\c',
            "msg": "m",
            "level": "ERROR",
            "time": "2026-11-28T10:15:04.5Z",
            "n": 5,
            "ok": True,
        }
        beside = {
            "hostname": "gpu-1",
            "stream": "stderr",
            "tag": "t",
            "@timestamp": "2026-11-28T10:15:05Z",
            "_p": "F",
            "k": {"a": 1},
        }
        got = parse_document(parsed | beside, received_at=0)
        assert got.original == ('time=2026-11-28T10:15:04.5Z level=ERROR msg=m err="a \\"b\\"\\\\c" model="/m x" n=5 ok=true')
        assert (got.host, rfc3339(got.time, millis=True)) == ("gpu-1", "2026-11-28T10:15:04.500Z")

    def test_they_may_be_an_object_in_place_of_the_line(self) -> None:
        document = {"log": {"level": "ERROR", "msg": "", "source": "server.go:1"}, "host": "gpu-1"}
        assert parse_document(document, received_at=0).original == 'level=ERROR source=server.go:1 msg=""'


class TestJson:
    def test_docker_record(self) -> None:
        record = r'{"log":"a \"b\"\tc \u00e9\n","stream":"stderr","attrs":{"tag":"x"},"time":"2025-10-02T14:46:20.123456789Z"}'
        assert unwrap(record) == ('a "b"\tc é', None, parse_time("2025-10-02T14:46:20.123Z"))

    @given(
        st.text().filter(lambda text: not text.startswith("{")),
        st.dictionaries(
            st.text(alphabet="abc"), st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text()), max_size=3
        ),
        st.booleans(),
        st.sampled_from([None, (",", ":"), (" , ", " : ")]),
    )
    def test_an_object_with_a_log_is_a_record(
        self, text: str, rest: dict[str, object], ascii_only: bool, separators: tuple[str, str] | None
    ) -> None:
        record = json.dumps(rest | {"log": text, "time": "2025-10-02T14:46:20Z"}, ensure_ascii=ascii_only, separators=separators)
        assert unwrap(record) == (text.rstrip("\r\n"), None, parse_time("2025-10-02T14:46:20Z"))

    def test_journald_writes_bytes_where_it_is_no_plain_text(self) -> None:
        record = {"MESSAGE": [*b"\x1b[31m\xc3\xa9 \xff\xc3 \xed\xa0\x80 \xf0\x9f\x98\x80 \xf4\x90\x80\x80"], "_HOSTNAME": "gpu-1"}
        text = "\x1b[31mé \ufffd\ufffd \ufffd\ufffd\ufffd 😀 " + "\ufffd" * 4
        assert unwrap(json.dumps(record)) == (text, "gpu-1", None)

    def test_opentelemetry_writes_each_byte_with_a_fraction(self) -> None:
        assert unwrap(json.dumps({"MESSAGE": [*map(float, PANIC.encode())]})).text == PANIC

    def test_one_carrier_inside_another(self) -> None:
        inner = json.dumps({"log": "x\n", "time": "2025-10-02T14:46:20Z"})
        outer = json.dumps({"message": f"{inner}\n", "host": "gpu-1", "@timestamp": "2025-10-03T14:46:20Z"})
        assert unwrap(outer) == ("x", "gpu-1", parse_time("2025-10-02T14:46:20Z"))

    @pytest.mark.parametrize("prefix", ["2026-11-28T10:15:04.5Z stderr F ", "Nov 28 10:15:04 gpu-1 dockerd[7]: ", "ollama-1  | "])
    def test_one_carrier_before_another(self, prefix: str) -> None:
        record = json.dumps({"log": f"{PANIC}\n", "stream": "stderr", "time": "2026-11-28T10:15:04.2Z"})
        assert unwrap(prefix + record).text == prefix + PANIC
        got = parse(prefix + record, host=None, shipped_at=0)
        assert (got.original, got.host) == (PANIC, "gpu-1" if "gpu-1" in prefix else "unknown")
        assert rfc3339(got.time, millis=True) == ("2026-11-28T10:15:04.500Z" if "F" in prefix else "2026-11-28T10:15:04.200Z")

    @pytest.mark.parametrize("prefix", ["a=b ", "say '", "x", "[GIN] ", "{ "])
    def test_what_is_no_prefix_keeps_its_json(self, prefix: str) -> None:
        line = prefix + json.dumps({"log": "x"})
        assert unwrap(line) == (line, None, None)

    @pytest.mark.parametrize("prefix", ["Nov 28 10:15:04 gpu-1 ollama[7]: ", "2026-11-28T10:15:05Z gpu-1 ", "[stern] x "])
    def test_a_record_of_a_json_handler_behind_any_prefix(self, prefix: str) -> None:
        record = '{"time":"2026-11-28T10:15:04.5Z","level":"ERROR","msg":"model"}'
        got = parse(prefix + record, host=None, shipped_at=0)
        assert (got.original, got.value("log.level"), got.time) == (record, "ERROR", parse_time("2026-11-28T10:15:04.5Z"))

    def test_half_a_surrogate_pair_is_no_character(self) -> None:
        assert unwrap(r'{"log":"\ud83d\ude00 \ud83d \ude00\ud83d"}').text == "😀 \ufffd \ufffd\ufffd"

    @pytest.mark.parametrize("time", ['"yesterday"', '"2025-02-30T00:00:00Z"', "5"])
    def test_a_record_may_have_no_time(self, time: str) -> None:
        assert unwrap(f'{{"log":"x","time":{time}}}') == ("x", None, None)

    @pytest.mark.parametrize(
        "line",
        [
            '{"log":5}',
            '{"log":null,"stream":"stderr"}',
            '{"stream":"log"}',
            '{"a":{"log":"x"}}',
            '{"log":"x",}',
            '{,"log":"x"}',
            '{"log":"x"',
            '{"log":"x"} y',
            '{"log":"x"}{"log":"y"}',
            '{"log":"x"}} , {',
            '{"log":"x","log":"y"}',
            '["log","x"]',
            r'{"log":"\q"}',
            r'{"log":"\u12"}',
            '{"log":"\t"}',
            '{"log":"x","a":01}',
            '{"log":"x","a":NaN}',
            '{"log":"x","a":-Infinity}',
            '{"log":"x","a":' + "9" * 1_001 + "}",
            "{'log':'x'}",
            '{"log":"x","a":1 "b":2}',
            '{"time":"2026-02-27T10:00:01Z","level":"ERROR","msg":"x"}',
        ],
    )
    def test_what_is_no_carrier_stays_as_it_is(self, line: str) -> None:
        assert unwrap(line) == (line, None, None)


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("\x1b[0;1;31mlevel=ERROR msg=x err=EOF\x1b[0m\r\n", "level=ERROR msg=x err=EOF"),
        ("x\x1b[0m\x1b[m\x1b[K", "x"),
        ("x\x1b[0m\n" + "\x1b[0m" * 999, "x"),
        ('{"log":"panic: x"}\x1b[0m', "panic: x"),
        ('{"log":"panic: x\\u001b[0m\\n"}', "panic: x"),
        ("x \x1b[31mm", "x \x1b[31mm"),
        ("\x1b[" + "1" * 21 + "m", "\x1b[" + "1" * 21 + "m"),
    ],
)
def test_colours_at_the_end_go(line: str, bare: str) -> None:
    assert parse(line, host="gpu-1", shipped_at=0).original == bare


class TestTakenApart:
    """A parser took the record apart and left its message where the line should be."""

    @pytest.mark.parametrize("name", TAKEN_APART)
    def test_the_message_is_put_together_with_the_rest(self, name: str) -> None:
        document, line = TAKEN_APART[name]
        got = parse_document(document, received_at=0)
        assert (got.original, got.host, got.tags) == (line, HOST, ())

    @pytest.mark.parametrize(
        "fields",
        [
            {"level": "ERROR"},
            {"source": "server.go:316"},
            {"level": "ERROR", "source": "/var/log/server.go"},
            {"level": "ERROR", "source": "server.go:316", "msg": "another"},
            {"level": "ERROR", "source": "server.go:316", "_raw": "x"},
            {"level": 3, "source": "server.go:316"},
        ],
    )
    def test_a_message_stays_alone_where_it_may_be_no_records(self, fields: dict[str, object]) -> None:
        assert parse_document({"message": "panic: x", "host": "gpu-1", **fields}, received_at=0).original == "panic: x"

    def test_a_whole_line_stays_as_it_is(self) -> None:
        line = "level=ERROR source=a.go:1 msg=model"
        document = {"message": line, "level": "ERROR", "source": "server.go:316", "host": "gpu-1"}
        assert parse_document(document, received_at=0).original == line

    def test_a_level_that_stands_apart_is_told(self) -> None:
        document = {"message": "model x", "attributes": {"level": "error"}, "host": "gpu-1"}
        assert parse_document(document, received_at=0).tags == ("ollama_record_apart",)
        assert not parse_document(document | {"attributes": {"level": "warn"}}, received_at=0).tags
        assert not parse_document(document | {"message": '{"level":"INFO","msg":"x"}'}, received_at=0).tags


def test_what_logstashs_grok_found_in_the_line_is_no_line_of_its_own() -> None:
    line = 'level=ERROR source=a.go:1 msg="model x" err=EOF'
    assert parse_document({"message": [line, "model x"], "host": "gpu-1"}, received_at=0).original == line
    assert (
        parse_document({"message": ["panic: x", "goroutine 1"], "host": "gpu-1"}, received_at=0).original == "panic: x\ngoroutine 1"
    )


class TestUnlisted:
    """No table names the field of the line."""

    def test_the_longest_text_of_several_words_is_kept_and_tagged(self) -> None:
        document = {
            "note": "a b",
            "payload": {"raw": "level=ERROR msg=model"},
            "id": "x" * 99,
            "agent": {"v": "a b" * 99},
            "_x": "c " * 99,
        }
        got = parse_document(document, received_at=0)
        assert (got.original, got.tags) == ("level=ERROR msg=model", ("ollama_line_unlisted", "ollama_host_missing"))
        assert parse_document({"message": ""} | document, received_at=0).original == "level=ERROR msg=model"

    def test_a_listed_field_goes_before(self) -> None:
        got = parse_document({"message": "x", "payload": "level=ERROR msg=model", "host": "gpu-1"}, received_at=0)
        assert (got.original, got.tags) == ("x", ())

    def test_words_alone_are_no_line(self) -> None:
        with pytest.raises(ValueError, match="no line"):
            parse_document({"text": "word", "host": "a b", "tags": ["a b"]}, received_at=0)


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"a": {"b": {"c": 1}}}, 1),
        ({"a.b.c": 1}, 1),
        ({"a.b": {"c": 1}}, 1),
        ({"a": {"b.c": 1}}, 1),
        ({"a": {"b": None}, "a.b": {"c": 1}}, 1),
        ({"a": "b"}, None),
        ({}, None),
    ],
)
def test_names_nested_and_dotted(document: dict[str, Any], found: object) -> None:
    assert find(document, "a.b.c") == found
