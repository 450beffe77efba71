"""`detect explain`: what became of one line of a file, in words."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.builders import RULE
from tests.support.cli import Result, detect

SECRET = "hunter2-credential"
RECORD = f'level=ERROR source=server.go:316 msg="model \\"x\\" is bad" err="Bearer {SECRET} !"'
LINES = f"""\
time=2026-03-01T12:00:00.000+02:00 level=INFO source=routes.go:1259 msg="Listening on 127.0.0.1:11434"

Mar 01 10:00:01 gpu-7 ollama[14]: time=2026-03-01T12:00:01.000+02:00 {RECORD}
[GIN] 2026/03/01 - 12:00:02 | 500 |  1.000000001s |  127.0.0.1 | POST     "/api/generate"
panic: model
"""


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "server.log"
    path.write_text(LINES, encoding="utf-8")
    return str(path)


def steps(answer: Result) -> dict[str, str]:
    return {step["step"]: step["says"] for step in answer.json["steps"]}


def test_every_step_of_a_line(log: str) -> None:
    answer = detect("explain", f"{log}:3", "--format", "json")
    found = steps(answer)
    assert answer.code == 0
    assert list(found)[:5] == ["carrier", "length", "redaction", "event.original", "@timestamp"]
    assert found["carrier"] == "journald and syslog is taken off: Mar 01 10:00:01 gpu-7 ollama[14]: "
    assert found["redaction"] == "blanked out: keys or credentials: 1"
    assert found["@timestamp"] == "2026-03-01T10:00:01.000Z  (its own time)"
    assert found["host.name"] == "gpu-7  (its carrier names it)"
    assert found["ollama.source"] == "server.go:316  (SPL 2, code_source)"
    assert (found["ollama.msg"], found["message"]) == ("model \\  (SPL 3, msg)", 'model "x" is bad')
    assert found["ollama.err"] == "Bearer=[REDACTED] !  (SPL 4, err)"
    assert (answer.json["compared"], answer.json["differs"]) == (False, False)
    rule = next(rule for rule in answer.json["rules"] if rule["rule_id"] == RULE.id)
    assert (rule["selected"], rule["label"]) == (True, "model_error")
    assert rule["window"] == {"start": "2026-03-01T09:50:00Z", "end": "2026-03-01T10:50:00Z", "run_at": "2026-03-01T11:00:00Z"}
    assert [(trial["name"], trial["holds"]) for trial in rule["classes"]] == [("service_crash", False), ("model_error", True)]
    assert SECRET not in answer.out


def test_the_table_says_why(log: str) -> None:
    answer = detect("explain", f"{log}:3", "--rule", "ollama_possible_rce_via_model_loading")
    terms = "it holds `llama runner`, `model`, `server.go` or `exited`"
    assert answer.out.splitlines()[-8:-1] == [
        "ollama_possible_rce_via_model_loading: selected, error_type is model_error",
        "  yes  selection, alternative 1",
        "         yes  its level is ERROR: it is ERROR",
        f"         yes  {terms}: `model` at character 74, `server.go` at character 55",
        "  no   1 class does not take it; --all says why",
        "  yes  class model_error",
        "         yes  it holds `model`: `model` at character 74",
    ]
    assert answer.out.splitlines()[-1] == (
        "  it counts in the window from 2026-03-01T09:50:00Z to 2026-03-01T10:50:00Z, which the run at 2026-03-01T11:00:00Z covers"
    )
    assert SECRET not in answer.out


def test_all_says_why_each_class_does_not_take_the_line(log: str) -> None:
    answer = detect("explain", f"{log}:3", "--rule", "ollama_possible_rce_via_model_loading", "--all")
    assert answer.out.splitlines()[-4:-2] == ["  no   class service_crash: it does not hold `exited`", "  yes  class model_error"]
    folded, whole = (detect("explain", f"{log}:5", *every).out for every in ((), ("--all",)))
    others = [line for line in whole.splitlines() if line.startswith("  no   class ")]
    assert f"  no   {len(others)} classes do not take it; --all says why\n" in folded
    assert ("class traversal_in_url" in folded, "--all" in whole) == (False, False)
    assert "  no   class traversal_in_url: its line is not of the kind access: it is panic" in others


def test_a_line_keeps_to_the_terminal(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = detect("explain", f"{log}:3", "--all").out.splitlines()
    assert max(map(len, lines)) <= 80
    row = next(i for i, line in enumerate(lines) if line.startswith("  event.original"))
    begins = lines[row].index("time=")
    assert (lines[row + 1][:begins].isspace(), lines[row + 1][begins].isspace()) == (True, False)


def test_the_table_says_why_not(log: str) -> None:
    answer = detect("explain", f"{log}:5")
    assert answer.out.endswith(
        "\nollama_possible_rce_via_model_loading: NOT selected\n"
        "  no   selection, alternative 1\n"
        "         no   its level is not ERROR: it has none\n"
    )
    assert "  ollama.err      nothing  (SPL 4, err)\n" in answer.out


@pytest.mark.parametrize(
    ("number", "time"),
    [
        (1, "2026-03-01T10:00:00.000Z  (its own time)"),
        (4, "2026-03-01T10:00:02.000Z  (its own clock, in the zone of the records around it)"),
        (5, "2026-03-01T10:00:02.000Z  (it has none: that of a line above, else when the file was written)"),
    ],
)
def test_where_the_time_is_from(log: str, number: int, time: str) -> None:
    assert steps(detect("explain", f"{log}:{number}", "--format", "json"))["@timestamp"] == time


def test_where_the_host_is_from(log: str, tmp_path: Path) -> None:
    def host(place: str, *options: str) -> str:
        return steps(detect("explain", place, "--format", "json", *options))["host.name"]

    assert host(f"{log}:1").endswith("  (nothing names another machine than this one)")
    assert host(f"{log}:3", "--host", "h") == "h  (its path names it, or an option does)"
    named = tmp_path / "gpu-9-server.log"
    named.write_text(LINES, encoding="utf-8")
    assert host(f"{named}:1") == "gpu-9  (its path names it, or an option does)"


def test_what_json_and_a_long_line_lose(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    record = "time=2026-03-01T10:00:00.000Z level=ERROR msg=" + "x" * 250_000
    path.write_text(f'{{"log":"kube | {record}\\n","stream":"stderr","time":"2026-03-01T10:00:00Z"}}\n', encoding="utf-8")
    found = steps(detect("explain", f"{path}:1", "--format", "json"))
    assert (
        found["carrier"]
        == "the JSON around it is undone; Docker Compose, docker service logs, foreman and pm2 is taken off: kube | "
    )
    assert found["length"] == "cut after 200,000 bytes"
    assert found["tags"] == "['ollama_line_cut']"


def test_a_line_on_standard_input_and_one_in_a_zip(log: str, tmp_path: Path) -> None:
    answer = detect("explain", "-", "--rule", RULE.id, "--format", "json", stdin=b"level=ERROR model\nlevel=INFO")
    assert (answer.json["place"], answer.json["rules"][0]["label"]) == ("-:1", "model_error")
    with zipfile.ZipFile(tmp_path / "logs.zip", "w") as archive:
        archive.write(log, "inner/server.log")
        archive.writestr("other.log", "level=ERROR no space\n")
    answer = detect("explain", f"{tmp_path}/logs.zip/other.log:1", "--format", "json")
    assert answer.json["event"]["event"]["original"] == "level=ERROR no space"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name one thing to explain: FILE:LINE, -, --doc ID, or --finding ID"),
        (["--finding", "x", "--all", "{log}"], "--all is about the classes of one line: it does not go with --finding"),
        (["-", "--doc", "x"], "name one thing to explain: FILE:LINE, -, --doc ID, or --finding ID"),
        (["a:1", "b:1"], "name one thing to explain: "),
        (["--finding", "x", "--doc", "y"], "name one thing to explain: "),
        (["server.log"], "'server.log': write FILE:LINE, as in server.log:42, or - for a line on standard input"),
        (["server.log:0"], "'server.log:0': write FILE:LINE"),
        (["{log}:2"], "{log} has no line 2 that holds anything"),
        (["{log}:6"], "{log} has no line 6 that holds anything; its last one is 5"),
        (["{log}.gz:1"], "{log}.gz: "),
    ],
)
def test_a_place_that_is_none_is_told(log: str, arguments: list[str], message: str) -> None:
    answer = detect("explain", *(argument.format(log=log) for argument in arguments))
    assert answer.code == 2
    assert message.format(log=log) in answer.err


def test_text_of_a_log_steers_no_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("level=ERROR model \x1b[2J\u202e [bold]x\n", encoding="utf-8")
    answer = detect("explain", f"{path}:1")
    assert "\\x1b[2J\\u202e [bold]x" in answer.out
    assert "\x1b" not in answer.out
