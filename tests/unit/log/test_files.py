from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from integration.errors import InputError
from integration.log import blocks, clock
from integration.log.batches import events_of, has_batches
from integration.log.file_kinds import refuse_other_than_text
from integration.log.files import CandidateReader, RawLine, read_lines
from integration.log.line import LINE_CUT, Line, Steps, arrived, read
from integration.times import parse_time

WRITTEN = parse_time("2026-11-24T12:00:00Z")
NEEDLE = b"level=error"
STAMPED = "time=2026-11-24T09:00:0{}.000Z level=INFO"

pieces = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"time=2026-11-24T09:00:00.123Z ",
        b"time=2026-11-24T10:00:00.5-05:00 ",
        b"time=2026-02-30T10:00:00.000Z ",
        b"time=2026-11-24T09:30:00.5Z level=DEBUG ",
        b"time=2026-11-24T09:45:00,level=ERROR level=DEBUG ",
        b"level=ERROR",
        b"Level=error",
        b"LEVEL=",
        b'{"log":"time=2026-11-24T11:00:00.000Z level=\\u0045RROR\\n","time":"2026-11-24T11:00:01.5Z"}',
        b'{"log":"[GIN] level=ERROR","time":"2026-11-24T11:30:00Z"}',
        b'{"log":"\\u0074ime=2026-11-24T11:59:00Z level=ERROR"}',
        b"Nov 24 09:00:00 gpu-1 ollama[1]: ",
        b"C:\\users\\",
        "é".encode(),
        b"\xe2\x82",
        b" model ",
    ]
)
logs = st.lists(st.one_of(pieces, st.binary(max_size=6)), max_size=30).map(b"".join)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], str]:
    """Write a log that was last written at `WRITTEN`."""
    path = tmp_path_factory.mktemp("logs") / "server.log"

    def write(data: bytes) -> str:
        path.write_bytes(data)
        os.utime(path, (WRITTEN / 1000, WRITTEN / 1000))
        return str(path)

    return write


