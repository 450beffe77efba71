"""The container image of the command, built from the Dockerfile and a wheel of this tree."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import BuildError

import integration
from tests.support.builders import error

ROOT = Path(__file__).parent.parent.parent
NAME = "ollama-detect-test/cli:built"


@pytest.fixture(scope="module")
def image(client: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    context = tmp_path_factory.mktemp("image") / "context"
    made = subprocess.run(
        ["make", "--directory", str(ROOT), "image-context", f"CONTEXT={context}"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    try:
        client.images.build(path=str(context), tag=NAME, network_mode="host", rm=True)
    except BuildError as failed:
        raise AssertionError("".join(str(line.get("stream", "")) for line in failed.build_log)[-4000:]) from failed
    yield NAME
    client.images.remove(NAME, force=True)


def run(client: DockerClient, image: str, *arguments: str, **options: str) -> str:
    """Run it as far from help as can be: no network, nothing to write to, no rights."""
    output = client.containers.run(
        image,
        list(arguments),
        remove=True,
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        **options,  # type: ignore[call-overload]
    )
    return bytes(output).decode()


def test_version(client: DockerClient, image: str) -> None:
    assert run(client, image, "--version").strip() == integration.__version__


def test_it_runs_as_a_user_without_rights(client: DockerClient, image: str) -> None:
    assert run(client, image, "-u", entrypoint="id").strip() == "10001"
    assert client.images.get(image).attrs["Config"]["User"] == "10001"


def test_scan_of_a_mounted_file(client: DockerClient, image: str, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(error('source=server.go:224 msg="ollama exited" err="exit status 1"') + "\n")
    tmp_path.chmod(0o755)
    log.chmod(0o644)
    container = client.containers.create(
        image,
        ["scan", "server.log", "--host", "gpu-1", "--format", "json"],
        network_mode="none",
        volumes=[f"{log}:/data/server.log:ro"],
    )
    try:
        container.start()
        assert container.wait(timeout=60)["StatusCode"] == 0, container.logs().decode()
        (finding,) = json.loads(container.logs(stderr=False))["findings"]
    finally:
        container.remove(force=True)
    assert (finding["host"], finding["severity"]) == ("gpu-1", "critical")


def test_it_holds_no_installer(client: DockerClient, image: str) -> None:
    assert run(client, image, "-c", "ls /opt/detect/bin", entrypoint="sh").split().count("pip") == 0
