"""Running docker-compose.yml, each time as a project of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.docker.cluster import DockerUnusableError

ROOT = Path(__file__).parents[3]
_SECONDS = 300


def compose_command() -> list[str]:
    """Return how Compose is called here: Docker's plugin, else a `docker-compose` on PATH or beside this Python.

    Raises `DockerUnusableError` when there is none.
    """
    if (cli := shutil.which("docker")) and subprocess.run(
        [cli, "compose", "version"], capture_output=True, check=False
    ).returncode == 0:
        return [cli, "compose"]
    beside = Path(sys.executable).parent / "docker-compose"
    if own := (shutil.which("docker-compose") or (str(beside) if beside.exists() else None)):
        return [own]
    raise DockerUnusableError("There is no Docker Compose: neither `docker compose` nor `docker-compose` runs here.")


def environment_file(folder: Path, changes: Mapping[str, str]) -> Path:
    """Write `.env.example` as a user would fill it in: secrets made up, and some values changed."""
    lines = []
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            lines.append(f"{name}={changes.get(name) or value or secrets.token_hex(24)}")
    path = folder / ".env"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@dataclass(frozen=True)
class Project:
    """A project of Compose that runs docker-compose.yml with an environment file."""

    name: str
    environment: Path

    def run(self, *arguments: str) -> str:
        """Call Compose and give what it prints. Raises `AssertionError` with all its words when it fails."""
        command = [*compose_command(), "--project-name", self.name, "--file", str(ROOT / "docker-compose.yml")]
        command += ["--env-file", str(self.environment), *arguments]
        # What this process has in its environment would win over the file.
        outside = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME"} or key.startswith("DOCKER_")}
        done = subprocess.run(command, env=outside, capture_output=True, text=True, timeout=_SECONDS, check=False)
        assert done.returncode == 0, f"compose {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout


@contextmanager
def running_project(environment: Path, *services: str) -> Iterator[Project]:
    """Start services and wait for their health; remove them, their network and their volumes at the end.

    When they do not come up, the `AssertionError` holds their logs.
    """
    project = Project(f"detect-test-{secrets.token_hex(4)}", environment)
    try:
        try:
            project.run("up", "--wait", *services)
        except AssertionError as error:
            error.add_note(project.run("logs", "--tail", "60"))
            raise
        yield project
    finally:
        project.run("down", "--volumes", "--remove-orphans")
