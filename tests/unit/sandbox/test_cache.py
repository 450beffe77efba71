from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache, cache_folder

OTHER = Account(65534, 65534)


def test_the_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECT_CACHE_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder(Account()) == cache_folder(OTHER) == tmp_path / "own"
    monkeypatch.delenv("DETECT_CACHE_DIR")
    assert cache_folder(Account()) == tmp_path / "xdg" / "ollama-detect"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder(Account()) == tmp_path / ".cache" / "ollama-detect"


def test_a_node_of_another_user_does_not_depend_on_our_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DETECT_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/root/.cache")
    assert cache_folder(OTHER) == Path("/var/cache/ollama-detect")


def test_a_user_without_a_home_must_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DETECT_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    with pytest.raises(InputError, match="Set DETECT_CACHE_DIR"):
        cache_folder(Account())


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DETECT_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match="Set DETECT_CACHE_DIR"):
        Cache.open(Account())


def test_a_folder_that_the_node_cannot_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(Account, "can", lambda *_: False)
    with pytest.raises(InputError, match="that all users may read"):
        Cache.open(Account())


def test_an_assembly_is_made_once(cache: Cache) -> None:
    made = []

    def build(folder: Path) -> None:
        made.append(folder)
        (folder / "file").write_text("content")

    first = cache.assembled("server", build, print)
    assert cache.assembled("server", build, print) == first
    assert (first / "file").read_text() == "content"
    assert len(made) == 1


def test_a_failed_assembly_leaves_nothing(cache: Cache) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise InputError("no")

    with pytest.raises(InputError):
        cache.assembled("server", fail, print)
    assert [path.name for path in cache.folder.iterdir()] == ["server.lock"]


def test_what_a_killed_process_left_is_removed(cache: Cache) -> None:
    leftover = cache.folder / ".server-abc"
    leftover.mkdir()
    cache.assembled("server", lambda folder: (folder / "file").touch(), print)
    assert not leftover.exists()


def test_two_at_once_build_once(cache: Cache, said: list[str]) -> None:
    made = []

    def build(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.3)

    threads = [threading.Thread(target=cache.assembled, args=("server", build, said.append)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert said == ["Waiting for another process that works on server"]


def test_a_strict_umask_does_not_lock_the_node_out(cache: Cache) -> None:
    def build(folder: Path) -> None:
        (folder / "bin").mkdir()
        (folder / "bin" / "start").touch(0o700)
        (folder / "jar").touch()

    before = os.umask(0o077)
    try:
        made = cache.assembled("server", build, print)
    finally:
        os.umask(before)
    modes = {path.relative_to(made).as_posix(): path.stat().st_mode & 0o777 for path in [made, *made.rglob("*")]}
    assert modes == {".": 0o755, "bin": 0o755, "bin/start": 0o755, "jar": 0o644}
