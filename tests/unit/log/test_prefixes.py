from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.log.prefixes import PREFIXES, strip
from integration.times import parse_time
from tests.support.lines import carriers, innermost

LINE = "time=2025-10-02T14:46:19.789Z level=INFO msg=x"
PANIC = "panic: runtime error: x"
GREEN, PLAIN = "\x1b[32m", "\x1b[0m"

KNOWN = {
    "Feb 26 10:05:31 gpu-1 ollama[1499630]: ": "gpu-1",
    "Feb  6 10:05:31 gpu-1 ollama[7]: ": "gpu-1",
    "Feb 26 10:05:31 gpu.example.org ollama: ": "gpu.example.org",
    "Feb 26 10:05:31.737001 gpu-1 3f2a1b4c5d6e[1287]: ": "gpu-1",
    "Sun Nov 28 10:15:04 gpu-1 ollama[7]: ": "gpu-1",
    "Sun 2026-08-03 06:46:39 UTC gpu-1 ollama[7]: ": "gpu-1",
    "1738228152.193603 gpu-1 ollama[7]: ": "gpu-1",
    "[ 1234.567890] gpu-1 ollama[7]: ": "gpu-1",
    "8\u6708 02 08:15:47 gpu-1 ollama[7]: ": "gpu-1",
    "f\u00e9vr. 02 08:15:47 gpu-1 ollama[7]: ": "gpu-1",
    " 8\uc6d4 02 08:15:47 gpu-1 ollama[7]: ": "gpu-1",
    "[ 1234.567890 <    0.000012 >] gpu-1 ollama[7]: ": "gpu-1",
    "[ 1234.567890 <             >] gpu-1 ollama[7]: ": "gpu-1",
    "    MESSAGE=": None,
    "MESSAGE=": None,
    "\ufeff": None,
    "\r": None,
    "\x00\x00\x00": None,
    "Jan 30 10:09:12 ollama[7]: ": None,
    "<30>Jan 30 10:09:12 gpu-1 ollama[7]: ": "gpu-1",
    "<30>1 2025-01-30T10:09:13.193603+01:00 gpu-1 ollama 1287 - - ": "gpu-1",
    '<30>1 2025-01-30T10:09:13Z gpu-1 ollama - ID47 [a@1 b="c\\]" d="e"][x] ': "gpu-1",
    "<30>1 2025-01-30T10:09:13Z - ollama - - - \ufeff": None,
    "<30>ollama[7]: ": None,
    "2025-02-26T10:05:31+0000 gpu-1 ollama[7]: ": "gpu-1",
    "2025-02-26T10:05:31.123456-08:00 gpu-1 ollama: ": "gpu-1",
    "2025-02-26T10:05:31Z 10.0.0.1 docker/ollama[7]: ": "10.0.0.1",
    "2025-02-26T10:05:31Z 2001:db8::1 ollama[7]: ": "2001:db8::1",
    "2026-08-03T06:46:16.266450188Z ": None,
    "2026-08-03T06:46:16.266450188Z stderr F ": None,
    "2026-08-03T06:46:16.266450188-07:00 stdout F ": None,
    "ollama  | ": None,
    "ollama-1  | ": None,
    "my_stack.ollama-1 | ": None,
    "ollama.1.k3x9@gpu-1    | ": "gpu-1",
    f"{GREEN}ollama-1  | {PLAIN}": None,
    f"{GREEN}ollama-1  |{PLAIN} ": None,
    "2025-03-06 23:33:40 ": None,
    "[pod/ollama-cd58d85b-pg499/ollama] ": None,
    "[ 1234.567890                ] gpu-1 ollama[7]: ": "gpu-1",
    "<30>1 - gpu-1 ollama 820 - - ": "gpu-1",
    "Feb 26 10:05:31 gpu-1 daemon.info ollama[7]: ": "gpu-1",
    "Feb 26 10:05:31 daemon.err ollama[7]: ": None,
    "Sat Nov 28 10:15:05 2026 daemon.err ollama[7]: ": None,
    "Feb 26 10:05:31 <daemon.info> gpu-1 ollama[7]: ": "gpu-1",
    "Feb 26 10:05:31 gpu-1 user.notice ollama: ": "gpu-1",
    "Feb 26 10:05:31 user.notice ollama: ": None,
    "2026-11-28 10:15:05.123456+0000  gpu-1 ollama[7]: ": "gpu-1",
    "2026-11-28 10:15:05 gpu-1 ollama[7]: ": "gpu-1",
    "2026-08-03T06:46:16Z ollama/ollama/0123456789abcdef0123456789abcdef ": None,
    "[2026-08-03T06:46:16Z] ": None,
    "2026-08-03T06:46:16Z\t": None,
    '2026-08-03T06:46:16Z {host="gpu-1", job="a \\"b\\""} ': "gpu-1",
    '2026-08-03T06:46:16Z {job="x", hostname="gpu-1"} ': "gpu-1",
    "2026-08-03T06:46:16Z {} ": None,
    "10:15:05 ollama.1   | ": None,
    "0|ollama  | 2026-11-28T10:15:05: ": None,
    "2026-11-28 10:15:05.123: ": None,
    "2026-11-28_10:15:05.12345 ": None,
    "[2026-11-28 10:15:05] ": None,
    "@4000000067a1b2c312345678 ": None,
    "Feb 26 10:05:31 ": None,
    "00:00:05 ": None,
    "/var/log/syslog:Nov 28 10:15:04 gpu-1 ollama[820]: ": "gpu-1",
    "messages-20261128.gz:12:2026-11-28T10:15:04.5+01:00 gpu-1 ollama[820]: ": "gpu-1",
    "\x1b[35m\x1b[Ksyslog.1\x1b[m\x1b[K\x1b[36m\x1b[K:\x1b[m\x1b[KNov 28 10:15:04 gpu-1 ollama[820]: ": "gpu-1",
    "syslog.1:<30>1 2025-02-26T10:05:31Z gpu-1 ollama 7 - - ": "gpu-1",
    "log.txt:8\u6708 02 08:15:47 gpu-1 ollama[7]: ": "gpu-1",
    "server.log:": None,
    "logs/server-1.log:417:": None,
    "    Nov 28 10:15:04 gpu-1 ollama[820]: ": "gpu-1",
    "\t2026-11-28T10:15:05+00:00 gpu-1 ollama[820]: ": "gpu-1",
    "  2026-11-28T10:15:05.000000000Z stderr F ": None,
    "ollama[820]: ": None,
    "\x1b[0;38;5;245mNov 28 10:15:04 gpu-1 ollama[820]:\x1b[0m ": "gpu-1",
    "\x1b[36m2026-11-28T10:15:05Z gpu-1 ollama[820]:\x1b[0m ": "gpu-1",
    "2026-11-28 10:15:05.123456+00:00 ": None,
    "C:\\Users\\u\\server.log:417:": None,
    "2026-11-28 10:15:05.123456+01:00": None,
    "ollama-1 |": None,
    "\x1b[1;32m[ollama]     |\x1b[0m": None,
}
"""Prefixes, and the hosts that they name."""
CLOCKS = ("Feb 26 10:05:31 ", "00:00:05 ")
BEFORE_OLLAMAS = (
    *CLOCKS,
    "C:\\Users\\u\\server.log:417:",
    "2026-11-28 10:15:05.123456+01:00",
    "server.log:",
    "logs/server-1.log:417:",
    "ollama-1 |",
    "\x1b[1;32m[ollama]     |\x1b[0m",
)
"""Those that go only before what Ollama writes."""