def is_plain_text(data: bytes) -> bool:
    try:
        refuse_other_than_text(data, "server.log")
    except InputError:
        return False
    return b"\0" not in data and not data.startswith((b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff"))


def expected(data: bytes, path: str) -> list[RawLine]:
    """The lines of a log, read the plain way."""
    start = 3 if data.startswith(codecs.BOM_UTF8) else 0
    found, last = [], WRITTEN
    for match in re.compile(rb"[^\r\n]+").finditer(data, start):
        number = data.count(b"\n", 0, match.start()) + 1
        for before, text in enumerate(events_of(match[0].decode(errors="replace"))):
            line = read(text)
            last = time = next(time for time in (line.stamp, line.carried, last) if time is not None)
            found.append(RawLine(text, path, number, match.start() + before, time, line))
    return found


@given(logs, st.integers(1, 40))
@example(b"", 1)
@example(b"\n", 1)
@example(b"\r\n\r\n", 1)
@example(b"a\r\nb\r\n", 3)
@example(codecs.BOM_UTF8, 2)
@example(codecs.BOM_UTF8 + b"a\nb", 2)
@example(b"level=ERROR", 5)
@example(b"time=2026-11-24T09:00:00.123Z", 5)
def test_lines_are_those_between_line_breaks(log: Callable[[bytes], str], data: bytes, block_bytes: int) -> None:
    assume(is_plain_text(data))
    path = log(data)
    lines = list(read_lines(path, block_bytes=block_bytes))
    parts = [part.decode(errors="replace") for part in re.split(rb"[\r\n]+", data.removeprefix(codecs.BOM_UTF8)) if part]
    assert [line.text for line in lines] == [event for part in parts for event in events_of(part)]
    assert lines == expected(data, path)


@given(
    logs,
    st.integers(1, 40) | st.just(1000),
    st.sampled_from([None, [NEEDLE], [NEEDLE, b"model"], [b"nowhere"]]),
    st.sampled_from([(), ("DEBUG",), ("TRACE", "DEBUG")]),
)
@example(b"time=2026-11-24T09:00:00.123Z\nlevel=ERROR\nlevel=ERROR", 1000, [NEEDLE], ())
@example(b"level=ERROR\n\ntime=2026-11-24T09:00:00.123Z level=DEBUG \nlevel=ERROR", 1000, [NEEDLE], ("DEBUG",))
@example(b"time=2026-11-24T09:00:00.123Z level=DEBUG \r\nlevel=ERROR\r\n\r", 9, [NEEDLE], ("DEBUG",))
@example(b"time=2026-11-24T09:00:00.123Z level=DEBUG level=ERROR", 1000, [NEEDLE], ("DEBUG",))
@example(b'{"log":"[GIN] level=ERROR","time":"2026-11-24T11:30:00Z"}\\/', 1000, [b"nowhere"], ())
@example(b"{", 1000, [NEEDLE], ())
@example(b"time=2026-11-24T09:00:00.123Z \n{\n", 1000, [NEEDLE], ())
def test_candidates_are_the_lines_with_a_needle(
    log: Callable[[bytes], str], data: bytes, block_bytes: int, needles: list[bytes] | None, without: tuple[str, ...]
) -> None:
    """But for the records of a level that is passed over; each is what it is where every line is read."""
    assume(is_plain_text(data))
    path = log(data)
    lines = {line.offset: line for line in expected(data, path)}
    begins_json = re.search(rb"(?:^|[\r\n])[ \t]*\{(?:[\r\n]|$)", data.removeprefix(codecs.BOM_UTF8)) is not None
    holds_batches = has_batches(data.removeprefix(codecs.BOM_UTF8).replace(b"\r", b"\n"))
    passed_over = re.compile(rf"time=[0-9T:.Z+-]+ level=(?:{'|'.join(without) or '(?!)'}) ")
    reader = CandidateReader(path, needles, without=without, block_bytes=block_bytes)
    candidates = list(reader)
    assert reader.lines_read == len(lines)
    offsets = [candidate.offset for candidate in candidates]
    assert offsets == sorted(set(offsets))
    for candidate in candidates:
        assert candidate == lines[candidate.offset]
    for offset, line in lines.items():
        in_file, in_record = (
            needles is None or any(n in text.lower().encode() for n in needles) for text in (line.text, line.line.text)
        )
        if passed_over.match(line.text):
            assert offset not in offsets
        else:
            assert offset in offsets or not (in_file or in_record)
            # JSON may write a needle in other ways: with escapes, as a member, byte by byte. Beside JSON on many lines, or several
            # events on one, all are.
            other_ways = begins_json or holds_batches or re.search(r'\\|"level"|\[ ?[0-9]', line.text)
            assert offset not in offsets or in_file or other_ways


@given(logs, st.integers(1, 40) | st.just(1000), st.sampled_from([None, [NEEDLE]]))
@example(b"time=2026-11-24T09:00:00.123Z level=INFO\nlevel=ERROR model", 1000, None)
@example(b'time=2026-11-24T09:00:00+02:00 level=INFO\n[GIN] 2026/11/24 - 10:30:00 | 200 | 1s | ::1 | GET "/model"', 9, None)
@example(b'{"MESSAGE":%s}\nlevel=ERROR model' % str(list(b"time=2026-11-24T09:00:00Z x")).encode(), 1000, [NEEDLE])
@example(b"2026-04-09T17:31:50.1Z stderr P time=2026-04-09T17:31:50.363Z mo\n2026-04-09T17:31:50.2Z stderr F del", 1000, [NEEDLE])
@example(b"{", 1000, None)
def test_what_is_not_selected_is_not_given(
    log: Callable[[bytes], str], data: bytes, block_bytes: int, needles: list[bytes] | None
) -> None:
    """And what is, is what it is where every line is read."""
    assume(is_plain_text(data))
    path = log(data)
    every = list(CandidateReader(path, needles, block_bytes=block_bytes))
    reader = CandidateReader(path, needles, selects=lambda text: "model" in text, block_bytes=block_bytes)
    assert list(reader) == [line for line in every if "model" in line.line.text]


@given(logs)
def test_no_needles_stand_for_every_line(log: Callable[[bytes], str], data: bytes) -> None:
    assume(is_plain_text(data))
    path = log(data)
    reader = CandidateReader(path, None)
    assert list(reader) == list(read_lines(path))
    assert reader.lines_read == len(expected(data, path))


@given(st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"bc"]), max_size=40).map(b"".join))
def test_lines_are_counted_whatever_the_breaks(log: Callable[[bytes], str], data: bytes) -> None:
    reader = CandidateReader(log(data), [NEEDLE])
    assert list(reader) == []
    assert reader.lines_read == len([part for part in re.split(rb"[\r\n]+", data) if part])


