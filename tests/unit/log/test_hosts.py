from __future__ import annotations

import socket

import pytest

from integration.errors import InputError
from integration.log.hosts import Hosts


def named(*paths: str, host_from: str | None = None) -> list[str]:
    hosts = Hosts(paths, host_from=host_from)
    machines = [hosts.of(path, None) for path in paths]
    return [machine.name if machine.is_named else "" for machine in machines]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["server.log"], [""]),
        (["server.log", "server-1.log", "server.log.1", "app.log", "ollama.log.2.gz"], [""] * 5),
        (["logs/gpu-1/server.log", "logs/gpu-2/server.log"], ["gpu-1", "gpu-2"]),
        (["/a/gpu-1/server.log", "/a/gpu-1/server-1.log", "/a/gpu-2/app.log"], ["gpu-1", "gpu-1", "gpu-2"]),
        (["gpu-1/logs/server.log", "gpu-2/logs/server.log"], ["gpu-1", "gpu-2"]),
        (["logs.zip/gpu-1/server.log", "logs.zip/gpu-2/server.log.gz"], ["gpu-1", "gpu-2"]),
        (["logs/gpu-1/server.log"], [""]),
        (["logs/gpu-1/2026-11-23/server.log", "logs/gpu-2/2026-11-24/server.log"], ["gpu-1", "gpu-2"]),
        (["2026/11/gpu-1/server.log", "2026/12/gpu-2/server.log"], ["gpu-1", "gpu-2"]),
        (["gpu-1/old/server.log", "gpu-2/new/server.log"], ["", ""]),
        (["gpu-1-server.log"], ["gpu-1"]),
        (["gpu-1-server.log", "gpu-2-server-1.log", "gpu_3.server.log.1", "server.log"], ["gpu-1", "gpu-2", "gpu_3", ""]),
        (["10.0.0.5-server.log", "gpu.example.test-ollama-server.log"], ["10.0.0.5", "gpu.example.test"]),
        (["ollama-server.log", "2026-11-24-server.log", "20261124.app.log"], [""] * 3),
        (["2026-11-23/server.log", "2026-11-24/server.log"], [""] * 2),
        (["~/.ollama/logs/server.log", "/var/log/ollama/server.log"], [""] * 2),
        (["a/.ollama/server.log", "a/logs/server.log"], [""] * 2),
        (["-"], [""]),
        # Another file beside them takes no machine away.
        (["logs/gpu-1/server.log", "logs/gpu-2/server.log", "server.log", "-"], ["gpu-1", "gpu-2", "", ""]),
        (["logs/gpu-1/server.log", "logs/gpu-2/server.log", "gpu-3-server.log"], ["gpu-1", "gpu-2", "gpu-3"]),
        (["logs/gpu-1/server.log", "logs/gpu-2/server.log", "/var/log/ollama/server.log"], ["gpu-1", "gpu-2", ""]),
        (["logs/gpu-1/server.log", "logs/gpu-2/server.log", "logs/old/app.log", "a/b/app.log"], ["gpu-1", "gpu-2", "old", ""]),
        (["logs/gpu-1/server.log", "logs/gpu-2/server.log", "logs/logs/server.log"], ["gpu-1", "gpu-2", ""]),
        (
            ["logs/gpu-1/app.log", "logs/gpu-2/app.log", "logs/gpu-2/old/app.log", "logs/gpu-3/a/b/app.log"],
            ["gpu-1", *["gpu-2"] * 2, "gpu-3"],
        ),
        (["a/gpu-1/app.log", "a/gpu-2/app.log", "a/gpu-1/x/app.log", "a/gpu-1/y/app.log"], ["gpu-1", "gpu-2", "gpu-1", "gpu-1"]),
        (["gpu-1/server.log", "gpu-2/server.log", "/gpu-3/server.log"], ["gpu-1", "gpu-2", ""]),
        # In which folder is the host's name?
        (["gpu-1/old/server.log", "gpu-1/new/server.log", "gpu-2/old/server.log"], [""] * 3),
        (["a/gpu-1/server.log", "a/gpu-2/server.log", "b/gpu-1/server.log", "b/gpu-2/server.log"], [""] * 4),
    ],
)
def test_hosts_that_paths_name(paths: list[str], expected: list[str]) -> None:
    assert named(*paths) == expected
    assert named(*reversed(paths)) == expected[::-1]


