from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.errors import InputError, NodeError
from integration.sandbox.local import NodeRecord, Outcome, named, servers
from integration.sandbox.local.ports import free_port
from integration.sandbox.local.process import start_of
from tests.unit.sandbox.conftest import FakeServer

Up = Callable[..., Outcome]


@pytest.fixture
def up(fake: dict[str, FakeServer]) -> Iterator[Up]:
    def start(engine: str = "opensearch", version: str | None = None, **options: object) -> Outcome:
        arguments = {"name": None, "port": None, "report": lambda _: None} | options
        return named.up(engine, version, **arguments)  # type: ignore[arg-type]

    yield start
    for record in named.status(None):
        named.down(record.name, delete_data=True, report=lambda _: None)


def down(name: str = "detect-opensearch", *, delete_data: bool = False) -> Outcome:
    return named.down(name, delete_data=delete_data, report=lambda _: None)


def only() -> NodeRecord:
    (record,) = named.status(None)
    return record


def test_a_node_is_started_once_and_stopped_once(up: Up) -> None:
    first = up()
    assert first.changed
    assert first.record.url == f"http://127.0.0.1:{named.USUAL_PORT}"
    again = up()
    assert (again.changed, again.record) == (False, first.record)
    assert only().running
    stopped = down()
    assert stopped.changed
    assert not only().running
    assert not down().changed


def test_data_stays_unless_it_is_to_be_deleted(up: Up) -> None:
    first = up().record
    kept = first.layout.data / "kept"
    kept.touch()
    down()
    assert up().record.layout == first.layout
    assert kept.exists()
    assert down(delete_data=True).changed
    assert not kept.exists()
    assert not Path(first.folder).exists()
    assert named.status(None) == []
    assert not Path(f"{first.folder}.lock").exists()


def test_a_mistyped_name_leaves_nothing(up: Up) -> None:
    folder = Path(up().record.folder).parent
    before = sorted(folder.iterdir())
    with pytest.raises(InputError, match="No node with the name other"):
        down("other")
    assert sorted(folder.iterdir()) == before


def test_a_node_comes_back_on_its_port(up: Up) -> None:
    port = free_port()
    assert up(port=port).record.port == port
    down()
    assert up().record.port == port


def test_a_second_node_gets_another_port(up: Up) -> None:
    assert up(name="a").record.port != up(name="b").record.port
    assert [record.name for record in named.status(None)] == ["a", "b"]
    assert [record.name for record in named.status("b")] == ["b"]
    assert named.status("c") == []


def test_a_taken_port_is_refused(up: Up) -> None:
    port = up(name="a").record.port
    with pytest.raises(InputError, match=f"Port {port} on 127.0.0.1 is taken"):
        up(name="b", port=port)


def test_a_crashed_node_is_stopped_and_can_be_started_again(up: Up) -> None:
    pid = up().record.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert not only().running
    assert not down().changed
    assert up().changed


def test_a_node_that_does_not_come_up_is_remembered_as_stopped(up: Up, fake: dict[str, FakeServer]) -> None:
    fake["opensearch"] = FakeServer(script="raise SystemExit('bad setting')")
    with pytest.raises(NodeError, match="bad setting"):
        up()
    assert not only().running


def test_a_name_is_not_shared_by_two_kinds_of_server(up: Up) -> None:
    up(name="n")
    with pytest.raises(InputError, match=r"n is opensearch 3\.4\.0\. Choose another --name, or remove it"):
        up("elasticsearch", name="n")
    with pytest.raises(InputError, match=r"n is opensearch 3\.4\.0"):
        up(version="3.5.0", name="n")


def test_a_stopped_node_keeps_its_version(up: Up) -> None:
    up("elasticsearch", "8.19.13", name="n")
    down("n")
    assert up("elasticsearch", name="n").record.version == "8.19.13"


def test_what_was_never_started_cannot_be_stopped(up: Up) -> None:
    with pytest.raises(InputError, match="No node with the name n was started here"):
        down("n")


def test_a_temporary_node_leaves_nothing(fake: dict[str, FakeServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with servers.running_node("opensearch") as node:
        assert node.running
        assert tmp_path in node.layout.folder.parents
    assert not node.running
    assert not node.layout.folder.exists()


def test_a_temporary_node_ends_with_a_failing_block(fake: dict[str, FakeServer]) -> None:
    with pytest.raises(KeyboardInterrupt), servers.running_node("elasticsearch") as node:
        raise KeyboardInterrupt
    assert not node.running
    assert not node.layout.folder.exists()


@pytest.mark.parametrize("end", ["interrupt", "exit"])
def test_a_temporary_node_does_not_outlive_its_interpreter(tmp_path: Path, end: str) -> None:
    script = (
        "import sys\n"
        "from integration.sandbox.local import servers\n"
        "from integration.sandbox.local.account import Account\n"
        "from tests.unit.sandbox.conftest import FakeServer\n"
        "servers.distribution = lambda *_: FakeServer()\n"
        "servers.find_java = lambda *_: None\n"
        "Account.for_node = classmethod(lambda cls: cls())\n"
        "block = servers.running_node()\n"
        "node = block.__enter__()\n"
        "print(node.process.pid, node.layout.folder, flush=True)\n"
        "sys.stdin.read()\n"
        "sys.exit(3)\n"
    )
    environment = {**os.environ, "DETECT_CACHE_DIR": str(tmp_path / "cache")}
    arguments = [sys.executable, "-c", script]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background would have the child ignore it
    try:
        child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    finally:
        signal.signal(signal.SIGINT, before)
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        pid, folder = child.stdout.readline().split()
        assert start_of(int(pid)) is not None
        assert Path(folder).exists()
        if end == "interrupt":
            child.send_signal(signal.SIGINT)
        child.stdin.close()
        code = child.wait(60)
    assert (code == 3) is (end == "exit")
    assert start_of(int(pid)) is None
    assert not Path(folder).exists()