def test_a_line_may_be_longer_than_many_blocks(log: Callable[[bytes], str]) -> None:
    long = b"x" * 10_000 + b" level=ERROR"
    path = log(b"a\n" + long + b"\nb")
    assert [(len(line.text), line.offset) for line in read_lines(path, block_bytes=16)] == [
        (1, 0),
        (len(long), 2),
        (1, 3 + len(long)),
    ]
    assert [line.offset for line in CandidateReader(path, [NEEDLE], block_bytes=16)] == [2]


class TestTime:
    def test_an_unstamped_line_has_the_time_of_the_last_stamp_above_it(self, log: Callable[[bytes], str]) -> None:
        text = [STAMPED.format(1), "panic: level=ERROR", "goroutine 1 [running]:", STAMPED.format(2), "a", "exited level=ERROR"]
        path = log("\n".join(text).encode())
        times = [line.shipped_at for line in read_lines(path)]
        first, second = parse_time("2026-11-24T09:00:01Z"), parse_time("2026-11-24T09:00:02Z")
        assert times == [first, first, first, second, second, second]
        for block_bytes in range(1, 200):
            assert [line.shipped_at for line in CandidateReader(path, [NEEDLE], block_bytes=block_bytes)] == [first, second]

    def test_an_access_line_without_a_zone_hides_no_time(self, log: Callable[[bytes], str]) -> None:
        gin = '[GIN] 2026/11/24 - 10:30:00 | 500 | 1s | ::1 | POST "/api/chat"'
        path = log(f"2026-11-24T10:00:00Z CUDA error: x\n{gin}\nlevel=ERROR".encode())
        for needles in (None, [NEEDLE]):
            *_, line = CandidateReader(path, needles)
            assert line.shipped_at == parse_time("2026-11-24T10:00:00Z")

    def test_1970_stands_for_no_time(self, log: Callable[[bytes], str]) -> None:
        none = '{"message":"x","timestamp":"1970-01-01T00:00:00Z"}'
        path = log(f"{STAMPED.format(1)}\n{none}\nlevel=ERROR".encode())
        for needles in (None, [NEEDLE]):
            *_, line = CandidateReader(path, needles)
            assert line.shipped_at == parse_time("2026-11-24T09:00:01Z")

    def test_a_time_inside_a_line_is_no_stamp(self, log: Callable[[bytes], str]) -> None:
        path = log(b'msg="time=2026-11-24T09:00:00Z "\nlevel=ERROR')
        assert [line.shipped_at for line in read_lines(path)] == [WRITTEN, WRITTEN]
        assert [line.shipped_at for line in CandidateReader(path, [NEEDLE])] == [WRITTEN]

    def test_a_docker_record_has_its_own_time(self, log: Callable[[bytes], str]) -> None:
        record = json.dumps({"log": "panic: level=ERROR\n", "time": "2026-11-24T10:00:00.5Z"})
        path = log(f"{STAMPED.format(1)}\n{record}\nlevel=ERROR".encode())
        assert [line.shipped_at for line in read_lines(path)][1:] == [parse_time("2026-11-24T10:00:00.5Z")] * 2
        assert [line.shipped_at for line in CandidateReader(path, [NEEDLE])] == [parse_time("2026-11-24T10:00:00.5Z")] * 2

    @pytest.mark.parametrize(
        ("above", "time"),
        [
            ("2026-11-24T10:00:00.5+0100 gpu-1 ollama[7]: panic: out of memory", "2026-11-24T09:00:00.5Z"),
            ("2026-11-24T10:00:00.5Z stderr F panic: out of memory", "2026-11-24T10:00:00.5Z"),
            ("2026-11-24T10:00:00.5Z panic: out of memory", "2026-11-24T10:00:00.5Z"),
            ("1795860000.500000 gpu-1 ollama[7]: panic: out of memory", "2026-11-28T10:00:00.5Z"),
            ('{"MESSAGE":"panic","__REALTIME_TIMESTAMP":"1795860000500000"}', "2026-11-28T10:00:00.5Z"),
            ('[GIN] 2026/11/24 - 10:30:00 | 500 | 1s | ::1 | POST "/api/chat"', "2026-11-24T08:30:00Z"),
            (f"a line of its carrier's time\n{'native ' * 40}", "2026-11-24T07:00:00Z"),
        ],
    )
    def test_a_line_has_the_time_above_it_whoever_tells_it(self, log: Callable[[bytes], str], above: str, time: str) -> None:
        """journalctl, for one, writes no time before the further lines of an entry."""
        text = ["time=2026-11-24T09:00:00+02:00 level=INFO", above, "goroutine 1 [running]:", "exited level=ERROR"]
        path = log("\n".join(text).encode())
        assert [line.shipped_at for line in read_lines(path)][-2:] == [parse_time(time)] * 2
        for block_bytes in range(1, 250):
            (candidate,) = CandidateReader(path, [NEEDLE], block_bytes=block_bytes)
            assert candidate.shipped_at == parse_time(time), block_bytes

    @pytest.mark.parametrize("other", ["level=ERROR time=never", "time=2026-02-30T00:00:00Z level=ERROR", "time= level=INFO"])
    def test_no_line_is_looked_at_twice_for_a_stamp(
        self, log: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch, other: str
    ) -> None:
        calls = 0

        def counting(function: Callable[..., Line]) -> Callable[..., Line]:
            def counted(line: str | Steps) -> Line:
                nonlocal calls
                calls += 1
                return function(line)

            return counted

        monkeypatch.setattr(clock, "read", counting(read))
        monkeypatch.setattr(clock, "arrived", counting(arrived))
        count = 2_000
        path = log("\n".join([other, "level=ERROR"] * count).encode())
        assert len(list(CandidateReader(path, [NEEDLE]))) in (count, 2 * count)
        assert calls <= 2 * count  # once for the line itself, once for those below it

    def test_a_gin_line_has_the_zone_of_the_record_above_or_else_of_the_first_below(self, log: Callable[[bytes], str]) -> None:
        gin = '[GIN] 2026/11/24 - 10:30:00 | 200 | 1s | ::1 | GET "/"'
        zones = [f"time=2026-11-24T09:00:00{zone} level=INFO\n{gin}" for zone in ("+02:00", "-05:30", "Z")]
        path = log("\n".join([gin, *zones]).encode())
        times = ["2026-11-24T08:30:00Z", "2026-11-24T08:30:00Z", "2026-11-24T16:00:00Z", "2026-11-24T10:30:00Z"]
        for lines in (read_lines(path), CandidateReader(path, [b"gin"])):
            assert [line.shipped_at for line in lines if line.text == gin] == [parse_time(time) for time in times]

    def test_the_clock_of_a_gin_line_without_a_zone_is_not_a_time_above(self, log: Callable[[bytes], str]) -> None:
        path = log(b'[GIN] 2026/11/24 - 10:30:00 | 200 | 1s | ::1 | GET "/"\npanic')
        assert [line.shipped_at for line in read_lines(path)] == [WRITTEN] * 2


