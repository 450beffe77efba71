from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from integration.errors import NodeError
from integration.sandbox.local.account import Account
from integration.sandbox.local.process import Process, spawn, start_of

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


def run(folder: Path, script: str) -> Process:
    return spawn([sys.executable, "-c", script], environment=dict(os.environ), folder=folder, log=folder / "log", account=Account())


def wait_for(log: Path, text: str) -> None:
    end = time.monotonic() + 20
    while not (log.exists() and text in log.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    process = run(tmp_path, "import time; time.sleep(60)")
    yield process
    process.kill()


def test_a_process_lives_until_it_is_stopped(sleeper: Process) -> None:
    assert sleeper.alive
    sleeper.stop(20)
    assert not sleeper.alive
    sleeper.stop(20)


def test_it_is_collected_and_leaves_no_zombie(sleeper: Process) -> None:
    sleeper.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(sleeper.pid, 0)


def test_one_that_ends_while_it_is_looked_at_leaves_no_zombie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = run(tmp_path, "input()")

    def start_when_ended(pid: int) -> float | None:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return start_of(pid)

    monkeypatch.setattr("integration.sandbox.local.process.start_of", start_when_ended)
    assert not process.alive
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_zombie_is_dead() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert start_of(pid) is None
    finally:
        os.waitpid(pid, 0)


def test_a_clock_that_is_set_does_not_make_it_another_process(sleeper: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = psutil.boot_time() + 3_600
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: ahead)
    monkeypatch.setattr("psutil._pslinux.BOOT_TIME", ahead, raising=False)
    assert psutil.boot_time() == ahead
    assert sleeper.alive


def test_a_recycled_id_is_another_process_and_is_left_alone(sleeper: Process) -> None:
    earlier = Process(sleeper.pid, sleeper.started - 1)
    assert not earlier.alive
    earlier.stop(0)
    earlier.kill()
    assert sleeper.alive


def test_one_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    process = run(tmp_path, STUBBORN)
    wait_for(tmp_path / "log", "ready")
    process.stop(0.2)
    assert not process.alive


def test_a_kill_takes_what_it_started_too(tmp_path: Path) -> None:
    process = run(tmp_path, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STUBBORN + '#child'!r}])")
    wait_for(tmp_path / "log", "ready")
    (child,) = (int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    start = start_of(child)
    assert start
    process.kill()
    end = time.monotonic() + 10
    while start_of(child) == start:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_has_its_own_session_and_no_input(tmp_path: Path) -> None:
    process = run(tmp_path, "import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()), flush=True)")
    wait_for(tmp_path / "log", "True ''")
    process.stop(20)


def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="Cannot start /no/such: No such file"):
        spawn(["/no/such"], environment={}, folder=tmp_path, log=tmp_path / "log", account=Account())
