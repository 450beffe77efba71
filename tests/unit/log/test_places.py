"""`detect scan` without files: the logs of this machine, its journal, and a container's output."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.cli import detect
from tests.support.fake_docker import fake_docker

RECORD = 'time=2026-03-01T10:00:00.000Z level=ERROR source=server.go:316 msg="model exited" err="exit status 2"'
NOTHING = "Name the files of its log, or its container by --container\n"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing logs: a home and a PATH with nothing in them."""
    for name in ("HOME", "PATH"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    return tmp_path


def journalctl(machine: Path, script: str) -> None:
    """Put a stand-in for journalctl on the PATH; it insists on the options that matter."""
    path = machine / "PATH" / "journalctl"
    wanted = "--unit=ollama.service --output=json --all --no-pager"
    path.write_text(f'#!/bin/sh\n[ "$*" = "{wanted}" ] || exit 9\n{script}\n', encoding="utf-8")
    path.chmod(0o755)


def journal_line(message: object, host: str = "gpu-5") -> str:
    return json.dumps(
        {"__REALTIME_TIMESTAMP": "1772359200000000", "_HOSTNAME": host, "MESSAGE": message, "_SYSTEMD_UNIT": "ollama.service"}
    )


def test_files_of_the_desktop_app_and_of_ollama_serve(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs, local = machine / "HOME" / ".ollama" / "logs", machine / "local" / "Ollama"
    for folder, name in (
        (logs, "server.log"),
        (logs, "server-1.log"),
        (logs, "history"),
        (local, "app.log"),
        (local, "upgrade.log"),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{RECORD}\n", encoding="utf-8")
    monkeypatch.setenv("LOCALAPPDATA", str(machine / "local"))
    answer = detect("scan", "--format", "json")
    assert (answer.code, answer.json["events"]) == (0, {"read": 3, "selected": 3})
    assert answer.err.splitlines()[:2] == [
        f"Reading {logs}/server-1.log, {logs}/server.log, {local}/app.log",
        "There is nothing in the journal of ollama.service",
    ]


def test_the_journal(machine: Path) -> None:
    bytewise = list(f"{RECORD} \x1b[0m".encode())
    lines = [journal_line(RECORD), journal_line(bytewise), journal_line("Started Ollama Service."), journal_line(RECORD, "gpu-6")]
    (machine / "journal").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    journalctl(machine, f'while read -r line; do echo "$line"; done < {machine}/journal'.replace("echo", "printf '%s\\n'"))
    answer = detect("scan", "--format", "json")
    assert answer.err.splitlines()[:2] == [
        "Reading the journal of ollama.service",
        f"There is nothing in {machine}/HOME/.ollama/logs",
    ]
    assert answer.json["events"] == {"read": 4, "selected": 3}
    assert [(each["host"], each["error_count"]) for each in answer.json["findings"]] == [("gpu-5", 2), ("gpu-6", 1)]
    assert {each["window_start"] for each in answer.json["findings"]} == {"2026-03-01T09:50:00Z"}


def test_what_journalctl_says_besides_is_passed_on(machine: Path) -> None:
    line = journal_line(RECORD).replace("'", "")
    journalctl(machine, f"printf '%s\\n' '{line}'\necho 'Hint: You are currently not seeing messages from other users.' >&2")
    answer = detect("scan")
    assert (answer.code, "\njournalctl: Hint: You are currently not seeing messages from other users.\n" in answer.err) == (0, True)


def test_a_journal_that_cannot_be_read_is_an_error(machine: Path) -> None:
    journalctl(machine, "echo 'Failed to open journal \\033[31m: Permission denied' >&2\nexit 1")
    answer = detect("scan")
    assert answer.code == 2
    assert "the journal of ollama.service cannot be read: journalctl ended with 1: Failed to open journal " in answer.err
    assert "\x1b" not in answer.err


def test_a_journal_without_a_line_is_no_all_clear(machine: Path) -> None:
    journalctl(machine, "exit 0")
    answer = detect("scan")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith(f"detect: nothing was evaluated: nothing in the journal of ollama.service. {NOTHING}")


def test_a_machine_without_a_log_is_told(machine: Path) -> None:
    answer = detect("scan")
    nothing = f"nothing in {machine}/HOME/.ollama/logs, nothing in the journal of ollama.service"
    assert (answer.code, answer.err) == (2, f"detect: Ollama logs in no known place on this machine: {nothing}. {NOTHING}")


def test_the_journal_is_of_linux_alone(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "ollama.service" not in detect("scan").err


CONTAINER = [
    (2, f"2026-03-01T10:00:00.000000001Z {RECORD}\n".encode()),
    (1, b'2026-03-01T10:00:01.000000001Z [GIN] 2026/03/01 - 10:00:01 | 200 |  1.0s |  127.0.0.1 | GET "/"\n'),
    (2, b"2026-03-01T11:00:00.000000001Z level=ERROR msg=model\n"),
]


@pytest.mark.parametrize("tty", [False, True])
def test_a_container(machine: Path, monkeypatch: pytest.MonkeyPatch, tty: bool) -> None:
    with fake_docker(machine / "docker.sock", CONTAINER, tty=tty) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        answer = detect("scan", "--container", "ollama", "--format", "json", "--host", "gpu-1")
        missing = detect("scan", "--container", "other")
    assert answer.json["events"] == {"read": 3, "selected": 2}, answer.err
    assert [each["window_start"] for each in answer.json["findings"]] == ["2026-03-01T09:50:00Z", "2026-03-01T10:50:00Z"]
    assert (missing.code, missing.err) == (2, "detect: there is no container other; `docker ps --all` lists them\n")


def test_a_container_and_a_file_are_one_scan(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = machine / "server.log"
    file.write_text(f"{RECORD}\n", encoding="utf-8")
    with fake_docker(machine / "docker.sock", CONTAINER[:1]) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        answer = detect("scan", str(file), "--container", "ollama", "--format", "json", "--host", "gpu-1")
    assert [each["error_count"] for each in answer.json["findings"]] == [2]


def test_a_container_that_wrote_nothing_is_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_docker(machine / "docker.sock", []) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        answer = detect("scan", "--container", "ollama")
    assert "There is nothing in the container ollama\n" in answer.err


@pytest.mark.parametrize("tty", [False, True])
def test_an_engine_that_goes_away_is_told(machine: Path, monkeypatch: pytest.MonkeyPatch, tty: bool) -> None:
    with fake_docker(machine / "docker.sock", CONTAINER, tty=tty, cut=True) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        answer = detect("scan", "--container", "ollama")
    assert (answer.code, answer.out) == (2, "")
    assert "the container ollama cannot be read through the Docker API (DOCKER_HOST): " in answer.err
    assert tty or "3 lines were read up to there, 2 of them selected" in answer.err


def test_an_engine_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    none = detect("scan", "--container", "ollama")
    assert (none.code, "through the Docker API (DOCKER_HOST): does Docker run, and may you use it?" in none.err) == (2, True)