class TestEntries:
    """What `journalctl -o verbose` and `-o export` write on many lines is one line, at the place of its first."""

    VERBOSE = (
        "Sat 2026-11-28 10:15:05.123000 UTC [s=0c9f;i=1f;b=def;m=1;t=1;x=1]\n"
        "    _HOSTNAME=gpu-1\n"
        "    PRIORITY=6\n"
        "    MESSAGE={}\n"
        "    _PID=820\n"
    )
    EXPORT = "__CURSOR=s=0c9f;i=1f\n__REALTIME_TIMESTAMP=1795860905123000\n_HOSTNAME=gpu-1\nMESSAGE={}\n_PID=820\n\n"

    @pytest.mark.parametrize("needles", [None, [NEEDLE]])
    @pytest.mark.parametrize("form", [VERBOSE, EXPORT])
    def test_an_entry_is_a_line_with_its_host_and_its_time(
        self, log: Callable[[bytes], str], form: str, needles: list[bytes] | None
    ) -> None:
        texts = ['level=ERROR msg="a=b"', STAMPED.format(1) + " level=ERROR", "level=ERROR\n        goroutine 1 [running]:"]
        texts = texts[: 2 if form is self.EXPORT else 3]
        path = log("".join(["before level=ERROR\n", *map(form.format, texts), "-- No entries --\nlevel=ERROR"]).encode())
        for block_bytes in (1, 64, 65_536):
            found = [raw for raw in CandidateReader(path, needles, block_bytes=block_bytes) if "ERROR" in raw.line.text]
            wanted = [text.replace("        goroutine", "goroutine") for text in texts]
            assert [raw.line.text for raw in found] == ["before level=ERROR", *wanted, "level=ERROR"]
            assert {raw.line.host for raw in found[1:-1]} == {"gpu-1"}
            assert {raw.line.carried for raw in found[1:-1]} == {parse_time("2026-11-28T10:15:05.123Z")}
            assert [raw.number for raw in found[:3]] == [1, 2, 2 + form.count("\n")]

    @pytest.mark.parametrize("without", [(), ("INFO",)])
    def test_what_follows_an_entry_is_read_by_itself(self, log: Callable[[bytes], str], without: tuple[str, ...]) -> None:
        below = [
            STAMPED.format(9),
            "OLLAMA_DEBUG=1 level=ERROR",
            "{",
            '  "MESSAGE": "level=ERROR model",',
            '  "_HOSTNAME": "gpu-2"',
            "}",
            "2026-11-28T10:15:09Z stderr P level=ERR",
            "2026-11-28T10:15:09Z stderr F OR exited",
        ]
        path = log((self.VERBOSE.format("level=ERROR") + "\n".join(below)).encode())
        for block_bytes in (1, 64, 65_536):
            reader = CandidateReader(path, [NEEDLE], without=without, block_bytes=block_bytes)
            found = [(raw.line.text, raw.line.host, raw.shipped_at) for raw in reader if "ERROR" in raw.line.text]
            assert found == [
                ("level=ERROR", "gpu-1", parse_time("2026-11-28T10:15:05.123Z")),
                ("OLLAMA_DEBUG=1 level=ERROR", None, parse_time("2026-11-24T09:00:09Z")),
                ("level=ERROR model", "gpu-2", parse_time("2026-11-24T09:00:09Z")),
                ("level=ERROR exited", None, parse_time("2026-11-28T10:15:09Z")),
            ]

    def test_a_local_time_is_none(self, log: Callable[[bytes], str]) -> None:
        (line,) = read_lines(log(self.VERBOSE.format("panic: x").replace("UTC", "CET").encode()))
        assert (line.line.text, line.line.host, line.line.carried, line.shipped_at) == ("panic: x", "gpu-1", None, WRITTEN)

    @pytest.mark.parametrize("text", ["__CURSOR=s=1\n_PID=7\nx", VERBOSE.replace("MESSAGE", "TEXT").format("y")])
    def test_what_has_no_message_stays_as_it_is(self, log: Callable[[bytes], str], text: str) -> None:
        assert [line.text for line in read_lines(log(text.encode()))] == text.splitlines()


