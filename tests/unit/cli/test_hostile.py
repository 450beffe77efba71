"""What hostile logs, rule files and settings do to the parts that need no cluster: nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.cli.output import escaped, escaped_lines
from integration.detection.loading import load_rule
from integration.errors import DetectError, InputError
from integration.log.event import parse
from integration.render.classifier import classifier
from integration.times import parse_time
from tests.support.builders import event, rule_with
from tests.support.cli import Result, detect
from tests.support.hostile import BYTES, HEAD, MEBIBYTE_LINES, PAYLOADS, hostile_lines, quoted
from tests.support.measuring import MEASURE, MEBIBYTE, measured

# What may stand in output besides printable characters.
_LIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def answered(path: Path, form: str) -> Result:
    answer = detect("scan", str(path), "--host", "gpu-1", "--format", form, "--spl-rows")
    assert answer.code == 0, answer.err
    return answer


def scanned(path: Path, form: str) -> str:
    answer = answered(path, form)
    return answer.out + answer.err


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "server.log"
    path.write_bytes(b"\n".join(BYTES.values()))
    return path


class TestOutput:
    @pytest.mark.parametrize("form", ["table", "json", "csv"])
    def test_nothing_that_steers_a_terminal_comes_out(self, log: Path, form: str) -> None:
        assert _LIVE.findall(scanned(log, form)) == []

    def test_markup_is_shown_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "server.log"
        path.write_text(f"{HEAD}msg={quoted('[bold red]x[/]')} err={quoted('[/nothing]')} model=x")
        out = scanned(path, "table")
        assert "[bold red]x[/]" in out
        assert "[/nothing]" in out

    def test_json_is_whole_and_says_what_was_logged(self, log: Path) -> None:
        findings = answered(log, "json").json["findings"]
        messages = {message for finding in findings for message in finding["error_messages"]}
        for name in ("clear screen", "right to left", "mustache", "Painless"):
            assert any(PAYLOADS[name].split('"')[0].replace("\\", "\\\\") in message for message in messages), name

    def test_no_cell_of_a_spreadsheet_is_a_formula(self, log: Path) -> None:
        rows = list(csv.reader(io.StringIO(detect("scan", str(log), "--host", "=1+1", "--format", "csv").out)))
        values = [value for row in rows for cell in row for value in cell.split("\n")]
        assert [value for value in values if value.startswith(tuple("=+-@\t\uff1d\uff0b\uff0d\uff20"))] == []

    @given(st.text())
    def test_inert_text_is_printable_whatever_it_was(self, text: str) -> None:
        assert escaped(text).isprintable()
        assert all(line.isprintable() for line in escaped_lines(text).split("\n"))

    def test_names_in_errors_are_escaped(self) -> None:
        for arguments in (
            ("scan", "\x1b[2Jnothing.log"),
            ("scan", __file__, "--timezone", "\x1b[31m"),
            ("scan", "--rule", "\u202e", "x"),
        ):
            answer = detect(*arguments)
            assert answer.code == 2
            assert _LIVE.findall(answer.out + answer.err) == []


class TestMeaning:
    @pytest.mark.parametrize("line", BYTES.values(), ids=BYTES)
    def test_each_line_is_an_event_that_json_can_hold(self, line: bytes) -> None:
        document = parse(line.decode(errors="replace"), host="h", shipped_at=0).document()
        assert json.loads(json.dumps(document, ensure_ascii=False).encode()) == document

    def test_what_a_value_says_is_no_field(self) -> None:
        got = event(f"{HEAD}msg={quoted(PAYLOADS['forged error'])}".replace("level=ERROR ", "level=INFO ", 1))
        assert got.value("log.level") == "INFO"
        assert got.value("error.message") is None
        assert got.value("log.origin.file.name") == "server.go"
        assert got.time == parse_time("2026-11-24T09:00:00Z")

    @settings(deadline=None, max_examples=20)
    @given(st.lists(hostile_lines, max_size=12))
    def test_any_log_is_scanned_and_shown(self, tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
        path = tmp_path_factory.mktemp("fuzz") / "server.log"
        # NUL bytes are UTF-16, or no text: what comes of them has tests of its own.
        lines = [line.replace(b"\0", b"0") for line in lines]
        path.write_bytes(b"\n".join(lines))
        assert _LIVE.findall(scanned(path, "table") + scanned(path, "csv")) == []
        assert answered(path, "json").json["events"]["read"] == sum(map(bool, lines))


class TestSize:
    @pytest.mark.parametrize("line", MEBIBYTE_LINES.values(), ids=MEBIBYTE_LINES)
    def test_a_mebibyte_is_parsed_in_a_moment(self, line: bytes) -> None:
        started = time.process_time()
        parse(line.decode(errors="replace"), host=None, shipped_at=0).document()
        assert time.process_time() - started < 2

    def test_a_line_of_100_mebibytes(self, tmp_path: Path) -> None:
        path = tmp_path / "server.log"
        with path.open("wb") as out:
            out.write(b'level=ERROR msg="model" err="exit status 1" x="')
            for _ in range(100):
                out.write(b"A" * MEBIBYTE)
            out.write(b'"\nlevel=ERROR msg="model 2"\n')
        answer, peak = measured("scan", str(path), "--host", "h", "--format", "json")
        (finding,) = answer["findings"]
        assert finding["error_messages"] == ["model", "model 2"]
        assert (finding["error_count"], finding["severity"]) == (2, "critical")
        assert peak < 800 * MEBIBYTE

    @pytest.mark.parametrize("count", [11_000, pytest.param(100_000, marks=pytest.mark.long)])
    def test_very_many_messages_of_one_host(self, tmp_path: Path, count: int) -> None:
        path = tmp_path / "server.log"
        path.write_text("".join(f'{HEAD}msg="model {n:06}" err="e {n:06}"\n' for n in range(count)))
        answer, peak = measured("scan", str(path), "--host", "h", "--format", "json", "--spl-rows", "--max-spl-rows", "3")
        (finding,) = answer["findings"]
        assert finding["error_count"] == count
        assert finding["truncated"] == {"error_details": count - 10_000, "error_messages": count - 10_000}
        assert finding["spl_row_count"] == count**2
        assert [row["error_messages"] for row in finding["spl_rows"]] == ["model 000000"] * 3
        assert peak < 300 * MEBIBYTE

    def test_long_messages_without_end(self, tmp_path: Path) -> None:
        """Each nearly as long as a line may be; together larger than what they may take in memory."""
        path = tmp_path / "server.log"
        long = "model " + "x" * 190_000
        with path.open("w") as out:
            for number in range(300):
                out.write(f'{HEAD}msg="{number % 290:03} {long}" err="{number:03} {"é" * 2_000}"\n')
        answer, peak = measured("scan", str(path), "--host", "h", "--format", "json")
        (finding,) = answer["findings"]
        assert (finding["error_count"], finding["error_messages"]) == (300, [f"{number:03} {long}" for number in range(5)])
        assert finding["truncated"] == {"error_messages": 285, "error_details": 300 - len(finding["error_details"])}
        assert len(finding["error_details"]) == MEBIBYTE // len(f"000 {'é' * 2_000}".encode())
        assert finding["spl_row_count"] == 290 * 300
        assert peak < 150 * MEBIBYTE

    @pytest.mark.parametrize(("count", "length"), [(3_000, 5_000), pytest.param(60_000, 1, marks=pytest.mark.long)])
    def test_very_many_hosts(self, tmp_path: Path, count: int, length: int) -> None:
        """More than the buffer takes, and a list beyond its bound among them, in parts that a temporary file keeps."""
        path, details = tmp_path / "server.log", "x" * length
        with path.open("w") as out:
            for n in range(count):
                out.write(f"Feb 26 10:05:31 host-{n} ollama[1]: {HEAD}msg=model err={details}\n")
                for number in range(n * 12_000 // count, (n + 1) * 12_000 // count):
                    out.write(f"Feb 26 10:05:31 host-7 ollama[1]: {HEAD}msg=model-{number:05}\n")
        answer, peak = measured("scan", str(path), "--format", "json")
        hosts = {finding["host"]: finding for finding in answer["findings"]}
        assert list(hosts) == sorted(f"host-{n}" for n in range(count))
        messages = ["model", *(f"model-{n:05}" for n in range(12_000))]
        assert (hosts["host-7"]["error_count"], hosts["host-7"]["severity"]) == (12_001, "critical")
        assert hosts["host-7"]["error_messages"] == messages[:10_000]
        assert hosts["host-7"]["truncated"] == {"error_messages": 2_001}
        assert peak < 150 * MEBIBYTE

    def test_no_room_for_the_temporary_file(self, tmp_path: Path) -> None:
        """With a tenth of the memory that statistics have, a tenth of the lines does."""
        path = tmp_path / "server.log"
        path.write_text("".join(f'Feb 26 10:05:31 host-{n} ollama[1]: {HEAD}msg="model {"x" * 10_000}"\n' for n in range(500)))
        little = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        little += "from integration.findings import store\nstore.BUFFER_BYTES, store._CACHE_KIB = 1 << 20, 3 << 10\n"
        command = [sys.executable, "-c", f"{little}{MEASURE}"]
        ran = subprocess.run([*command, "integration.cli", "scan", str(path)], capture_output=True, text=True, check=False)
        assert ran.returncode == 2
        assert re.match("detect: a temporary file cannot be written (.*); SQLITE_TMPDIR names another folder for it", ran.stderr)
        assert "Traceback" not in ran.stderr


class TestFiles:
    @pytest.mark.parametrize(
        "text",
        [
            "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
            "a: &a {<<: *a}\n",
            "? " * 200,
            "- " * 5_000,
            "{" * 5_000,
            "a: " + "x" * (2 << 20),
            "a: !!python/name:os.system ''\n",
            "!!set {? [a]}\n",
            "a: 1\n---\nb: 2\n",
            "%YAML 9.9\n---\na: 1\n",
            "id: \x1b[2J\n",
            'id: "\\e[2J\\u202e"\n',
            "a: 2026-99-99\n",
            "a: 0x" + "f" * 100_000,
            "a: 1" + ":59" * 10_000,
        ],
        ids=range(15),
    )
    def test_a_rule_file_is_refused_fast_and_in_plain_words(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "rule.yml"
        path.write_text(text)
        started = time.process_time()
        answer = detect("scan", __file__, "--rules", str(tmp_path))
        assert answer.code == 2
        assert time.process_time() - started < 2
        assert len(answer.err) < 20_000
        assert _LIVE.findall(answer.err) == []

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=200) | st.text("{}[]&*!|>-?:,#'\"% \nab<", max_size=200).map(str.encode))
    def test_any_bytes_are_a_rule_error(self, tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
        path = tmp_path_factory.mktemp("rule") / "rule.yml"
        path.write_bytes(data)
        with pytest.raises(InputError):
            load_rule(path)

    @pytest.mark.parametrize("term", [t for t in PAYLOADS.values() if t.isprintable() and len(t) <= 256])
    def test_a_term_is_a_string_in_the_script_and_no_more(self, term: str) -> None:
        rule = rule_with(
            selection=[{"level": ["ERROR"], "contains": [term]}],
            classification={"field": "f", "classes": [{"name": "c", "contains": [term]}], "otherwise": "rest"},
        )
        harmless = rule_with(
            selection=[{"level": ["ERROR"], "contains": ["x"]}],
            classification={"field": "f", "classes": [{"name": "c", "contains": ["x"]}], "otherwise": "rest"},
        )
        assert without_strings(classifier(rule)) == without_strings(classifier(harmless))

    def test_a_term_that_steers_a_terminal_is_refused(self) -> None:
        for term in ("\x1b[2J", "\u202e", "a\nb", ""):
            with pytest.raises(ValueError, match="contains"):
                rule_with(selection=[{"level": ["ERROR"], "contains": [term]}])

    @pytest.mark.parametrize(
        "text",
        [
            "a = " + "[" * 5_000,
            "[" * 5_000,
            "a." * 5_000 + "b = 1",
            "namespace = '\x1b[2J'",
            'namespace = "\\u001b[2J"',
            '"\\u001b[2J" = 1',
            '[rule."\\u202e"]\nthresholds = {critical = 1}',
            "namespace = 1e999",
            "a = 1\na = 2",
            "[connection]\nurl = 'http://user:hunter2@h:1'\npassword = 'hunter2'",
            "x = '" + "y" * (4 << 20) + "'",
        ],
        ids=range(11),
    )
    def test_settings_are_refused_in_plain_words(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "detect.toml"
        path.write_text(text)
        answer = detect("run", "--config", str(path))
        assert answer.code == 2
        assert "Traceback" not in answer.err
        assert "hunter2" not in answer.err
        assert len(answer.err) < 20_000
        assert _LIVE.findall(answer.err) == []


def without_strings(source: str) -> str:
    """Blank out the string literals of a Painless source as its lexer would find them."""
    blanked = re.sub(r"'(?:[^'\\\n]|\\['\\])*'|\"(?:[^\"\\\n]|\\[\"\\])*\"", "''", source)
    return re.sub(r"\(''(?: \+ '')+\)", "''", blanked)  # a literal in parts, so that no `{{` stands in it


def test_every_fault_is_one_of_ours() -> None:
    assert issubclass(InputError, DetectError)
