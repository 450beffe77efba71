"""Made-up logs as files: a folder a host, as if collected from the machines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from integration.errors import InputError
from integration.sandbox.sample.generator import Line, Plan, by_host

_CHUNK_LINES = 2_000


@dataclass(slots=True)
class SampleFile:
    """A log file that was written."""

    host: str
    path: Path
    lines: int = 0
    bytes: int = 0


def write_files(
    folder: Path,
    plan: Plan | None = None,
    progress: Callable[[int], None] = lambda _lines: None,
) -> list[SampleFile]:
    """Write `HOST/server.log` and, where the desktop app has lines, `HOST/app.log`; equally named files are replaced.

    Files are dated at the end of the logs' time. `progress` hears how many more lines were written. Raises `InputError` where the
    system does not let us write.
    """
    plan = plan or Plan()
    written: list[SampleFile] = []
    try:
        for host, _version, lines in by_host(plan):
            for file in _write_host(folder, host, lines, progress):
                os.utime(file.path, ns=(plan.end * 1_000_000, plan.end * 1_000_000))
                written.append(file)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
    return written


def _write_host(folder: Path, host: str, lines: Iterator[Line], progress: Callable[[int], None]) -> list[SampleFile]:
    (folder / host).mkdir(parents=True, exist_ok=True)
    files: dict[str, SampleFile] = {}
    outputs: dict[str, BinaryIO] = {}
    with ExitStack() as stack:
        while chunk := list(islice(lines, _CHUNK_LINES)):
            for name in dict.fromkeys([line.file for line in chunk]):
                if name not in files:
                    files[name] = SampleFile(host, folder / host / name)
                    outputs[name] = stack.enter_context(files[name].path.open("wb"))
                texts = [line.text for line in chunk if line.file == name]
                data = "\n".join([*texts, ""]).encode()
                outputs[name].write(data)
                files[name].lines += len(texts)
                files[name].bytes += len(data)
                progress(len(texts))
    return list(files.values())