class TestParts:
    """What a container runtime wrote in parts is one line, at the place of its first part."""

    PARTS = (
        b"2026-04-09T17:31:50.1Z stderr P time=2026-04-09T17:31:50.363Z lev\n"
        b"2026-04-09T17:31:50.2Z stdout F between\n"
        b"2026-04-09T17:31:50.3Z stderr P el=ERR\n"
        b"2026-04-09T17:31:50.4Z stderr F OR model\n"
        b"2026-04-09T17:31:50.5Z stderr F whole\n"
        b"2026-04-09T17:31:51.5Z stdout P without an end"
    )

    @pytest.mark.parametrize("needles", [None, [NEEDLE]])
    def test_parts_are_joined(self, log: Callable[[bytes], str], needles: list[bytes] | None) -> None:
        path = log(self.PARTS)
        for block_bytes in (1, 64, 65_536):
            reader = CandidateReader(path, needles, block_bytes=block_bytes)
            found = [(line.line.text, line.offset) for line in reader]
            assert reader.lines_read == 6
            assert ("time=2026-04-09T17:31:50.363Z level=ERROR model", 0) in found
            assert needles or [text for text, _ in found][0::2] == ["between", "whole"]
            assert ("without an end", self.PARTS.rindex(b"2026")) in found

    @pytest.mark.parametrize("needles", [None, [b"level=error"]])
    @pytest.mark.parametrize("cut", [16_384, 16_400])
    def test_dockers_parts_are_joined(self, log: Callable[[bytes], str], needles: list[bytes] | None, cut: int) -> None:
        """It cuts every 16 KiB; what else has no line end was the last line of a program."""
        long = 'time=2026-04-09T17:31:50.363Z level=ERROR msg="' + "\\\\n" * 12_000 + '" error=last'
        assert len(long) > 2 * cut

        def record(text: str, stream: str, second: int) -> bytes:
            return json.dumps(
                {"log": text, "stream": stream, "time": f"2026-04-09T17:31:5{second}Z"}, separators=(",", ":")
            ).encode()

        lines = [
            record("level=ERROR of a program that ended", "stdout", 1),
            record(long[:cut], "stderr", 2),
            record("level=ERROR msg=between\n", "stdout", 3),
            record(long[cut : 2 * cut], "stderr", 4),
            record(long[2 * cut :] + "\n", "stderr", 5),
            record("level=ERROR msg=after\n", "stderr", 6),
            record("y" * cut, "stdout", 7),
        ]
        got = [line.line for line in CandidateReader(log(b"\n".join(lines)), needles)]
        texts = ["level=ERROR of a program that ended", "level=ERROR msg=between", long, "level=ERROR msg=after", "y" * cut]
        assert [line.text for line in got if line.text in texts] == texts
        assert [line.text for line in got] == texts
        assert got[2].carried == parse_time("2026-04-09T17:31:52Z")

    def test_parts_without_an_end_are_bounded(self, log: Callable[[bytes], str]) -> None:
        path = log(
            b"2026-04-09T17:31:50.1Z stderr P "
            + b"x" * 100_000
            + b"\n"
            + (b"2026-04-09T17:31:50.1Z stderr P " + b"x" * 100_000 + b"\n") * 30
        )
        (line,) = read_lines(path)
        assert len(line.text) < 1_200_000
        assert line.line.tags == (LINE_CUT,)