@pytest.mark.parametrize(("prefix", "host"), KNOWN.items())
@pytest.mark.parametrize("line", [LINE, PANIC, "        github.com/spf13/cobra@v1.7.0/command.go:940", "level=INFO model"])
def test_a_prefix_goes(prefix: str, host: str | None, line: str) -> None:
    line = line.strip() if prefix in BEFORE_OLLAMAS else line
    kept = prefix if prefix in BEFORE_OLLAMAS and line.startswith("github") else ""
    assert strip(prefix + line)[:2] == (kept + line, host)


@pytest.mark.parametrize("words", ["starting ollama", "Error loading/ollama", "error:model |"])
@pytest.mark.parametrize("colour", ["", GREEN])
def test_the_words_of_a_program_are_no_prefix(colour: str, words: str) -> None:
    assert strip(f"2026-08-03T06:46:39Z {colour}{words}: x").text == f"{words}: x"


def test_the_blank_that_syslog_leaves_goes_before_what_ollama_writes() -> None:
    assert strip(f" {PANIC}").text == PANIC
    assert strip(" llama_model_load: x").text == "llama_model_load: x"
    assert strip("  llama_model_load: x").text == "  llama_model_load: x"
    assert strip(" current device: 0").text == " current device: 0"


def test_every_prefix_of_the_table_is_tried() -> None:
    assert len(PREFIXES) <= len(KNOWN)


@pytest.mark.parametrize("words", ["starting ollama", "failed to-load/ollama-model", "my ollama-1", "CUDA error", "gpu-1 ollama"])
def test_two_words_behind_an_instant_in_utc_stay(words: str) -> None:
    """`docker logs -t` writes a program's own words there."""
    assert strip(f"2025-02-26T10:05:31.123456789Z {words}: x") == (f"{words}: x", None, parse_time("2025-02-26T10:05:31.123Z"))
    assert strip(f"2025-02-26T10:05:31Z {words.split(' ')[0]} ollama[7]: x").text == "x"


@pytest.mark.parametrize("words", ["panic", "fatal error", "CUDA error", "llama_model_load", "goroutine 1 [running]"])
@pytest.mark.parametrize("clock", CLOCKS)
def test_words_behind_a_clock_alone_stay(words: str, clock: str) -> None:
    """`ts` writes a clock before each line."""
    assert strip(f"{clock}{words}: x") == (f"{words}: x", None, None)


