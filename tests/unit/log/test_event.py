from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from integration.log.event import Event, parse, prefix_host, stamp, stored
from integration.times import parse_time, rfc3339
from tests.support.corpus import Case, cases
from tests.support.lines import WORST, lines

SHIPPED_AT = parse_time("2026-11-24T09:00:00Z")
STAMPED = "time=2025-10-02T14:46:19.789-04:00 level=ERROR "
FIELDS = (
    *("event.original", "event.dataset", "host.name", "log.level", "ollama.source", "ollama.msg", "ollama.err", "ollama.level"),
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
    "line",
    [
        "panic: runtime error: x",
        "goroutine 27 [running]:",
        "\tserver.go:544 +0x1a5",
        "GGML_ASSERT(x) failed",
        "a\x00b",
        "b\ufffdd",
        "",
    ],
)
def test_a_line_that_nothing_parses_is_kept(line: str) -> None:
    got = event(line)
    assert flat(got.document()) == {
        "@timestamp": "2026-11-24T09:00:00.000Z",
        "event.original": line,
        "event.dataset": "ollama.server",
        "host.name": "gpu-1",
        "message": line,
    }


def test_stamp_and_prefix_host_take_raw_lines() -> None:
    stamped = "time=2025-10-02T14:46:19.789Z level=INFO msg=x"
    expected = parse_time("2025-10-02T14:46:19.789Z")
    for raw in (stamped, f"ollama-1  | {stamped}", f"Feb 26 10:05:31 gpu-9 ollama[7]: {stamped}", f'{{"log":"{stamped}\\n"}}'):
        assert stamp(raw) == expected
    assert stamp("panic: x") is None
    assert stamp("time=2025-02-30T14:46:19.789Z x") is None
    assert prefix_host("Feb 26 10:05:31 gpu-9 ollama[7]: x") == "gpu-9"
    assert prefix_host(f"ollama-1  | {stamped}") is None
    assert prefix_host(stamped) is None


@pytest.mark.parametrize("host", ["bob@example.com", "bearer:abc", "apikey=x"])
def test_a_host_of_a_prefix_is_redacted_whoever_takes_it(host: str) -> None:
    for raw in (line := f"Feb 26 10:05:31 {host} ollama[7]: x", json.dumps({"log": f"{line}\n"})):
        named = prefix_host(raw)
        assert named == event(raw, host=None).host
        assert named is not None
        assert host not in named
        assert "REDACTED" in named


def test_stored_takes_the_line_as_it_is() -> None:
    line = "ollama-1  | bob@example.com level=ERROR"
    got = stored(line, host="gpu-1", time=5)
    assert (got.original, got.host, got.time, got.tags) == (line, "gpu-1", 5, ())
    assert got.value("log.level") == "ERROR"


def test_half_a_surrogate_pair_of_a_document_is_stored_as_the_index_has_it() -> None:
    got = stored('level=ERROR msg="model \ud800 \U0001f600"', host="gpu\udfff", time=5)
    assert (got.value("ollama.msg"), got.host) == ("model ? \U0001f600", "gpu?")


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