class TestJsonOnManyLines:
    """An object that is written a line for each member is one line, at the place of its brace."""

    ENTRY: ClassVar = {
        "_HOSTNAME": "gpu-1",
        "MESSAGE": "level=ERROR model",
        "__REALTIME_TIMESTAMP": "1795860905123000",
        "a": {"b": [1]},
    }
    BARE = b"level=ERROR model of another"

    @pytest.mark.parametrize("needles", [None, [NEEDLE]])
    @pytest.mark.parametrize("indent", [1, 4, "\t"])
    @pytest.mark.parametrize("form", ["one after the other", "a list", "in an object"])
    def test_objects_are_joined(
        self, log: Callable[[bytes], str], needles: list[bytes] | None, indent: int | str, form: str
    ) -> None:
        entry = json.dumps(self.ENTRY, indent=indent)
        texts = {
            "one after the other": f"{entry}\r\n{entry}",
            "a list": json.dumps([self.ENTRY, self.ENTRY], indent=indent),
            "in an object": json.dumps({"next": "x", "events": [self.ENTRY, self.ENTRY], "more": None}, indent=indent),
        }
        whole = texts[form].encode() + b"\n" + self.BARE
        for block_bytes in (1, 64, 65_536):
            reader = CandidateReader(log(whole), needles, block_bytes=block_bytes)
            found = [(line.line.text, line.line.host, line.line.carried, line.offset) for line in reader]
            places = [match.start() for match in re.finditer(rb"(?m)^[ \t]*\{(?=\s+\"_)", whole)]
            time = parse_time("2026-11-28T10:15:05.123Z")
            assert [entry for entry in found if entry[1]] == [("level=ERROR model", "gpu-1", time, place) for place in places]
            assert found[-1][0] == self.BARE.decode()
            assert reader.lines_read == len([line for line in re.split(rb"[\r\n]", whole) if line])

    @pytest.mark.parametrize(
        "text",
        [
            "{\nlevel=ERROR model\n}",
            "{\n  level=ERROR model\n}",
            '{\n  "MESSAGE": "level=ERROR model"',
            '{\n  "MESSAGE": "level=ERROR model",\n}',
            "  {\n  level=ERROR model",
        ],
    )
    def test_what_is_no_object_stays_as_it_is(self, log: Callable[[bytes], str], text: str) -> None:
        lines = [line.text for line in read_lines(log(f"{text}\n{self.BARE.decode()}".encode()))]
        assert lines == [*text.split("\n"), self.BARE.decode()]

    def test_an_object_without_an_end_is_bounded(self, log: Callable[[bytes], str]) -> None:
        path = log(b"{\n" + b"  " + b"x" * 2_000_000 + b"\n}\n" + self.BARE)
        assert [len(line.text) for line in read_lines(path)] == [1, 2_000_002, 1, len(self.BARE)]


