"""Standard output for results: a failed write is an error of its own, not Python's exit code 1."""

from __future__ import annotations

import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from integration.errors import InputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputError(InputError):
    """Standard output cannot be written, for instance because the disk is full."""


class PipeClosedError(OutputError):
    """The reader of the results closed the pipe, as `head` does; the exit code is that of SIGPIPE."""

    exit_code = 141


def take_over() -> None:
    """Replace `sys.stdout` by a stream that raises `OutputError`, and writes characters its encoding lacks as escapes.

    Where standard output is closed, results are not wanted.
    """
    before = sys.stdout
    if before is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
        return
    sys.stdout = TextIOWrapper(
        BufferedWriter(_Results(before.fileno(), "w", closefd=False)),
        before.encoding,
        "backslashreplace",
        line_buffering=before.isatty(),
    )


class _Results(FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            # What is still buffered must not fail again when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            if isinstance(error, BrokenPipeError):
                raise PipeClosedError("the reader of the results has gone") from error
            raise OutputError(f"standard output cannot be written: {error.strerror}; results are missing") from error
