from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from integration import __version__
from tests.support.builders import RULE, error
from tests.support.cli import detect
from tests.support.fake_cluster import ELASTICSEARCH, Answer, FakeCluster, Request

RISK = "detect-risk-default"
THERE = Answer({"an-index": {"settings": {"index.creation_date": "1"}}})
CRASH = error('source=server.go:224 msg="ollama exited" err="exit status 1"', at="2026-11-24T09:12:00.500Z")
HOSTILE = error('source=x.go:1 msg="model [red]\x1b[31m{{x}}\u202e" err="=cmd()"', at="2026-11-24T09:12:01.000Z")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_text(f"{CRASH}\nllama_model_load: error loading model\n\n{HOSTILE}\n")
    return path


def test_version_and_help() -> None:
    assert detect("--version").out.strip() == __version__
    assert "Exit codes" in detect("--help").out
    for verb in ("scan", "install", "diff", "status", "uninstall", "ingest", "run", "validate"):
        answer = detect(verb, "--help")
        assert (answer.code, "Example: detect" in answer.out) == (0, True), verb


def test_scan_json_is_the_contract_s(log: Path) -> None:
    answer = detect("scan", "--rule", RULE.id, str(log), "--host", "gpu-1", "--format", "json")
    assert answer.code == 0
    assert list(answer.json) == ["findings", "events"]
    assert answer.json["events"] == {"read": 3, "selected": 2}
    (finding,) = answer.json["findings"]
    assert (finding["host"], finding["severity"], finding["error_count"]) == ("gpu-1", "critical", 2)
    assert (finding["window_start"], finding["window_end"]) == ("2026-11-24T08:50:00Z", "2026-11-24T09:50:00Z")
    assert finding["first_error"] == "2026-11-24 09:00:00"
    assert finding["first_seen"] == "2026-11-24T09:12:00.500Z"
    assert "spl_rows" not in finding
    assert answer.out.isascii()


def test_events_below_the_least_severity_are_selected_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text('[GIN] 2026/11/24 - 08:50:00 | 400 | 2.859719514s | 172.18.0.3 | POST "/api/create"\n')
    for verb in ("scan", "backtest"):
        answer = detect(verb, str(path), "--host", "gpu-1", "--format", "json")
        assert answer.json["events"] == {"read": 1, "selected": 1}, verb
        assert not answer.json.get("findings"), verb


def test_scan_prints_rows_up_to_the_bound(log: Path) -> None:
    answer = detect("scan", str(log), "--host", "gpu-1", "--format", "json", "--spl-rows", "--max-spl-rows", "3")
    (finding,) = answer.json["findings"]
    assert finding["spl_row_count"] == 2 * 2 * 2 * 2
    assert len(finding["spl_rows"]) == 3


def test_csv_of_rows_is_what_splunk_exports(log: Path) -> None:
    rows = ("scan", "--rule", RULE.id, str(log), "--host", "gpu-1", "--spl-rows", "--max-spl-rows", "3", "--format")
    answer = detect(*rows, "csv")
    (finding,) = detect(*rows, "json").json["findings"]
    header, *cells = csv.reader(io.StringIO(answer.out))
    assert header == list(finding["spl_rows"][0])
    assert [row[header.index("error_count")] for row in cells] == ["2", "2", "2"]
    assert answer.err.startswith("13 more SPL rows: ")


def test_table_is_escaped(log: Path) -> None:
    answer = detect("scan", "--rule", RULE.id, str(log), "--host", "gpu\x1b[2J-1", "--spl-rows")
    assert "\x1b" not in answer.out
    assert "\u202e" not in answer.out
    assert r"[red]\x1b[31m{{x}}\u202e" in answer.out
    assert "1 finding from 2 selected of 3 events" in answer.err


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """1,200 hosts with one finding of the rule each; those of the last 100 are grave."""
    path = tmp_path / "many.log"
    lines = [error(f'msg="model" err="exit {"status" if n >= 1_100 else "code"} 1"') for n in range(1_200)]
    path.write_text("".join(f"Nov 24 09:00:00 gpu-{n:04} ollama[1]: {line}\n" for n, line in enumerate(lines)))
    return path


