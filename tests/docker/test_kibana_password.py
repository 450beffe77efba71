"""compose/set-kibana-password.sh: what it sends, to whom, and that no command line shows a password."""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

SCRIPT = Path(__file__).parent.parent.parent / "compose" / "set-kibana-password.sh"
HARD = "a\"b\\c $d 'e' %f #g"


@dataclass
class Server:
    """What a stand-in for Elasticsearch, named so by its certificate, was asked."""

    port: int = 0
    status: int = 200
    asked: list[tuple[str, str | None, Any]] = field(default_factory=list)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    kept = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.asked.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(kept.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: object) -> None:
            """Keep quiet."""

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elasticsearch").configure_cert(context)
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        kept.port = listening.server_port
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield kept
        listening.shutdown()
        thread.join()


def run(folder: Path, port: int, **secrets: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a `curl` that goes to the stand-in, and keeps its command line in a file."""
    tools = folder / "bin"
    tools.mkdir()
    curl = tools / "curl"
    to = f"elasticsearch:9200:127.0.0.1:{port}"
    curl.write_text(
        f'#!/bin/bash\nprintf "%s\\n" "$@" >"{folder}/arguments"\n'
        f'exec /usr/bin/env PATH="${{PATH#*:}}" curl "${{@/#\\/certificates\\//{folder}/}}" --connect-to {to}\n'
    )
    curl.chmod(0o755)
    environment = {"PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin", **secrets}
    return subprocess.run(["bash", str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_password_arrives_whatever_is_in_it(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, server.port, ELASTIC_PASSWORD=HARD + "1", KIBANA_PASSWORD=HARD + "2")
    assert done.returncode == 0, done.stderr
    ((path, authorization, body),) = server.asked
    assert path == "/_security/user/kibana_system/_password"
    assert authorization == f"Basic {base64.b64encode(f'elastic:{HARD}1'.encode()).decode()}"
    assert body == {"password": HARD + "2"}
    assert HARD not in (tmp_path / "arguments").read_text()


def test_a_refusal_is_a_failure(server: Server, tmp_path: Path) -> None:
    server.status = 401
    assert run(tmp_path, server.port, ELASTIC_PASSWORD="a", KIBANA_PASSWORD="b").returncode != 0


@pytest.mark.parametrize(
    ("missing", "told"), [("KIBANA_PASSWORD", "KIBANA_PASSWORD"), ("ELASTIC_PASSWORD", "ELASTICSEARCH_PASSWORD")]
)
def test_an_empty_password_is_told(missing: str, told: str, tmp_path: Path) -> None:
    secrets = {"KIBANA_PASSWORD": "a", "ELASTIC_PASSWORD": "b"} | {missing: ""}
    done = run(tmp_path, 1, **secrets)
    assert done.returncode != 0
    assert f"set {told} in .env" in done.stderr