def test_the_rule_is_told() -> None:
    assert Hosts(["server.log"]).rule == ""
    assert Hosts(["gpu-1-server.log"]).rule == "the names of the files (HOST-server.log)"
    assert Hosts(["logs/gpu-1/server.log", "logs/gpu-2/server.log", "server.log"]).rule == "the folders of the files"
    assert (
        Hosts(["logs/gpu-1/server.log", "logs/gpu-2/server.log", "gpu-3-server.log"]).rule
        == "the names of the files (HOST-server.log) and the folders of the files"
    )
    folders = ["/logs/gpu-1/server.log", "/logs/gpu-2/server.log"]
    assert Hosts(folders).rule == "the folders of the files (--host-from path:2)"
    assert named(*folders, host_from="path:2") == named(*folders) == ["gpu-1", "gpu-2"]


def test_a_carrier_goes_before_a_path_and_the_user_before_both() -> None:
    paths = ["logs/gpu-1/server.log", "logs/gpu-2/server.log"]
    assert Hosts(paths).of(paths[0], "node-7").name == "node-7"
    assert Hosts(paths, host_from="path:2").of(paths[0], "node-7").name == "gpu-1"
    assert Hosts(paths, given="one", host_from="path:2").of(paths[0], "node-7").name == "one"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("path:1", "logs"), ("path:-2", "gpu-1"), ("path:-1", "server.log"), (r"gpu-(\d)", "1"), (r"logs/([^/]+)/", "gpu-1")],
)
def test_the_user_s_rule(rule: str, expected: str) -> None:
    assert named("logs/gpu-1/server.log", host_from=rule) == [expected]
    assert named("/logs/gpu-1/server.log", host_from=rule) == [expected]


@pytest.mark.parametrize("rule", ["path:0", "path:9x", "gpu", "(a)(b)", "("])
def test_rules_that_cannot_be(rule: str) -> None:
    with pytest.raises(InputError, match=r"^--host-from"):
        Hosts(["server.log"], host_from=rule)


@pytest.mark.parametrize("rule", ["path:4", "path:-4", "cpu-(.)", "()x?server"])
def test_a_path_that_the_rule_does_not_fit(rule: str) -> None:
    with pytest.raises(InputError, match=r"logs/gpu-1/server\.log: --host-from finds no host in this path"):
        named("logs/gpu-1/server.log", host_from=rule)


@pytest.mark.parametrize("rule", ["path:1", "(-)"])
def test_standard_input_has_no_path(rule: str) -> None:
    with pytest.raises(InputError, match="-: --host-from finds no host in this path"):
        named("-", host_from=rule)


def test_where_nothing_names_it_it_is_this_machine() -> None:
    assert Hosts().of("server.log", None) == (socket.gethostname(), False)


@pytest.mark.parametrize(
    ("paths", "folders"),
    [
        (["logs/gpu-1/server.log"], {"logs/gpu-1/server.log": "gpu-1"}),
        (["logs/gpu-1/server.log", "logs/gpu-1/app.log"], {"logs/gpu-1/server.log": "gpu-1", "logs/gpu-1/app.log": "gpu-1"}),
        (["a/gpu-1/app.log", "a/gpu-2/app.log", "gpu-3/app.log", "app.log"], {"gpu-3/app.log": "gpu-3"}),
        (["/var/log/ollama/server.log"], {}),
        (["/root/.ollama/logs/server.log"], {}),
        (["server.log", "-"], {}),
        (["logs/gpu-1/notes.txt"], {}),
        (["logs/gpu-1/gpu-2-server.log"], {}),
        (["logs.zip/server.log"], {}),
    ],
)
def test_folders_that_may_name_a_machine(paths: list[str], folders: dict[str, str]) -> None:
    assert Hosts(paths).folders() == folders
    assert Hosts(paths, given="a").folders() == {}
    assert Hosts(paths, host_from="path:1").folders() == {}


def test_whether_every_log_is_in_such_a_folder() -> None:
    assert Hosts(["a/gpu-1/server.log", "a/gpu-1/notes.txt"]).all_in({"gpu-1"})
    assert not Hosts(["a/gpu-1/server.log", "server.log"]).all_in({"gpu-1"})
    assert not Hosts(["a/gpu-1/server.log", "a/gpu-1/gpu-7-server.log"]).all_in({"gpu-1"})  # whose machine its name tells