def test_json_is_written_as_of_one_piece(many: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.log"
    empty.touch()
    for path, count in ((many, 1_200), (empty, 0)):
        answer = detect("scan", "--rule", RULE.id, str(path), "--format", "json")
        assert len(answer.json["findings"]) == count
        assert answer.out == json.dumps(answer.json, indent=2) + "\n"


def test_a_table_shows_the_most_severe_of_very_many(many: Path) -> None:
    answer = detect("scan", "--rule", RULE.id, str(many))
    shown = re.findall(r"gpu-[0-9]{4}", answer.out)
    assert shown == [f"gpu-{n:04}" for n in [*range(900), *range(1_100, 1_200)]]
    assert answer.err.splitlines() == [
        "The table shows the 1,000 most severe; 200 more: --all shows every one, --format json or csv too.",
        "1,200 findings from 1,200 selected of 1,200 events",
    ]


def test_all_shows_every_finding_in_tables_of_a_bounded_size(many: Path) -> None:
    answer = detect("scan", "--rule", RULE.id, str(many), "--all")
    assert re.findall(r"gpu-[0-9]{4}", answer.out) == [f"gpu-{n:04}" for n in range(1_200)]
    assert answer.out.count("window of 2026 (UTC)") == 2
    assert answer.err.splitlines() == ["1,200 findings from 1,200 selected of 1,200 events"]


@pytest.mark.parametrize("columns", ["80", "120", "200"])
def test_no_word_of_a_table_is_broken(monkeypatch: pytest.MonkeyPatch, log: Path, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    answer = detect("scan", str(log), "--host", "a-machine-with-a-long-name.example")
    assert max(map(len, answer.out.splitlines())) <= int(columns)
    for word in ("a-machine-with-a-long-name.example", "critical", "exited", "11-24"):
        assert word in answer.out
    assert ("details" in answer.out) == ("status" in answer.out) == ("details" not in answer.err)


def test_a_long_word_of_a_log_pushes_no_column_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "server.log"
    path.write_text(error(f'msg="model {"x" * 44}"') + "\n" + error('msg="model is gone"') + "\n")
    answer = detect("scan", str(path), "--host", "gpu-1")
    assert ("error_messages" in answer.out, "gone" in answer.out, max(map(len, answer.out.splitlines())) <= 80) == (
        True,
        True,
        True,
    )


def test_a_word_that_is_wider_than_the_terminal_makes_records_of_the_rows(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    answer = detect("scan", str(log), "--host", "a-machine-with-a-long.name")
    assert re.search(r"^host +a-machine-with-a-long\.name *$", answer.out, re.MULTILINE)
    assert re.search(r"^severity +critical *$", answer.out, re.MULTILINE)
    assert re.search(r"^error_details +=cmd\(\) *\n +exit status 1 *$", answer.out, re.MULTILINE)


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_filter_and_fail_on_heed_every_finding(many: Path, tmp_path: Path, form: str) -> None:
    config = tmp_path / "detect.toml"
    config.write_text("[[filter]]\naction = 'exclude'\nhost = 'gpu-11*'\n")
    scan = ("scan", "--rule", RULE.id, str(many), "--fail-on", "critical", "--format", form)
    whole, harmless = detect(*scan), detect(*scan, "--config", str(config))
    assert (whole.code, harmless.code) == (1, 0)
    assert "100 more findings taken away by the filter in your settings: 100 by [[filter]] 1." in harmless.err
    assert "gpu-11" not in harmless.out


def test_new_tells_a_finding_once(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    scan = ("scan", str(log), "--host", "gpu-1", "--new", "--fail-on", "low", "--format", "json")
    first, second = detect(*scan), detect(*scan)
    assert (first.code, len(first.json["findings"])) == (1, 1)
    assert (second.code, second.json["findings"], "--new told of 1 more finding." in second.err) == (
        0,
        [],
        True,
    )
    assert second.json["events"] == first.json["events"]
    own = detect(*scan, "--state", str(tmp_path / "own.json"))
    assert (own.code, (tmp_path / "own.json").is_file()) == (1, True)
    assert detect("scan", str(log), "--state", "x").code == 2


def test_what_new_could_not_write_is_new_again(log: Path, tmp_path: Path) -> None:
    scan = ["scan", str(log), "--host", "gpu-1", "--new", "--state", str(tmp_path / "own.json"), "--format", "json"]
    with Path("/dev/full").open("wb") as full:
        assert process(scan, stdout=full).returncode == 2
    assert len(detect(*scan).json["findings"]) == 1


def test_csv_has_no_formula_and_one_row_a_finding(log: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(detect("scan", str(log), "--host", "gpu-1", "--format", "csv").out)))
    assert len(rows) == 1
    assert rows[0]["error_details"].split("\n") == ["'=cmd()", "exit status 1"]
    assert "\x1b" not in rows[0]["error_messages"]


def test_csv_of_no_findings_has_the_same_header(log: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    nothing = detect("scan", str(tmp_path / "empty.log"), "--format", "csv").out
    assert nothing.split(",")[:3] == ["id", "rule_id", "host"]
    assert detect("scan", str(log), "--format", "csv").out.splitlines(keepends=True)[:1] == [nothing]


def test_time_zone_is_splunk_s_alone(log: Path) -> None:
    (finding,) = detect("scan", str(log), "--host", "g", "--timezone", "Europe/Berlin", "--format", "json").json["findings"]
    assert finding["first_error"] == "2026-11-24 10:00:00"
    assert finding["window_start"] == "2026-11-24T08:50:00Z"


def test_gzip_and_standard_input(log: Path, tmp_path: Path) -> None:
    packed = tmp_path / "server-1.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    whole = detect("scan", str(log), "--host", "g", "--format", "json")
    assert detect("scan", str(packed), "--host", "g", "--format", "json").json == whole.json
    assert detect("scan", "-", "--host", "g", "--format", "json", stdin=log.read_bytes()).json == whole.json


def test_rotated_files_belong_together(log: Path, tmp_path: Path) -> None:
    later = tmp_path / "server-2.log"
    later.write_text(error('msg="model"', at="2026-11-24T09:40:00.000Z"))
    again = str(tmp_path / "." / ".." / tmp_path.name / "server.log")
    answer = detect("scan", str(log), str(later), again, "--host", "g", "--format", "json").json
    assert (answer["findings"][0]["error_count"], answer["events"]["read"]) == (3, 4)


def test_events_that_are_dated_by_another_line_are_told(log: Path) -> None:
    assert "no time of their own" not in detect("scan", "--rule", RULE.id, str(log)).err
    record = json.dumps({"log": "level=ERROR msg=model\n", "time": "2026-11-24T09:00:01Z"})
    log.write_text(f"{CRASH}\n2026-11-24T09:00:01Z stderr F level=ERROR msg=model\nlevel=ERROR msg=model\n{record}\n")
    assert "1 of the selected events have no time of their own" in detect("scan", "--rule", RULE.id, str(log)).err


def test_journald_host_is_taken_unless_one_is_given(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text(f"Nov 24 09:12:00 gpu-7 ollama[77]: {CRASH}\n")
    assert detect("scan", str(path), "--format", "json").json["findings"][0]["host"] == "gpu-7"
    assert detect("scan", str(path), "--host", "x", "--format", "json").json["findings"][0]["host"] == "x"


def test_text_of_another_program_is_not_an_all_clear(tmp_path: Path) -> None:
    path = tmp_path / "auth.log"
    path.write_text("Nov 24 09:00:00 gpu-1 sshd[1]: Accepted publickey\n" * 764)
    answer = detect("scan", str(path), "--host", "g", "--format", "json")
    assert (answer.code, answer.json["events"]["read"], answer.err) == (0, 764, f"{path}: 0 of 764 lines look like Ollama's\n")
    answer = detect("scan", "-", "--host", "g", stdin=path.read_bytes())
    assert "-: 0 of 764 lines look like Ollama's" in answer.err
    answer = detect("ingest", str(path), "--host", "g", "--url", "http://127.0.0.1:9")
    assert (answer.code, answer.out) == (2, "")
    assert "0 of 764 lines look like Ollama's\nLeave it out, or store its lines all the same with --force." in answer.err


def test_files_of_several_machines_in_one_call(log: Path, tmp_path: Path) -> None:
    lines = log.read_text()
    for host in ("gpu-1", "gpu-2"):
        (tmp_path / host).mkdir()
        for name in ("server.log", "server-1.log"):
            (tmp_path / host / name).write_text(lines)
    paths = sorted(map(str, tmp_path.glob("gpu-*/*")))
    answer = detect("scan", *paths, "--format", "json")
    count = answer.json["events"]["read"] // 2
    assert {finding["host"] for finding in answer.json["findings"]} == {"gpu-1", "gpu-2"}
    part = len(tmp_path.parts)
    assert (
        f"Lines by machine, by the folders of the files (--host-from path:{part}): gpu-1 ({count}), gpu-2 ({count})" in answer.err
    )
    assert detect("scan", *paths, "--format", "json", "--host-from", "path:-2").json == answer.json
    (finding, *_) = detect("scan", *paths, "--format", "json", "--host-from", r"gpu-(\d)/").json["findings"]
    assert finding["host"] == "1"
    one = detect("scan", *paths, "--format", "json", "--host", "one")
    assert {finding["host"] for finding in one.json["findings"]} == {"one"}
    assert "Lines by machine" not in one.err
    assert detect("scan", *paths, "--host-from", "path:99").code == 2


@pytest.mark.parametrize(("threshold", "code"), [("critical", 1), ("medium", 1), ("informational", 1)])
def test_fail_on_reaches(log: Path, threshold: str, code: int) -> None:
    assert detect("scan", str(log), "--fail-on", threshold).code == code


def test_fail_on_does_not_reach_a_lesser_finding(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(error('msg="model"'))
    assert detect("scan", str(path), "--fail-on", "high").code == 0


def test_nothing_found_is_zero(tmp_path: Path) -> None:
    path = tmp_path / "quiet.log"
    path.write_text("all is well\n")
    answer = detect("scan", str(path), "--fail-on", "low")
    assert (answer.code, answer.out) == (0, "No findings.\n")
    assert detect("scan", str(path), "--format", "json").json == {"findings": [], "events": {"read": 1, "selected": 0}}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scan", "/nonexistent.log"], "/nonexistent.log"),
        (["scan", "-", "--timezone", "Mars/Base"], "'Mars/Base' is not a time zone (--timezone, "),
        (["scan", "-", "--fail-on", "awful"], "--fail-on: 'awful' is not a severity"),
        (["scan", "-", "--rule", "nope"], "no rule nope"),
        (["scan", "-", "--rules", "/nonexistent"], "/nonexistent: not a folder"),
        (["ingest"], "Missing argument"),
        (["run", "--to", "2026-11-24"], "give --from, with --to or without, or --at"),
        (["run", "--at", "now", "--since", "30d"], "give --from, with --to or without, or --at"),
        (["run", "--at", "soon"], "--at 'soon' is not a time"),
        (["validate", "--from", "2026-11-25", "--to", "2026-11-24"], "--from 2026-11-25 is not before --to 2026-11-24"),
        (["findings", "--from", "2026-11-25", "--to", "2026-11-24"], "--from 2026-11-25 is not before --to 2026-11-24"),
        (["sample", "--start", "soon"], "--start 'soon' is not a time"),
        (["run", "--from", "2026-11-24", "--to", "2026-11-24T00:30:00Z"], "no scheduled window"),
        (["run", "--from", "0206-11-24", "--to", "2026-11-24"], "more than 100,000 windows"),
        (["run", "--namespace", "Bad Name"], "namespace 'Bad Name'"),
        (["scan", "--since", "1d"], "scan has no --since, it reads files whole: `detect backtest FILE --since` looks at a time"),
        (["status", "--password", "x"], "there is no --password, as others can read the command line: set DETECT_PASSWORD, or"),
        (["status", "--api-key", "x"], "set DETECT_API_KEY, or give --api-key-file"),
        (["scan", "--hots", "x"], "No such option: --hots"),
        (["ingest", "/nonexistent.log"], "/nonexistent.log: there is no such file; check the name and the folder"),
        (["ingest", "/dev/null"], "/dev/null: is a pipe or a device; send its lines through standard input (-)"),
    ],
)
def test_bad_usage_is_two_and_says_what(arguments: list[str], words: str) -> None:
    answer = detect(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err


def process(arguments: list[str], **streams: Any) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "integration", *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, check=False, **streams)


def test_results_that_cannot_be_written_are_no_answer(log: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        answer = process(["scan", str(log), "--fail-on", "low"], stdout=full)
    assert answer.returncode == 2
    assert (
        answer.stderr.splitlines()[-1] == b"detect: standard output cannot be written: No space left on device; results are missing"
    )


def test_a_reader_that_has_enough_is_no_fault(log: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        answer = process(["scan", "--rule", RULE.id, str(log), "--format", "json"], stdout=pipe)
    assert (answer.returncode, answer.stderr) == (141, b"")


def test_closed_standard_streams(log: Path) -> None:
    answer = process(["scan", "-"], preexec_fn=lambda: os.close(0), stdout=subprocess.PIPE)
    assert (answer.returncode, answer.stdout) == (2, b"")
    assert answer.stderr == b"detect: -: standard input is closed; name a file, or send the lines through a pipe\n"
    answer = process(["scan", str(log), "--fail-on", "low"], preexec_fn=lambda: os.close(1))
    assert (answer.returncode, b"Traceback" in answer.stderr) == (1, False)


def test_characters_that_the_terminal_lacks_are_escaped(log: Path) -> None:
    """No log line may end the command in some locale."""
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    for form in ("table", "csv"):
        answer = process(["scan", str(log), "--host", "\u2603", "--format", form], env=ascii_only, stdout=subprocess.PIPE)
        assert answer.returncode == 0
        assert b"\\u2603" in answer.stdout


@pytest.mark.parametrize("answer", [b"", b"\n", b"n\n", b"Y or n\n"])
def test_data_is_deleted_only_when_that_is_confirmed(answer: bytes) -> None:
    with FakeCluster() as cluster:
        cluster.on("GET", f"/{RISK}/.*", THERE)
        refused = detect("uninstall", "--delete-data", "--alerting", "none", "--url", cluster.url, stdin=answer)
        assert (refused.code, refused.out) == (2, "")
        assert "nothing was changed" in refused.err
        assert "--yes" in refused.err
        assert f"Remove all of {RISK} from {cluster.url}? [y/N]" in refused.err  # the data streams are not there
        assert cluster.asked("DELETE|PUT|POST", ".*") == []


@pytest.mark.parametrize(("on_terminal", "asks", "code"), [(True, True, 2), (False, False, 0)])
def test_objects_are_removed_unasked_only_where_nobody_can_answer(
    monkeypatch: pytest.MonkeyPatch, on_terminal: bool, asks: bool, code: int
) -> None:
    monkeypatch.setattr("integration.cli.uninstall.is_on_terminal", lambda: on_terminal)
    template = {"index_patterns": ["detect-risk-*"], "_meta": {"managed_by": "ollama-detect"}}
    with FakeCluster() as cluster:
        found = Answer({"index_templates": [{"name": "detect-risk", "index_template": template}]})
        cluster.on("GET", "/_index_template/detect-risk", found)
        cluster.on("DELETE", "/_index_template/detect-risk")
        answer = detect("uninstall", "--alerting", "none", "--url", cluster.url)
        assert (answer.code, f"Remove 1 object from {cluster.url}? [y/N]" in answer.err) == (code, asks)
        assert bool(cluster.asked("DELETE", ".*")) is not asks
        assert detect("uninstall", "--yes", "--alerting", "none", "--url", cluster.url).code == 0


def test_data_streams_that_cannot_be_deleted_are_told_before_anything_goes() -> None:
    with FakeCluster(ELASTICSEARCH) as cluster:
        cluster.on("GET", f"/{RISK}/.*", THERE)
        cluster.on("GET", "/logs-ollama.server-default/.*", THERE)
        cluster.on("POST", "/logs-ollama.server-default/_count", Answer({"count": 1, "_shards": {"total": 1, "successful": 1}}))
        missing = Answer({"error": "no handler found for uri [/_data_stream/x] and method [GET]"}, 400)
        cluster.on("GET", "/_data_stream/.*", missing)
        answer = detect("uninstall", "--delete-data", "--yes", "--alerting", "none", "--url", cluster.url)
        assert (answer.code, answer.out, cluster.asked("DELETE|PUT", ".*")) == (3, "", [])
        assert "nothing was changed" in answer.err
        assert "`detect cluster down --delete-data`" in answer.err


def test_a_template_that_other_namespaces_need_names_them() -> None:
    template = {"index_patterns": ["logs-ollama.server-*"], "data_stream": {}, "_meta": {"managed_by": "ollama-detect"}}
    indices: dict[str, Any] = {".ds-logs-ollama.server-two-000001": {"mappings": {}}}
    with FakeCluster() as cluster:
        found = Answer({"index_templates": [{"name": "logs-ollama.server", "index_template": template}]})
        cluster.on("GET", "/_index_template/logs-ollama.server", found)
        cluster.on("GET", r"/logs-ollama.server-\*/_mapping", Answer(indices))
        cluster.on("GET", r"/logs-ollama.server-\*/_settings/.*")
        answer = detect("uninstall", "--delete-data", "--dry-run", "--alerting", "none", "--url", cluster.url)
    told = "made bare: needed by logs-ollama.server-two; what removes that: --namespace two --delete-data"
    assert (answer.code, told in answer.out) == (0, True)


def test_a_signal_at_the_question_ends_as_elsewhere() -> None:
    with FakeCluster() as cluster:
        cluster.on("GET", f"/{RISK}/.*", THERE)
        arguments = ["-m", "integration", "uninstall", "--delete-data", "--alerting", "none", "--url", cluster.url]
        # A test run in the background of a shell may have SIGINT ignored, and would pass that on.
        heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        command = subprocess.Popen([sys.executable, *arguments], stdin=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heeding)
        assert command.stderr is not None
        assert b"[y/N]" in command.stderr.readline()
        command.send_signal(signal.SIGINT)
        _, said = command.communicate()
        assert (command.returncode, cluster.asked("DELETE|PUT|POST", ".*")) == (130, [])
        assert b"stopped by SIGINT. Nothing was changed." in said


def test_unreachable_cluster_is_three_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECT_PASSWORD", "s3cret")
    answer = detect("status", "--url", "http://127.0.0.1:9", "--username", "u")
    assert answer.code == 3
    assert "127.0.0.1:9" in answer.err
    assert "s3cret" not in answer.err + answer.out


def write_logs(*paths: str) -> None:
    """Write a line that is selected into each of these logs."""
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text('level=ERROR source=server.go:1 msg="error loading model"\n')


def test_a_lone_log_in_a_folder_like_a_host_is_told(tmp_path: Path) -> None:
    log = tmp_path / "gpu-1" / "server.log"
    log.parent.mkdir()
    log.write_text('level=ERROR source=server.go:1 msg="error loading model"\n')
    assert f"{log} counts for this machine. If its folder names another: --host gpu-1" in detect("scan", str(log)).err
    assert "counts for this machine" not in detect("scan", str(log), "--host", "gpu-1").err


def test_machines_are_told_apart_and_folders_that_may_name_them_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    logs = [f"logs/gpu-{number}/{name}" for number in (1, 2) for name in ("app.log", "server.log")]
    write_logs(*logs, "server.log")
    said = detect("scan", *logs, "server.log").err
    assert "Lines by machine, by the folders of the files: gpu-1 (2), gpu-2 (2), " in said
    assert "counts for this machine" not in said
    one_folder = "logs/gpu-1/app.log and 1 more count for this machine. If their folder names another: --host gpu-1"
    for verb in ("scan", "backtest"):
        assert one_folder in detect(verb, *logs[:2]).err
    Path("logs/gpu-2/app.log").rename("other.log")
    said = detect("scan", "logs/gpu-1/app.log", "other.log").err
    assert "logs/gpu-1/app.log counts for this machine. If its folder names another: read each machine's files apart" in said


def test_machines_that_carriers_name_are_said_beside_those_of_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        Path(f"{number}.log").write_text(f"Feb 26 10:05:31 web-{number} ollama[7]: level=ERROR source=server.go:1 msg=model\n")
    assert detect("scan", "1.log", "2.log").err.count("; selected lines name others: web-1, web-2\n") == 1


def test_another_name_of_a_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_logs("gpu-1/server.log", "gpu-2/server.log")
    Path("gpu-1/server.log.1").symlink_to("../gpu-2/server.log")
    logs = ["gpu-1/server.log", "gpu-1/server.log.1", "gpu-2/server.log"]
    for verb in ("scan", "backtest"):
        assert "gpu-1/server.log.1: other names of files that are read already\n" in detect(verb, *logs).err
    assert "gpu-1 (1), gpu-2 (1)\n" in detect("scan", *logs).err


def test_the_name_of_a_folder_forges_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_logs("a\nNo findings./server.log", "b/server.log")
    assert "\nNo findings" not in detect("scan", "a\nNo findings./server.log", "b/server.log").err


def test_ingest_tells_machines_apart_as_scan_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    logs = [f"logs/gpu-{number}/{name}" for number in (1, 2) for name in ("app.log", "server.log")]
    write_logs(*logs, "server.log")

    def bulk(asked: Request) -> Answer:
        return Answer({"items": [{"create": {"status": 201, "result": "created"}} for _ in asked.lines[::2]]})

    shards = {"_shards": {"total": 1, "successful": 1, "failed": 0}}
    with FakeCluster() as cluster:
        cluster.on("GET", "/_ingest/pipeline/ollama.server", Answer({"ollama.server": {}}))
        cluster.on("GET", "/_index_template/logs-ollama.server", Answer({"index_templates": [{"index_template": {}}]}))
        cluster.on("POST", ".*/_refresh", Answer(shards))
        cluster.on("POST|GET", ".*/_count", Answer({"count": 5} | shards))
        cluster.on("POST|PUT", ".*/_bulk", bulk)
        several = detect("ingest", *logs, "server.log", "--url", cluster.url)
        one_folder = detect("ingest", *logs[:2], "--url", cluster.url)
        Path("empty.log").touch()
        assert detect("ingest", "empty.log", "--url", cluster.url).err.count("empty.log: holds no line") == 1
    assert "Lines by machine, by the folders of the files: gpu-1 (2), gpu-2 (2), " in several.err
    assert "logs/gpu-1/app.log and 1 more count for this machine" in one_folder.err


@pytest.mark.parametrize("verb", ["scan", "backtest"])
def test_names_that_differ_by_packing_alone_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_logs("a.log", "a.log.gz", "b.log.1.gz", "b.log.2.gz")
    assert "a.log, a.log.gz differ by their packing alone: lines that are in several" in detect(verb, "a.log", "a.log.gz").err
    assert "packing" not in detect(verb, "a.log", "a.log", "b.log.1.gz", "b.log.2.gz").err


def test_a_log_without_a_line_is_told(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.touch()
    answer = detect("scan", str(log))
    assert (answer.code, f"{log}: holds no line" in answer.err) == (0, True)
