"""One cluster in a container: started, waited for, its log shown when a test fails, removed at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container

from integration.sandbox.local.node import is_up

SECONDS_TO_START = 180.0
_SECONDS_BETWEEN_LOOKS = 0.5
_HTTP = "9200/tcp"
_ROOT = Path(__file__).parents[3]
_ENVIRONMENTS = {
    "opensearch": {
        "DISABLE_SECURITY_PLUGIN": "true",
        "DISABLE_INSTALL_DEMO_CONFIG": "true",  # else the official image asks for an admin's password
        "OPENSEARCH_JAVA_OPTS": "-Xms512m -Xmx512m",
    },
    "elasticsearch": {"xpack.security.enabled": "false", "ES_JAVA_OPTS": "-Xms512m -Xmx512m"},
}


class DockerUnusableError(Exception):
    """Why a test in a container cannot be made; it then fails."""


def pinned(name: str) -> str:
    """Return a value of `.env.example`, the one place where versions are pinned."""
    lines = (_ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{name}="))


def image_name() -> str:
    """Return the image to test with: `DETECT_TEST_IMAGE`, else the official OpenSearch image."""
    return os.environ.get("DETECT_TEST_IMAGE") or pinned("OPENSEARCH_IMAGE")


@contextmanager
def docker_client() -> Iterator[docker.DockerClient]:
    """Connect to the Docker engine. Raises `DockerUnusableError` when none answers."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        raise DockerUnusableError(
            f"No Docker engine answers ({error}). Start Docker, or name an engine in DOCKER_HOST; these tests need one."
        ) from error
    try:
        yield client
    finally:
        client.close()


def require_image(client: docker.DockerClient, name: str) -> None:
    """See that an image is there, or pull it. Raises `DockerUnusableError` when it is not to be had."""
    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.images.pull(name)
        except DockerException as error:
            raise DockerUnusableError(
                f"The image {name} is not here and cannot be pulled ({error}). "
                "Name one that is in DETECT_TEST_IMAGE; `make test-image` builds one."
            ) from error


@dataclass(frozen=True)
class Cluster:
    """A running cluster of one node, reached on the loopback address without security."""

    url: str
    container: Container

    def log_tail(self, lines: int) -> str:
        """Return the last lines that it printed."""
        return self.container.logs(tail=lines).decode(errors="replace")


@contextmanager
def running_cluster(client: docker.DockerClient, image: str) -> Iterator[Cluster]:
    """Start a container of `image` and wait until it does its work; remove it and its volumes at the end.

    Raises `DockerUnusableError` when the image is not to be had, `AssertionError` with its log when it does not come up.
    """
    require_image(client, image)
    engine = "elasticsearch" if "elasticsearch" in image else "opensearch"
    container = client.containers.run(
        image,
        detach=True,
        environment={"discovery.type": "single-node", **_ENVIRONMENTS[engine]},
        ports={_HTTP: ("127.0.0.1", 0)},
        mem_limit="1500m",
    )
    try:
        yield Cluster(_wait(container), container)
    finally:
        container.remove(force=True, v=True)


def _wait(container: Container) -> str:
    """Wait for health, and give the address."""
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        container.reload()
        if container.status == "exited":
            break
        published = container.ports.get(_HTTP)
        if published and is_up(int(published[0]["HostPort"]), None):
            return f"http://127.0.0.1:{published[0]['HostPort']}"
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    log = container.logs(tail=60).decode(errors="replace")
    raise AssertionError(f"The container ({container.status}) was not ready within {SECONDS_TO_START:.0f} s. Its log ends:\n{log}")