class TestCandidates:
    @pytest.mark.parametrize(
        "line",
        [
            b'{"time":"2026-02-27T10:00:01Z","level":"ERROR","msg":"model"}',
            json.dumps({"MESSAGE": list(b"level=ERROR model")}).encode(),
            json.dumps({"MESSAGE": list(b"level=ERROR model")}, separators=(",", ":")).encode(),
        ],
    )
    def test_json_hides_no_line(self, log: Callable[[bytes], str], line: bytes) -> None:
        assert [found.offset for found in CandidateReader(log(line), [NEEDLE])] == [0]

    def test_a_json_escape_hides_no_line(self, log: Callable[[bytes], str]) -> None:
        path = log(b'{"log":"\\u006cevel=ERROR model"}\n{"log":"level=INFO"}')
        assert [line.offset for line in CandidateReader(path, [NEEDLE])] == [0]

    def test_windows_paths_make_no_candidates(self, log: Callable[[bytes], str]) -> None:
        assert list(CandidateReader(log(b"level=INFO path=C:\\users\\me\\unknown"), [NEEDLE])) == []

    def test_a_second_reading_counts_anew(self, log: Callable[[bytes], str]) -> None:
        reader = CandidateReader(log(b"a\nlevel=ERROR\nb"), [NEEDLE])
        assert (len(list(reader)), reader.lines_read) == (1, 3)
        assert (len(list(reader)), reader.lines_read) == (1, 3)


class TestProgress:
    def test_bytes_of_the_file_are_reported(self, log: Callable[[bytes], str]) -> None:
        for data in (b"a\nlevel=ERROR\n" * 100, gzip.compress(b"a\nlevel=ERROR\n" * 100)):
            path = log(data)
            told: list[int] = []
            for lines in (
                read_lines(path, progress=told.append, block_bytes=64),
                CandidateReader(path, [NEEDLE], progress=told.append, block_bytes=64),
                CandidateReader(path, None, progress=told.append, block_bytes=64),
            ):
                told.clear()
                list(lines)
                assert sum(told) == len(data)


