"""`detect` as a process at once: a process that has everything loaded forks for each command it is given.

It reads a JSON list of arguments a line, writes the child's process id, waits for its end, and writes how it ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Self

from tests.support.cli import Result


class Forker:
    """The parent's side; use it as a context manager."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, arguments: list[str], on_start: Callable[[int], None]) -> Result:
        """Run a command to its end, and tell its process id before it does anything; a signal's number is negative."""
        self._say(arguments)
        on_start(int(self._answer()))
        self._say(None)
        return Result(int(self._answer()), "", "")

    def _say(self, value: object) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        _tell(pipe, json.dumps(value))

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _tell(pipe: IO[str], text: str) -> None:
    pipe.write(f"{text}\n")
    pipe.flush()


def _serve() -> None:
    import integration.cli
    import integration.engines.elasticsearch
    import integration.engines.opensearch

    while line := sys.stdin.readline():
        ready, go = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(ready, 1)
            null = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(null, number)
            sys.argv = ["detect", *json.loads(line)]
            integration.cli.main()
            os._exit(0)
        _tell(sys.stdout, str(child))
        sys.stdin.readline()
        os.write(go, b"\n")
        os.close(ready)
        os.close(go)
        _tell(sys.stdout, str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


if __name__ == "__main__":
    _serve()
