from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from integration.log.event import Event, parse, parse_document, stored
from integration.log.line import LINE_CUT, MAX_BYTES
from integration.times import parse_time, rfc3339
from tests.support.corpus import Case, cases
from tests.support.lines import WORST, lines

SHIPPED_AT = parse_time("2026-11-24T09:00:00Z")
STAMPED = "time=2025-10-02T14:46:19.789-04:00 level=ERROR "
FIELDS = (
    *(
        "event.original",
        "event.dataset",
        "host.name",
        "log.level",
        "ollama.source",
        "ollama.msg",
        "ollama.err",
        "ollama.level",
        "ollama.line",
        "ollama.error_line",
    ),
    *("message", "error.message", "log.origin.file.name", "log.origin.file.line"),
    *("http.request.method", "http.response.status_code", "url.path", "url.query", "source.ip", "event.duration"),
)


def event(line: str, host: str | None = "gpu-1") -> Event:
    return parse(line, host=host, shipped_at=SHIPPED_AT)


def flat(document: dict[str, Any], above: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in document.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_corpus(case: Case) -> None:
    assert case.parsed == case.document


def test_an_escaped_quote_ends_the_spl_field_and_not_the_message() -> None:
    got = event(STAMPED + r'msg="error \"x\"" err="a \"b\""')
    assert got.value("ollama.msg") == "error \\"
    assert got.value("message") == 'error "x"'
    assert got.value("ollama.err") == "a \\"
    assert got.value("error.message") == 'a "b"'


def test_the_line_of_an_error_stands_by_itself_too() -> None:
    line = 'time=2025-10-02T14:46:19.789-04:00 level=ERROR msg="to a@example.org"'
    assert event(line).value("ollama.error_line") == line.replace("a@example.org", "[REDACTED_EMAIL]")
    assert event(line.replace("ERROR", "WARN")).value("ollama.error_line") is None


def test_bare_values_are_what_the_automatic_extraction_finds() -> None:
    got = event(STAMPED + "msg=pulling err=EOF")
    assert (got.value("ollama.msg"), got.value("ollama.err")) == ("pulling", "EOF")


def test_a_quoted_value_goes_before_a_bare_one_wherever_it_stands() -> None:
    assert event('msg=first err=one msg="second" err="two"').value("ollama.msg") == "second"
    assert event('msg=first err=one msg="second" err="two"').value("ollama.err") == "two"


def test_error_never_fills_err() -> None:
    got = event(STAMPED + 'msg=x error="exit status 2"')
    assert got.value("ollama.err") is None
    assert got.value("error.message") == "exit status 2"


def test_the_quoted_expression_has_no_boundary_and_the_bare_one_has() -> None:
    assert event('xerr="exit status 3" xmsg="y"').value("ollama.err") == "exit status 3"
    assert event('xerr="exit status 3" xmsg="y"').value("ollama.msg") == "y"
    assert event("xerr=EOF xmsg=y").value("ollama.err") is None
    assert event("xerr=EOF xmsg=y").value("ollama.msg") is None


@pytest.mark.parametrize(
    ("line", "automatic", "spl"),
    [
        ("level=ERROR+1 x", "ERROR+1", "ERROR"),
        ("level=error x", "error", "error"),
        ("level=INFO level=ERROR", "INFO", "INFO"),
        ("loglevel=debug level=ERROR", "ERROR", "debug"),
        ("log-level=ERROR", "ERROR", "ERROR"),
        ("log_level=ERROR", None, "ERROR"),
        ('level="ERROR"', None, None),
        ("level=+1 level=ERROR", "+1", "ERROR"),
        ("level= level=ERROR", "ERROR", "ERROR"),
        ("élevel=ERROR", "ERROR", "ERROR"),
        ("level=ERR\u00a0OR", "ERR\u00a0OR", "ERR"),
        ("Level=ERROR", None, None),
    ],
)
def test_levels(line: str, automatic: str | None, spl: str | None) -> None:
    assert (event(line).value("log.level"), event(line).value("ollama.level")) == (automatic, spl)


def test_a_key_forged_inside_a_value_does_not_fool_ecs() -> None:
    got = event(STAMPED + r'source=routes.go:1 msg="x\" error=\"exit status 9\" source=evil.go:2" error=real')
    assert got.value("error.message") == "real"
    assert got.value("log.origin.file.name") == "routes.go"
    assert got.value("message") == 'x" error="exit status 9" source=evil.go:2'


def test_redaction_may_eat_a_closing_quote() -> None:
    got = event(STAMPED + 'source=a.go:1 msg="sent bearer abc" err="exit status 1"')
    assert got.value("ollama.msg") == "sent bearer=[REDACTED] err="
    assert got.value("ollama.err") == "exit status 1"
    assert got.value("error.message") is None
    assert got.value("message") == got.original  # the attributes end where the quote is missing
    assert got.value("log.origin.file.line") == 1


def test_redaction_comes_first() -> None:
    got = event("Feb 26 10:05:31 gpu-9 ollama[7]: api_key=abc mail bob@example.com", host=None)
    assert got.original == "api_key=[REDACTED] mail [REDACTED_EMAIL]"
    assert got.host == "gpu-9"


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("server.go:544", "server.go", 544),
        ("/go/src/x/llama.go:310", "/go/src/x/llama.go", 310),
        ("C:\\x\\y.go:7", "C:\\x\\y.go", 7),
        ("server.go", "server.go", None),
        ("server.go:", "server.go:", None),
        (":12", ":12", None),
        ("a.go:1:2", "a.go:1", 2),
        ("a.go:2147483647", "a.go", 2**31 - 1),
        ("a.go:2147483648", "a.go", None),
        ("a.go:12345678901", "a.go:12345678901", None),
        ("a.go:-1", "a.go:-1", None),
        ("", None, None),
    ],
)
def test_origin(source: str, name: str | None, line: int | None) -> None:
    got = event(f"level=INFO source={source} msg=x")
    assert (got.value("log.origin.file.name"), got.value("log.origin.file.line")) == (name, line)


