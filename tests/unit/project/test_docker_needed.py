"""Where a test in a container cannot be made, it fails and says why."""

from __future__ import annotations

from unittest import mock

import docker
import pytest
from docker.errors import APIError, ImageNotFound

from tests.support.docker.cluster import DockerUnusableError, docker_client, image_name, require_image


def test_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(DockerUnusableError, match=r"No Docker engine answers.*Start Docker"), docker_client():
        pass


def test_no_image() -> None:
    client = mock.create_autospec(docker.DockerClient, instance=True)
    client.images.get.side_effect = ImageNotFound("none")
    client.images.pull.side_effect = APIError("no such host")
    with pytest.raises(DockerUnusableError, match=r"x/y:1 is not here and cannot be pulled \(no such host\).*make test-image"):
        require_image(client, "x/y:1")


def test_the_image_is_the_official_one_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DETECT_TEST_IMAGE", raising=False)
    assert image_name().startswith("opensearchproject/opensearch:3.")
    monkeypatch.setenv("DETECT_TEST_IMAGE", "elasticsearch:9.4.3")
    assert image_name() == "elasticsearch:9.4.3"
