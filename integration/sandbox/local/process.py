"""Processes that outlive the command that started them, told apart from later ones with the same id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from integration.sandbox.local.account import Account
from integration.sandbox.local.errors import NodeError

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_DIE = 10.0

_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this interpreter started, so that it collects each when it ends and leaves no zombie."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its id, and a mark of when it started, which no other process with this id can have."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            del _children[self.pid]
        return start_mark(self.pid) == self.started

    def stop(self, grace: float) -> None:
        """End it with SIGTERM and, after `grace` seconds, with SIGKILL.

        Raises `NodeError` when the process belongs to another user, or cannot be ended.
        """
        self._signal(signal.SIGTERM)
        if not self._gone_within(grace):
            self.kill()

    def kill(self) -> None:
        """End it at once, and all that it started in its session.

        Raises `NodeError` when the process belongs to another user, or cannot be ended.
        """
        self._signal(signal.SIGKILL)
        if not self._gone_within(_SECONDS_TO_DIE):
            raise NodeError(f"Process {self.pid} does not end, even by SIGKILL.")

    def _signal(self, number: signal.Signals) -> None:
        if not self.alive:
            return
        try:
            if number is signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise NodeError(f"Process {self.pid} was started by another user, who has to stop it.") from error

    def _gone_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > end:
                return False
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return True


def spawn(arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, account: Account) -> Process:
    """Start a process in a session of its own, so that neither the terminal's signals nor our end reaches it.

    Its input is closed, and what it prints is appended to `log`.

    Raises `NodeError` when it cannot be started.
    """
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(  # noqa: S603 - no shell
                arguments,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
            )
        except OSError as error:
            raise NodeError(f"Cannot start {arguments[0]}: {error.strerror}.") from error
    _children[child.pid] = child
    return Process(child.pid, start_mark(child.pid) or "ended at once")


def start_mark(pid: int) -> str | None:
    """Tell when the process `pid` started, in a form only good for comparing; None when there is none, or a zombie."""
    return _mark_in_proc(pid) if Path("/proc/self/stat").exists() else _mark_from_ps(pid)


def _mark_in_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    if state in "ZX" and threads <= 1:  # while other threads still end, its files are open
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{fields[18]}"


def _mark_from_ps(pid: int) -> str | None:
    """Ask ps(1), for systems without /proc."""
    answer = subprocess.run(  # noqa: S603 - no shell
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607 - wherever the system keeps it
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},  # the same words each time
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