@pytest.mark.parametrize(
    ("line", "time", "tags"),
    [
        ("time=2025-10-02T14:46:19.789999-04:00 x", "2025-10-02T18:46:19.789Z", ()),
        ("time=2025-10-02T14:46:19Z", "2025-10-02T14:46:19.000Z", ()),
        ("time=0001-01-01T00:00:00.000Z x", "2026-11-24T09:00:00.000Z", ()),
        ("time=9999-12-31T00:00:00.000Z x", "2026-11-24T09:00:00.000Z", ()),
        ("Oct  2 14:46:20 gpu-9 ollama[7]: time=2025-10-02T14:46:19Z level=INFO", "2025-10-02T14:46:19.000Z", ()),
        ("2025-10-02T14:46:20.5+0200 gpu-9 ollama[7]: panic: x", "2025-10-02T12:46:20.500Z", ()),
        ("2025-10-02T14:46:20.123456789Z stderr F panic: x", "2025-10-02T14:46:20.123Z", ()),
        ("2025-02-30T14:46:20Z panic: x", "2026-11-24T09:00:00.000Z", ()),
        (
            "panic: x\n\ntime=2025-10-02T14:46:19Z level=ERROR\ntime=2025-10-03T14:46:19Z level=ERROR",
            "2025-10-02T14:46:19.000Z",
            (),
        ),
        ('panic: x\nmsg="time=2025-10-02T14:46:19Z level=ERROR"', "2026-11-24T09:00:00.000Z", ()),
        ('{"time":"2025-10-02T14:46:19.5Z","level":"ERROR","msg":"x"}', "2025-10-02T14:46:19.500Z", ()),
        ("time=2025-02-30T14:46:19.789Z x", "2026-11-24T09:00:00.000Z", ("ollama_time_failure",)),
        ("time=2025-10-02T14:46:19.789Zx", "2026-11-24T09:00:00.000Z", ()),
        ('level=INFO msg="time=2025-10-02T14:46:19.789Z"', "2026-11-24T09:00:00.000Z", ()),
        ('[GIN] 2025/11/06 - 06:23:22 | 200 | 1s | ::1 | GET "/"', "2026-11-24T09:00:00.000Z", ()),
        ('{"log":"panic: x\\n","time":"2025-10-02T14:46:20.123456789Z"}', "2025-10-02T14:46:20.123Z", ()),
        ('{"log":"time=2025-10-02T14:46:19.789Z x\\n","time":"2025-10-02T14:46:20Z"}', "2025-10-02T14:46:19.789Z", ()),
    ],
)
def test_time(line: str, time: str, tags: tuple[str, ...]) -> None:
    got = event(line)
    assert (rfc3339(got.time, millis=True), got.tags) == (time, tags)


