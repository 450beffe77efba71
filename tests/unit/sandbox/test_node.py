from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import yaml

from integration.errors import InputError, NodeError
from integration.sandbox.local import node as node_module
from integration.sandbox.local.account import Account
from integration.sandbox.local.node import Node, NodeOptions
from integration.sandbox.local.process import Process
from tests.unit.sandbox.conftest import FakeServer

MakeNode = Callable[..., Node]


def test_a_node_starts_stops_and_starts_again_where_it_was(make_node: MakeNode) -> None:
    node = make_node()
    told: list[Process] = []
    node.start(on_launch=told.append)
    try:
        assert node.running
        first, url = node.process, node.url
        assert told == [first]
        node.start()
        assert node.process == first
        node.kill()
        assert not node.running
        node.start()
        assert (node.running, node.url) == (True, url)
        assert node.process != first
        assert node.log_tail().count("listening") == 2
    finally:
        node.stop()
    assert not node.running


@pytest.mark.parametrize("status", [401, 403])
def test_a_node_that_turns_strangers_away_is_up(make_node: MakeNode, status: int) -> None:
    node = make_node(FakeServer(status=status))
    node.start()
    node.stop()


def test_one_that_ends_shows_the_end_of_its_log_without_stack_frames(make_node: MakeNode) -> None:
    script = "for n in range(50): print(f'line {n}\\n\\tat a.Frame', flush=True)\nraise SystemExit('unknown setting')"
    node = make_node(FakeServer(script=script))
    with pytest.raises(NodeError, match="ended while it started") as raised:
        node.start()
    lines = str(raised.value).splitlines()
    assert lines[1:] == [*(f"line {n}" for n in range(31, 50)), "unknown setting"]
    assert not node.running


def test_one_that_does_not_get_ready_is_killed(make_node: MakeNode) -> None:
    node = make_node(FakeServer(status=503))
    with pytest.raises(NodeError, match="was not ready after 1 s"):
        node.start(timeout=1)
    assert not node.running


def test_an_interrupt_leaves_no_process(make_node: MakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(node_module, "is_up", interrupted)
    node = make_node()
    with pytest.raises(KeyboardInterrupt):
        node.start()
    assert node.process is not None
    assert not node.running


def test_the_configuration_is_for_one_machine_and_the_caller_has_the_last_word(make_node: MakeNode) -> None:
    options = NodeOptions(
        heap="1g",
        java=("-Da=b",),
        settings={"action.destructive_requires_name": True, "cluster.name": "mine"},
        files={"users": "u:hash\n", "security/roles.yml": "{}\n"},
    )
    node = make_node(options=options)
    node.start()
    node.stop()
    config = node.layout.config
    written = yaml.safe_load((config / "opensearch.yml").read_text())
    assert written["network.host"] == "127.0.0.1"
    assert written["discovery.type"] == "single-node"
    assert written["cluster.routing.allocation.disk.threshold_enabled"] is False
    assert written["http.port"] == node.port != written["transport.port"]
    assert written["path.data"] == str(node.layout.data)
    assert written["action.destructive_requires_name"] is True
    assert written["cluster.name"] == "mine"
    assert (config / "jvm.options").read_text().startswith("-Xms1g\n-Xmx1g\n-Da=b\n")
    assert (config / "users").read_text() == "u:hash\n"
    assert (config / "users").stat().st_mode & 0o077 == 0
    assert (config / "security" / "roles.yml").exists()


def test_our_environment_stays_with_us(make_node: MakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECT_PASSWORD", "hunter2")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dx")
    node = make_node(FakeServer(script="import os; print(sorted(os.environ))"))
    with pytest.raises(NodeError) as raised:
        node.start()
    assert "'FAKE', 'HOME', 'LANG'" in str(raised.value)
    assert "DETECT_PASSWORD" not in str(raised.value)
    assert "JAVA_TOOL_OPTIONS" not in str(raised.value)


def test_a_folder_out_of_the_nodes_reach_is_refused(make_node: MakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Account, "can", lambda *_: False)
    with pytest.raises(InputError, match="cannot write to"):
        make_node().start()


def test_root_becomes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    nobody = pwd.getpwnam("nobody")
    account = Account.for_node()
    assert account.of_process == {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Account.for_node() == Account()
    assert Account().of_process == {}


def test_windows_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integration.sandbox.local.account.os.name", "nt")
    with pytest.raises(InputError, match="Use WSL or a container"):
        Account.for_node()