@pytest.mark.parametrize("words", ["x", "gpu-1 sshd", "INFO"])
def test_a_clock_of_other_programs_stays(words: str) -> None:
    assert strip(f"Feb 26 10:05:31 {words}: x") == (f"Feb 26 10:05:31 {words}: x", None, None)


@pytest.mark.parametrize("program", ["ollama", "docker/ollama-1", "ollama.service"])
def test_an_offset_and_the_name_of_ollama_make_a_host_and_a_program(program: str) -> None:
    assert strip(f"2025-02-26T10:05:31+00:00 gpu-1 {program}: x")[:2] == ("x", "gpu-1")
    assert strip("2025-02-26T10:05:31+00:00 my ollamas: x").host is None


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("2025-02-26T10:05:31+0000 gpu-1 ollama[7]: x", "2025-02-26T10:05:31Z"),
        ("2025-02-26T10:05:31.123456-08:00 gpu-1 ollama[7]: x", "2025-02-26T18:05:31.123Z"),
        ("2025-02-26T10:05:31,5Z x", "2025-02-26T10:05:31.5Z"),
        ("<30>1 2025-02-26T10:05:31+01:00 gpu-1 ollama 1 - - x", "2025-02-26T09:05:31Z"),
        ("ollama  | 2025-02-26T10:05:31Z x", "2025-02-26T10:05:31Z"),
        ("2025-02-26 10:05:31.5+01:00 x", "2025-02-26T09:05:31.5Z"),
        ("2025-02-26 10:05:31.123456+00:00level=INFO", "2025-02-26T10:05:31.123Z"),
    ],
)
def test_the_instant_of_a_carrier(line: str, time: str) -> None:
    assert strip(line).time == parse_time(time)


@pytest.mark.parametrize(
    "carrier",
    [
        "ollama-79f6b79848-vdbqb ollama ",
        "server.log:417:",
        "/home/user/.ollama/logs/server-1.log:418:",
        "ollama  | 2026-08-03T06:46:40.001234567Z ",
        "Jan 30 10:09:12 gpu-a dockerd[1]:  ",
        "[2026-08-03 06:46:40] [stderr] ",
        "stderr>",
        f"anything{GREEN}",
        f"{GREEN}",
        " ",
        "\t",
    ],
)
def test_whatever_stands_before_a_record_goes(carrier: str) -> None:
    assert strip(carrier + LINE).text == LINE


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        f"{LINE} x {LINE}",
        f'level=ERROR msg="{LINE}"',
        f"x msg=a {LINE}",
        f'[GIN] 2025/11/06 - 06:23:22 | 200 | 1s | ::1 | GET "/ {LINE}"',
        f"[GIN] {LINE}",
        f"error loading model '{LINE}'",
        f"error loading model `{LINE}`",
        f"no word{LINE}",
        f"first line\n{LINE}",
        "x time=2025-10-02T14:46:19.789Z msg=x",
        "x time=yesterday level=INFO",
    ],
)
def test_what_a_client_may_have_written_is_no_record(line: str) -> None:
    assert strip(line).text == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        PANIC,
        "2023/12/24 23:48:35 llama.go:459: starting",
        "2025-03-06 23:33 x",
        "2025-09-14 16:29:50.337 | INFO     | open_webui.utils.logger",
        "0025-03-06T23:33:40Z x",
        "Feb 26 10:05:31 gpu-1 no colon",
        "Feb 26 10:05:31 gpu-1 ollama[x]: y",
        "ollama-1| x",
        "ollama-1  |x",
        " ollama-1  | x",
        "a = 1 | b = 2",
        "error:model | exited",
        "Process ollama[12]: exited",
        "panic ollama[3]: exited model",
        "  two blanks",
        f"{GREEN}green{PLAIN}",
    ],
)
def test_other_lines_keep_their_beginning(line: str) -> None:
    assert strip(line) == (line, None, None)


@pytest.mark.parametrize(
    "words", ["CUDA error: out of memory", "llama_model_load: error: x", "panic: x", "a b[c]: d", "x - - - - y"]
)
def test_a_prefix_never_eats_words(words: str) -> None:
    assert strip(f"2026-08-03T06:46:39Z {words}")[:2] == (words, None)


@pytest.mark.parametrize("host", ["bob@example.com", "bearer:abc", "apikey=x"])
def test_what_would_be_redacted_is_no_host(host: str) -> None:
    assert strip(f"Feb 26 10:05:31 {host} ollama[7]: x").host is None


@given(st.lists(carriers, max_size=5).map("".join), innermost)
def test_carriers_come_one_after_the_other(outer: str, inner: str) -> None:
    carried = outer + inner
    assert strip(carried + LINE).text == LINE
    assert strip(strip(carried + PANIC).text).text == strip(carried + PANIC).text
