"""Who we are and whom we trust, on nodes with TLS that turn strangers away; and that no secret is seen anywhere."""

from __future__ import annotations

import base64
import json
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.install.role_bodies import READER, roles
from integration.install.roles import role_objects
from integration.install.shared_objects import shared_objects
from integration.names import PIPELINE, Namespace
from integration.sandbox.local import Node
from tests.cluster.test_roles_on_nodes import make_user
from tests.support.cli import detect
from tests.support.installing import install_objects
from tests.support.secured import CLIENT_PEM, SecureNode, secure_node
from tests.support.servers import Server

LINE = 'time=2026-11-24T09:00:00Z level=ERROR source=server.go:1 msg="llama runner" err="exit status 2"\n'
SPAN = ("--from", "2026-11-24", "--to", "2026-11-25")


@pytest.fixture(scope="module")
def admin(secured: SecureNode) -> Iterator[Engine]:
    with connect(
        Connection(secured.node.url, username=secured.username, password=secured.password, ca_certs=secured.ca_certs)
    ) as engine:
        rules = load_rules()
        install_objects(engine, [*shared_objects(rules, engine.name), *role_objects(engine.name, rules)])
        yield engine


@dataclass(frozen=True)
class User:
    """An administrator whose password is like no other text."""

    node: Node
    username: str
    password: str


@pytest.fixture
def user(secured: SecureNode, admin: Engine, monkeypatch: pytest.MonkeyPatch) -> User:
    """Known from the environment, as in production."""
    role = "all_access" if admin.name == "opensearch" else "superuser"
    made = User(secured.node, role, make_user(admin, role))
    monkeypatch.setenv("DETECT_URL", made.node.url)
    monkeypatch.setenv("DETECT_CA_CERTS", secured.ca_certs)
    monkeypatch.setenv("DETECT_USERNAME", made.username)
    monkeypatch.setenv("DETECT_PASSWORD", made.password)
    return made


def test_a_user_a_password_and_a_ca_file(admin: Engine, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert detect("diff").code == 0
    (tmp_path / "password").write_text(f"{user.password}\n")
    (tmp_path / "password").chmod(0o600)
    monkeypatch.delenv("DETECT_PASSWORD")
    answer = detect("diff", "--password-file", str(tmp_path / "password"))
    assert (answer.code, answer.err) == (0, "")


def test_an_api_key_with_a_role(admin: Engine, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DETECT_USERNAME")
    monkeypatch.delenv("DETECT_PASSWORD")
    if admin.name == "opensearch":  # has none, and says that it takes no such credentials
        monkeypatch.setenv("DETECT_API_KEY", secret := "VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw")
        answer = detect("--debug", "diff")
        assert (answer.code, "does not accept these credentials" in answer.err) == (3, True)
        assert secret not in answer.err
        return
    body = {"name": "reader", "role_descriptors": {READER: roles("elasticsearch")[READER]}}
    made = admin.request("POST", "/_security/api_key", body)
    monkeypatch.setenv("DETECT_API_KEY_FILE", str(tmp_path / "key"))
    for key in (made["encoded"], f"{made['id']}:{made['api_key']}"):
        (tmp_path / "key").write_text(key)
        answers = [detect("diff"), detect("run", *SPAN, "--write"), detect("--debug", "install", "--force")]
        assert answers[0].code == 0
        assert all(made["api_key"] not in answer.out + answer.err and key not in answer.err for answer in answers)
    admin.request("DELETE", "/_security/api_key", {"ids": [made["id"]]})
    assert "does not accept these credentials" in detect("diff").err


@pytest.mark.parametrize("arguments", [("diff",), ("--debug", "diff"), ("--debug", "ingest", __file__), ("install", "--dry-run")])
def test_a_wrong_password_is_not_shown(user: User, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = f"wrong-{secrets.token_urlsafe()}"
    monkeypatch.setenv("DETECT_PASSWORD", wrong)
    answer = detect(*arguments)
    assert answer.code == 3
    assert "does not accept these credentials" in answer.err
    assert not shows(answer.out + answer.err, User(user.node, user.username, wrong))


def test_another_ca(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("DETECT_CA_CERTS", str(tmp_path / "other.pem"))
    answer = detect("--debug", "diff")
    assert answer.code == 3
    assert answer.err.splitlines()[-1].startswith(f"detect: The certificate of {user.node.url} is not trusted (")
    assert not shows(answer.err, user)


def test_another_host_name(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return honest("127.0.0.1" if host == "cluster.test" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("DETECT_URL", f"https://cluster.test:{user.node.port}")
    answer = detect("diff")
    assert answer.code == 3
    assert "cluster.test" in answer.err
    assert "is for another host name" in answer.err


def test_lines_are_taken_out_again(admin: Engine, user: User, tmp_path: Path) -> None:
    logs = [tmp_path / name for name in ("a.log", "b.log")]
    options = ("--namespace", "undone", "--format", "json")
    for log in logs:
        log.write_text(LINE)
    assert detect("ingest", *map(str, logs), "--host", "gpu-1", *options).json["created"] == 2
    for _ in range(2):
        assert detect("ingest", "--undo", "--yes", str(logs[0]), "--host", "gpu-2", *options).json == {"deleted": 0}
    assert detect("ingest", "--undo", "--yes", str(logs[0]), *options).json == {"deleted": 1}
    assert admin.count(Namespace("undone").events, {"match_all": {}}) == 1


def test_secrets_are_nowhere_to_be_seen(admin: Engine, user: User, tmp_path: Path) -> None:
    """Neither in what each verb prints, nor in what it stores, nor in the node's log."""
    log = tmp_path / "server.log"
    log.write_text(LINE)
    told = ""
    for arguments in (
        ("install", "--dry-run", "--format", "json"),
        ("install",),
        ("diff", "--format", "json"),
        ("status", "--format", "json"),
        ("ingest", str(log)),
        ("run", *SPAN, "--write", "--format", "json"),
        ("validate", *SPAN),
    ):
        answer = detect("--debug", *arguments, "--namespace", "secrets")
        assert answer.code == 0, answer
        told += answer.out + answer.err
    stored = json.dumps(
        [
            admin.get_pipeline(PIPELINE),
            admin.request("GET", "/_index_template/*"),
            [admin.request("POST", f"/{index}/_search", {"size": 100}) for index in ("logs-*", "detect-*")],
            admin.request("GET", "/_cluster/settings"),
        ]
    )
    for text in (told, stored, user.node.layout.log.read_text(errors="replace")):
        assert not shows(text, user)


@pytest.mark.enough_on("opensearch")  # what each client sends is seen by a stand-in, too
def test_a_client_certificate(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A node of its own, since the shared one asks for none."""
    folder = tmp_path_factory.mktemp("client")
    with secure_node(server.engine, server.version, folder, client_certificates=True) as node:
        options = ("--url", node.node.url, "--ca-certs", node.ca_certs, "--username", node.username)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DETECT_PASSWORD", node.password)
            assert detect("install", *options, "--client-cert", str(folder / CLIENT_PEM)).code == 0
            assert detect("diff", *options, "--client-cert", str(folder / CLIENT_PEM)).code == 0
            answer = detect("diff", *options)
        assert (answer.code, "client certificate needs --client-cert" in answer.err) == (3, True)


def shows(text: str, user: User) -> bool:
    """Whether a password can be read off a text, plain or in the header that carries it."""
    header = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
    return header in text or user.password in text
