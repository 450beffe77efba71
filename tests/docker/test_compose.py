"""docker-compose.yml as a user runs it: up, the main job over TLS with a password, down and up again."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient

from integration.sandbox.local.ports import free_port
from tests.support.builders import error
from tests.support.cli import Result, detect
from tests.support.docker.cluster import image_name, require_image
from tests.support.docker.compose import Project, environment_file, running_project
from tests.support.docker.image import NAME as BUILT_IMAGE

LINES = [
    error('source=server.go:224 msg="ollama exited" err="exit status 1"', at="2026-11-24T09:12:00.500Z"),
    error('source=sched.go:1 msg="error loading model" error="x@example.com"', at="2026-11-24T09:49:59.999Z"),
]
CA = "/usr/share/opensearch/config/certificates/ca.pem"


@dataclass(frozen=True)
class Stack:
    """OpenSearch as docker-compose.yml starts it."""

    project: Project
    url: str
    ca_certs: Path
    password: str

    def detect(self, *arguments: str) -> Result:
        return self.detect_as_admin(*arguments, "--ca-certs", str(self.ca_certs))

    def detect_as_admin(self, *arguments: str) -> Result:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DETECT_PASSWORD", self.password)
            return detect(*arguments, "--url", self.url, "--username", "admin")

    def status_for(self, username: str, password: str) -> int:
        """The HTTP status that a user gets, who trusts the CA."""
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, self.url, username, password, is_authenticated=True)
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(self.ca_certs))),
            urllib.request.HTTPBasicAuthHandler(passwords),
        )
        try:
            with opener.open(self.url, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code
        except ValueError:  # urllib gives up after being asked for a password again and again
            return 401


@pytest.fixture(scope="module")
def stack(client: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    image = image_name()
    require_image(client, image)
    folder = tmp_path_factory.mktemp("compose")
    port = free_port()
    changes = {"OPENSEARCH_IMAGE": image, "OPENSEARCH_PORT": str(port), "SERVER_MEMORY": "1500m", "SERVER_HEAP": "512m"}
    if image == BUILT_IMAGE:  # it has openssl, and where it is used no other image can be pulled
        changes["CERTIFICATES_IMAGE"] = image
    environment = environment_file(folder, changes)
    with running_project(environment, "opensearch") as project:
        project.run("cp", f"opensearch:{CA}", str(folder / "ca.pem"))
        values = dict(line.split("=", 1) for line in environment.read_text().splitlines())
        yield Stack(project, f"https://127.0.0.1:{port}", folder / "ca.pem", values["OPENSEARCH_PASSWORD"])


def test_main_job_over_tls_and_data_that_survive_a_new_container(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("\n".join(LINES) + "\n")
    span = ("--from", "2026-11-24", "--to", "2026-11-25")
    for command in (["install"], ["ingest", str(log), "--host", "gpu-1"], ["run", *span, "--write"], ["validate", *span]):
        answer = stack.detect(*command)
        assert answer.code == 0, answer
    before = stack.detect("run", *span, "--format", "json").json
    assert [finding["severity"] for finding in before["findings"]] == ["critical"]
    assert before["events"] == {"read": 2, "selected": 3}  # one of them by both rules
    stack.project.run("down")
    stack.project.run("up", "--wait", "opensearch")
    assert stack.detect("run", *span, "--format", "json").json == before
    assert stack.detect("diff").code == 0


@pytest.mark.parametrize(
    "username", ["admin", "kibanaserver", "readall", "logstash", "anomalyadmin", "kibanaro", "snapshotrestore"]
)
def test_passwords_that_everyone_knows_are_refused(stack: Stack, username: str) -> None:
    assert stack.status_for(username, username) == 401


def test_the_password_of_the_environment_file_is_taken(stack: Stack) -> None:
    assert stack.status_for("admin", stack.password) == 200


def test_who_does_not_trust_the_ca_is_refused_and_told_so(stack: Stack) -> None:
    answer = stack.detect_as_admin("status")
    assert answer.code == 3
    assert "certificate" in answer.err.lower()
    assert stack.password not in answer.err


def test_no_secret_stands_in_a_command_line(client: DockerClient, stack: Stack) -> None:
    (container,) = client.containers.list(filters={"label": f"com.docker.compose.project={stack.project.name}"})
    assert stack.password not in str(container.top())
    assert stack.password not in container.logs().decode(errors="replace")
