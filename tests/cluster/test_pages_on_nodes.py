"""The commands of README and docs, line by line in a shell, on a real node and a machine that has Ollama's logs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from integration.engines.base import Engine
from integration.names import Namespace
from integration.sandbox.sample import Plan, Scenario, write_files
from integration.times import to_millis
from tests.support.cli import detect

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMESPACE = Namespace("default")  # which the pages' requests to data streams name
ELSEWHERE = {
    "kibana.example": "test_dashboards_on_nodes.py",
    "dashboards.example": "test_dashboards_on_nodes.py",
    "--container": "tests/unit/log/test_places.py, with a stand-in of the Docker API",
    "_reindex": "tests/unit/project/test_shipping_pages.py",
    "docker run": "tests/docker",
    "notify --test": "tests/unit/cli/test_notify_verb.py, with receivers on this machine",
    "--splunk-export": "test_validate_on_nodes.py, with exports",
    "SPLUNK": "nothing: it needs a Splunk",
    "systemctl": "nothing: it needs a machine with systemd",
}
"""Commands that need more than a node and logs, by a part of each, and what tries them instead."""
_BLOCKS = re.compile(r"^```(?:console|sh|bash)?\n(.*?)^```$|((?:^ {4}[^\n]*\n)+)", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"(?:[a-z][^|]*\| )?(?:detect|curl) (?!.*[│┃])")


def shell_lines(page: Path) -> list[str]:
    """Return the lines of a page that a reader would type, without those that are tried elsewhere."""
    text = page.read_text(encoding="utf-8")
    lines = "\n".join(fenced or indented for fenced, indented in _BLOCKS.findall(text)).replace("\\\n", " ").splitlines()
    typed = [line.strip() for line in lines if _COMMAND.match(line.strip())]
    return [line for line in typed if not any(part in line for part in ELSEWHERE)]


WITH_COMMANDS = [page for page in PAGES if shell_lines(page)]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with Ollama's logs of the last hours, and other files that the pages name."""
    home = tmp_path_factory.mktemp("home")
    now = datetime.now(UTC)
    plan = Plan(hosts=2, lines=400, scenarios=(Scenario.ATTACK, Scenario.BENIGN), start=to_millis(now - timedelta(hours=6)))
    write_files(home / "logs", plan)
    for name in ("gpu-1", "gpu-2"):
        (home / "logs" / name.replace("-", "-0")).rename(home / "logs" / name)
    (home / ".ollama").mkdir()
    (home / ".ollama" / "logs").symlink_to(home / "logs" / "gpu-1")
    log = (home / "logs" / "gpu-1" / "server.log").read_text()
    (home / "server.log").write_text(log)
    with ZipFile(home / "logs.zip", "w") as packed:
        packed.writestr("wrong-name/server.log", log)
    (home / ".curlrc").write_text("fail\n")  # a refusal ends with a fault
    (home / "event.json").write_text(json.dumps({"action": "tags", "host": "gpu-1", "timestamp": now.isoformat()}))
    (home / "detect.toml").write_text('[[filter]]\naction = "exclude"\nhost = "gpu-9*"\nseverity_at_most = "low"\n')
    assert detect("rules", "new", "my_rule", "--rules", str(home / "my-rules")).code == 0
    stub = home / "bin"
    stub.mkdir()
    for name, form in (("journalctl", "journald-json"), ("docker", "bare")):
        (stub / name).write_text(f"#!/bin/sh\ncat {home}/{form}\n")
        (stub / name).chmod(0o755)
    lines = log.splitlines()
    (home / "bare").write_text(log)
    entries = [{"MESSAGE": line, "_HOSTNAME": "gpu-1", "__REALTIME_TIMESTAMP": f"{to_millis(now)}000"} for line in lines]
    (home / "journald-json").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return home


class Shell:
    """What runs a line of a page, with what is real in the place of names."""

    def __init__(self, machine: Path, engine: Engine) -> None:
        self._machine, self._engine = machine, engine
        self._environment = os.environ | {
            "HOME": str(machine),
            "PATH": f"{machine / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DETECT_URL": engine.url,
            "DETECT_ALERTING": "none",
        }

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            input="y\n",
            cwd=self._machine,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def real(self, line: str) -> str:
        today = datetime.now(UTC)
        names = {
            "/var/log/ollama.log": "server.log",
            "2026-11-24": f"{today - timedelta(days=1):%Y-%m-%d}",
            "2026-11-25": f"{today + timedelta(days=1):%Y-%m-%d}",
        }
        for name, value in names.items():
            line = line.replace(name, value)
        return re.sub(r"\bID\b", lambda _: self._id(line), line)

    def _id(self, line: str) -> str:
        if "--doc" in line:
            found: str = self._engine.search(NAMESPACE.events, {"size": 1})["hits"]["hits"][0]["_id"]
            return found
        source = "scan server*.log" if "server*.log" in line else "run --since 1d"
        identifier: str = json.loads(self.run(f"detect {source} --format json").stdout)["findings"][0]["id"]
        return identifier


@pytest.mark.enough_on("elasticsearch")  # that each verb works on both is what the other files try
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_works(page: Path, machine: Path, engine: Engine) -> None:
    shell = Shell(machine, engine)
    for line in map(shell.real, shell_lines(page)):
        ran = shell.run(line)
        assert ran.returncode == 0, f"{line}\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"
