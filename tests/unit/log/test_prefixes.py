from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.log.prefixes import strip_prefix, unwrap
from integration.times import parse_time

LINE = "time=2025-10-02T14:46:19.789Z level=INFO msg=x"


@pytest.mark.parametrize(
    ("prefix", "host"),
    [
        ("Feb 26 10:05:31 gpu-1 ollama[1499630]: ", "gpu-1"),
        ("Feb  6 10:05:31 gpu-1 ollama[7]: ", "gpu-1"),
        ("Feb 26 10:05:31 gpu.example.org ollama: ", "gpu.example.org"),
        ("2025-02-26T10:05:31+0000 gpu-1 ollama[7]: ", "gpu-1"),
        ("2025-02-26T10:05:31.123456-08:00 gpu-1 ollama[7]: ", "gpu-1"),
        ("2025-02-26T10:05:31Z 10.0.0.1 docker/ollama[7]: ", "10.0.0.1"),
        ("ollama  | ", None),
        ("ollama-1  | ", None),
        ("my_stack.ollama-1 | ", None),
        ("2025-03-06 23:33:40 ", None),
    ],
)
def test_a_prefix_goes(prefix: str, host: str | None) -> None:
    assert strip_prefix(prefix + LINE) == (LINE, host)


def test_only_one_prefix_goes() -> None:
    assert strip_prefix(f"ollama-1  | 2025-03-06 23:33:40 {LINE}") == (f"2025-03-06 23:33:40 {LINE}", None)


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        "",
        "panic: runtime error: x",
        "2023/12/24 23:48:35 llama.go:459: starting",
        "2025-03-06 23:33 x",
        "2025-03-06T23:33:40Z x",
        "Feb 26 10:05:31 gpu-1 no colon",
        "feb 26 10:05:31 gpu-1 ollama[7]: x",
        "Feb 26 10:05:31 gpu-1 ollama[x]: y",
        "ollama-1| x",
        "ollama-1  |x",
        " ollama-1  | x",
        "a = 1 | b = 2",
    ],
)
def test_other_lines_keep_their_beginning(line: str) -> None:
    assert strip_prefix(line) == (line, None)


def test_docker_record() -> None:
    record = r'{"log":"a \"b\"\tc \u00e9\n","stream":"stderr","attrs":{"tag":"x"},"time":"2025-10-02T14:46:20.123456789Z"}'
    assert unwrap(record) == ('a "b"\tc é', parse_time("2025-10-02T14:46:20.123Z"))


@given(
    st.text(),
    st.dictionaries(
        st.text(),
        st.text() | st.integers() | st.booleans() | st.none() | st.dictionaries(st.text(), st.text(), max_size=2),
        max_size=3,
    ),
    st.booleans(),
    st.sampled_from([None, (",", ":"), (" , ", " : ")]),
)
def test_a_flat_object_with_a_log_is_a_record(
    text: str, rest: dict[str, object], ascii_only: bool, separators: tuple[str, str] | None
) -> None:
    record = json.dumps(rest | {"log": text, "time": "2025-10-02T14:46:20Z"}, ensure_ascii=ascii_only, separators=separators)
    assert unwrap(record) == (text.rstrip("\r\n"), parse_time("2025-10-02T14:46:20Z"))


def test_half_a_surrogate_pair_is_no_character() -> None:
    assert unwrap(r'{"log":"\ud83d\ude00 \ud83d \ude00\ud83d"}') == ("😀 \ufffd \ufffd\ufffd", None)


def test_the_last_log_counts() -> None:
    assert unwrap('{"log":"one","log":"two"}').text == "two"


def test_the_last_time_counts() -> None:
    first = '{"log":"x","time":"2025-10-02T14:46:20Z"'
    assert unwrap(first + ',"time":"2025-10-02T14:46:21Z"}').time == parse_time("2025-10-02T14:46:21Z")
    assert unwrap(first + ',"time":"y"}').time == parse_time("2025-10-02T14:46:20Z")


@pytest.mark.parametrize("time", ['"yesterday"', '"2025-02-30T00:00:00Z"', "5"])
def test_a_record_may_have_no_time(time: str) -> None:
    assert unwrap(f'{{"log":"x","time":{time}}}') == ("x", None)


@pytest.mark.parametrize(
    "line",
    [
        '{"log":5}',
        '{"log":null,"stream":"stderr"}',
        '{"stream":"log"}',
        '{"log":5,"time":"2025-10-02T14:46:20Z"}',
        '{"a":{"log":"x"}}',
        '{"log":"x","a":[1]}',
        '{"log":"x","a":{"b":{"c":1}}}',
        '{"log":"x",}',
        '{,"log":"x"}',
        '{"log":"x"',
        '{"log":"x"} y',
        '{"log":"x"}{"log":"y"}',
        ' {"log":"x"}',
        '["log","x"]',
        r'{"log":"\q"}',
        r'{"log":"\u12"}',
        '{"log":"\t"}',
        '{"log":"x","a":01}',
        '{"log":"x","a":NaN}',
        "{'log':'x'}",
        '{"log":"x","a":1 "b":2}',
        r'{"l\u006fg":"x"} "log"',
    ],
)
def test_what_is_no_record_stays_as_it_is(line: str) -> None:
    assert unwrap(line) == (line, None)
