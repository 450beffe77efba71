"""Where Ollama logs on this machine, and how logs are read that are not files: the journal, a container's output."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from integration.errors import InputError
from integration.log.blocks import Stream

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

UNIT: Final = "ollama.service"
_NAMES: Final = ("server*.log*", "app*.log*")
_LONGEST_MESSAGE: Final = 2_000
_PATIENCE: Final = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A place where Ollama may log: what it is called, and the logs there."""

    name: str
    logs: tuple[str | Stream, ...]


def local_places() -> list[Place]:
    """Return where Ollama logs by itself on this machine: folders with the logs in them, and the journal where there is one."""
    folders = [Path.home() / ".ollama" / "logs"]
    if local := os.environ.get("LOCALAPPDATA"):
        folders.append(Path(local) / "Ollama")
    places = [Place(str(folder), tuple(sorted({str(path) for name in _NAMES for path in folder.glob(name)}))) for folder in folders]
    if sys.platform == "linux":
        there = shutil.which("journalctl") is not None
        places.append(Place(f"the journal of {UNIT}", (journal(),) if there else ()))
    return places


def journal() -> Stream:
    """Return the journal of Ollama's service, all boots of it, in JSON, which names the machine and the time of each line."""
    said: list[str] = []
    return Stream(f"the journal of {UNIT}", partial(_journal, said), said)


@contextmanager
def _journal(said: list[str]) -> Iterator[Callable[[int], bytes]]:
    # Without `--all` a field of more than 4,096 bytes is null. Not `--quiet`, which hides that journals may not be read.
    command = ["journalctl", f"--unit={UNIT}", "--output=json", "--all", "--no-pager"]
    with TemporaryFile() as errors:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
        except OSError as error:
            raise InputError(f"journalctl cannot be run: {error.strerror}") from error
        ended = False
        with process:
            assert process.stdout is not None  # noqa: S101 - asked for
            try:
                yield process.stdout.read1  # type: ignore[attr-defined]  # a buffered reader, by Popen's default
                ended = True
            finally:
                if not ended:
                    process.kill()
        errors.seek(0)
        message = errors.read(_LONGEST_MESSAGE).decode(errors="replace").strip()
    if process.returncode:
        raise InputError(f"the journal of {UNIT} cannot be read: journalctl ended with {process.returncode}: {message}")
    if message:
        said.append(f"journalctl: {message}")


def container(name: str) -> Stream:
    """Return what a container wrote to its two outputs, with the time of each line, from the Docker API."""
    return Stream(f"the container {name}", partial(_container, name))


@contextmanager
def _container(name: str) -> Iterator[Callable[[int], bytes]]:
    import docker  # not above: nothing else needs them
    from urllib3.exceptions import HTTPError

    try:
        with closing(docker.DockerClient.from_env()) as client:
            found = client.containers.get(name)
            # Not by `logs()`, which takes a connection that breaks for the end of the log.
            url = f"{client.api.base_url}/v{client.api.api_version}/containers/{found.id}/logs"
            asked = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": 0}
            with client.api.get(url, params=asked, stream=True, timeout=_PATIENCE) as answer:
                answer.raise_for_status()
                yield answer.raw.read if found.attrs["Config"]["Tty"] else partial(_next_frame, answer.raw)
    except docker.errors.NotFound as error:
        raise InputError(f"there is no container {name}; `docker ps --all` lists them") from error
    except (docker.errors.DockerException, HTTPError, OSError) as error:
        asks = "does Docker run, and may you use it? " if "server API version" in str(error) else ""  # of the first request
        raise InputError(f"the container {name} cannot be read through the Docker API (DOCKER_HOST): {asks}{error}") from error


def _next_frame(raw: BaseHTTPResponse, _: int) -> bytes:
    """Return what one write of the container holds: eight bytes before it name its output and its length."""
    header = raw.read(8)
    return raw.read(int.from_bytes(header[4:])) if header else b""