def test_hosts() -> None:
    journald = "Feb 26 10:05:31 gpu-9 ollama[7]: panic: x"
    assert event(journald, host="own").host == "own"
    assert event(journald, host=None).host == "gpu-9"
    assert event(journald, host="").host == "gpu-9"
    unnamed = event("panic: x", host=None)
    assert (unnamed.host, unnamed.tags) == ("unknown", ("ollama_host_missing",))


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("panic: runtime error: x", "panic"),
        ("goroutine 27 [running]:", "frame"),
        ("\tserver.go:544 +0x1a5", "frame"),
        ("GGML_ASSERT(x) failed", "native"),
        ("a\x00b", "other"),
        ("b\ufffdd", "other"),
        ("", "other"),
    ],
)
def test_a_line_that_nothing_parses_is_kept(line: str, kind: str) -> None:
    got = event(line)
    assert flat(got.document()) == {
        "@timestamp": "2026-11-24T09:00:00.000Z",
        "event.original": line,
        "event.dataset": "ollama.server",
        "host.name": "gpu-1",
        "message": line,
        "ollama.line": kind,
    }


def test_stored_takes_the_line_as_it_is() -> None:
    line = "ollama-1  | bob@example.com level=ERROR"
    got = stored(line, host="gpu-1", time=5)
    assert (got.original, got.host, got.time, got.tags) == (line, "gpu-1", 5, ())
    assert got.value("log.level") == "ERROR"


def test_half_a_surrogate_pair_of_a_document_is_stored_as_the_index_has_it() -> None:
    got = stored('level=ERROR msg="model \ud800 \U0001f600"', host="gpu\udfff", time=5)
    assert (got.value("ollama.msg"), got.host) == ("model ? \U0001f600", "gpu?")


def test_a_record_of_a_json_handler() -> None:
    text = (
        '{"time":"2026-02-27T10:00:01Z","level":"ERROR","source":{"function":"x","file":"server.go","line":316},'
        '"msg":"llama \\"runner\\"","error":"exit \\u0073tatus 2"}'
    )
    got = event(text)
    assert flat(got.document()) == {
        "@timestamp": "2026-02-27T10:00:01.000Z",
        "event.original": text,
        "event.dataset": "ollama.server",
        "host.name": "gpu-1",
        "log.level": "ERROR",
        "ollama.line": "record",
        "ollama.msg": 'llama "runner"',
        "message": 'llama "runner"',
        "error.message": "exit status 2",
        "log.origin.file.name": "server.go",
        "log.origin.file.line": 316,
    }


def test_a_line_is_cut_where_the_add_on_cuts_it() -> None:
    """In whole characters, out of what carried it, before it is redacted; a line of just that length stays."""
    whole = "level=ERROR " + "a" * (MAX_BYTES - 12)
    assert (event(whole).original, event(whole).tags) == (whole, ())
    long = event(f"Feb 26 10:05:31 gpu-9 ollama[7]: {whole}b")
    assert (long.original, long.tags) == (whole, (LINE_CUT,))
    assert event("level=ERROR" + "é" * MAX_BYTES).original == "level=ERROR" + "é" * ((MAX_BYTES - 11) // 2)
    assert event("x " * (MAX_BYTES // 2) + "api_key=s3cret").original == "x " * (MAX_BYTES // 2)


class TestDocuments:
    def test_a_document_gives_its_line_host_and_time(self) -> None:
        document = {"MESSAGE": "panic: x\n", "_HOSTNAME": "gpu-2", "__REALTIME_TIMESTAMP": "1795860904123000"}
        got = parse_document(document, received_at=5)
        assert (got.original, got.host, rfc3339(got.time, millis=True)) == ("panic: x", "gpu-2", "2026-11-28T10:15:04.123Z")

    def test_a_document_without_a_time_is_of_when_it_came(self) -> None:
        assert parse_document({"log": "panic: x"}, received_at=5).time == 5

    def test_a_document_without_a_line_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="no line"):
            parse_document({"host": {"name": "gpu-1"}}, received_at=5)


def test_an_unknown_field_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"ollama\.nothing"):
        event("x").value("ollama.nothing")


@given(lines)
def test_value_is_what_the_document_holds(line: str) -> None:
    got = event(line)
    document = flat(got.document())
    document.pop("@timestamp")
    document.pop("tags", None)
    assert {field: got.value(field) for field in FIELDS if got.value(field) is not None} == document


@given(lines)
def test_a_stored_event_has_the_same_values(line: str) -> None:
    first = event(line)
    again = stored(first.original, host=first.host, time=first.time)
    assert [again.value(field) for field in FIELDS] == [first.value(field) for field in FIELDS]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("shape", WORST)
def test_the_worst_lines_take_linear_time(shape: str) -> None:
    assert event(WORST[shape]).document()["event"]
