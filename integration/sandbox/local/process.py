"""Processes that outlive the command that started them, told from later processes of the same id by their start."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from integration.errors import NodeError
from integration.sandbox.local.account import Account

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_DIE = 10.0
_ENDED_AT_ONCE = -1.0

_children: dict[int, subprocess.Popen[bytes]] = {}
"""The processes that this interpreter started, so that it waits for each that ended and leaves no zombie."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its id and its start, which together no other process has."""

    pid: int
    started: float

    @property
    def alive(self) -> bool:
        """Whether this process still runs."""
        lives = start_of(self.pid) == self.started
        # Collected after the look, or one that ends in between would be seen as a zombie, and stay one.
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            del _children[self.pid]
            return False
        return lives

    def stop(self, grace: float) -> None:
        """End it with SIGTERM and, after `grace` seconds, with SIGKILL.

        Raises `NodeError` when the process belongs to another user, or cannot be ended.
        """
        if not self._ended_by(signal.SIGTERM, grace):
            self.kill()

    def kill(self) -> None:
        """End it at once, and all that it started in its session.

        Raises `NodeError` when the process belongs to another user, or cannot be ended.
        """
        if not self._ended_by(signal.SIGKILL, _SECONDS_TO_DIE):
            raise NodeError(f"Process {self.pid} does not end, even by SIGKILL.")

    def _ended_by(self, number: signal.Signals, seconds: float) -> bool:
        """Send a signal, SIGKILL to the whole session, and return whether the process ends within `seconds`."""
        send = os.killpg if number is signal.SIGKILL else os.kill
        try:
            if self.alive:
                send(self.pid, number)
        except ProcessLookupError:
            return True
        except PermissionError as error:
            raise NodeError(f"Process {self.pid} was started by another user, who has to stop it.") from error
        end = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > end:
                return False
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return True


def spawn(arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, account: Account) -> Process:
    """Start a process in a session of its own, so that neither the terminal's signals nor our exit reaches it.

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
                **account.of_process,
            )
        except OSError as error:
            raise NodeError(f"Cannot start {arguments[0]}: {error.strerror}.") from error
    _children[child.pid] = child
    return Process(child.pid, start_of(child.pid) or _ENDED_AT_ONCE)


def start_of(pid: int) -> float | None:
    """Return when the process `pid` started, a number to compare only; None when it does not exist or is a zombie.

    On Linux it counts from the boot, since the clock may have been set in between.
    """
    try:
        boot = psutil.boot_time() if psutil.LINUX else 0.0
        process = psutil.Process(pid)
        # While other threads of a zombie still end, its files are open.
        if process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1:
            return None
        return round(process.create_time() - boot, 2)
    except psutil.NoSuchProcess:
        return None