class TestStandardInput:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_dash_is_standard_input(self, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]) -> None:
        monkeypatch.setattr(blocks, "now", lambda: WRITTEN)
        for block_bytes in (1, 1000):
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(pack(b"a\nb level=ERROR"))))
            assert [*read_lines("-", block_bytes=block_bytes)] == [
                RawLine("a", "-", 1, 0, WRITTEN, read("a")),
                RawLine("b level=ERROR", "-", 2, 2, WRITTEN, read("b level=ERROR")),
            ]

    def test_lines_come_as_soon_as_they_are_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading) as stdin, os.fdopen(writing, "wb", buffering=0) as pipe:
            monkeypatch.setattr("sys.stdin", stdin)
            pipe.write(b"first\n")
            lines = read_lines("-")
            assert next(lines).text == "first"
            pipe.write(b"second\n")
            assert next(lines).text == "second"
            lines.close()  # type: ignore[attr-defined]


class TestFaults:
    """Each names the file and what to do."""

    def fails(self, path: str, *said: str) -> None:
        for lines in (read_lines(path), CandidateReader(path, [NEEDLE]), CandidateReader(path, None)):
            with pytest.raises(InputError) as fault:
                list(lines)
            assert str(fault.value).startswith(f"{path}: ")
            assert all(word in str(fault.value) for word in said)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        self.fails(str(tmp_path / "server.log"), "no such file", "check the name")

    def test_a_folder(self, tmp_path: Path) -> None:
        below = tmp_path / "gpu-1"
        below.mkdir()
        self.fails(str(tmp_path), "is a folder in which no file was found; check its name")
        (below / "notes.txt").touch()
        self.fails(str(tmp_path), f"is a folder; name the files in it, such as {below / 'notes.txt'}")
        (below / "server.log").touch()
        self.fails(str(tmp_path), f"is a folder; name the files in it, such as {below / 'server.log'}")

    def test_a_file_of_another_user(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        self.fails(str(tmp_path / "server.log"), "may not be read", "run as a user who may")

    def test_a_name_too_long(self) -> None:
        self.fails("x" * 10_000, "cannot be opened")

    def test_a_disk_that_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class Failing(io.FileIO):
            def read(self, _size: int | None = -1, /) -> bytes:
                raise OSError(5, "Input/output error")

        path = tmp_path / "server.log"
        path.touch()
        monkeypatch.setattr(Path, "open", lambda path, *_, **__: Failing(str(path)))
        self.fails(str(path), "cannot be read on", "check the disk")

    @pytest.mark.parametrize("then", [b"", b"short\n"])
    def test_a_file_that_is_cut_short_while_it_is_read(self, tmp_path: Path, then: bytes) -> None:
        path, copy = tmp_path / "server.log", tmp_path / "server.log.1"
        text = b"".join(b"%05d level=ERROR\n" % number for number in range(1000))
        path.write_bytes(text)
        lines = read_lines(str(path), block_bytes=100)
        before = [next(lines)]
        copy.write_bytes(text)
        path.write_bytes(then)
        with pytest.raises(InputError, match="was cut short while it was read, as rotation by copying does") as fault:
            before += lines
        assert before[-1].text.endswith("level=ERROR")
        command = str(fault.value).rpartition(": ")[2].replace("COPY", str(copy))
        rest = subprocess.run(command.split(), capture_output=True, check=True).stdout
        assert "".join(f"{line.text}\n" for line in before).encode() + rest == text

    def test_an_endless_line_is_cut(self, log: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blocks, "MAX_LINE_BYTES", 100)
        path = log(b"first\n" + b"x" * 1000 + b"\r\nlast level=ERROR\n" + b"y" * 500)
        for block_bytes in (1, 16, 300, 1007, 1008):
            first, long, last, end = read_lines(path, block_bytes=block_bytes)
            assert (first.text, last.text) == ("first", "last level=ERROR")
            assert (long.offset, last.offset, end.offset) == (6, 1008, 1025)
            assert 100 <= len(long.text) <= 100 + block_bytes
            assert set(long.text) == {"x"}
            assert [line.offset for line in CandidateReader(path, [NEEDLE], block_bytes=block_bytes)] == [1008]
