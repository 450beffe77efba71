from __future__ import annotations

import os
from pathlib import Path

import pytest

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.process import Process, start_of
from integration.sandbox.local.state import NodeRecord, StateFolder

RECORD = NodeRecord("n", "opensearch", "3.4.0", 9200, "/f")


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    states = StateFolder(tmp_path)
    assert states.load("n") is None
    states.save(RECORD)
    running = RECORD.run_by(Process(12, 34.5))
    states.save(running)
    assert states.load("n") == running
    assert states.names() == ["n"]
    states.forget("n")
    states.forget("n")
    assert states.names() == []


def test_a_record_runs_only_while_its_very_process_lives() -> None:
    start = start_of(os.getpid())
    assert start is not None
    assert RECORD.run_by(Process(os.getpid(), start)).running
    assert not RECORD.run_by(Process(os.getpid(), start - 1)).running
    assert not RECORD.running
    assert not RECORD.run_by(Process(os.getpid(), start)).run_by(None).running


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "n"}'])
def test_a_broken_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "n.json").write_text(text)
    with pytest.raises(InputError, match=r"n\.json is not the record of a node"):
        StateFolder(tmp_path).load("n")


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a b", "-a", "a" * 64])
def test_a_name_is_a_plain_word(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name of a node"), StateFolder(tmp_path).lock(name, print):
        pass


def test_the_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("DETECT_STATE_DIR", raising=False)
    assert StateFolder.open(Account()).folder == tmp_path / "cache" / "nodes"
    monkeypatch.setenv("DETECT_STATE_DIR", str(tmp_path / "state"))
    assert StateFolder.open(Account()).folder == tmp_path / "state"
    (tmp_path / "file").touch()
    monkeypatch.setenv("DETECT_STATE_DIR", str(tmp_path / "file" / "state"))
    with pytest.raises(InputError, match="Set DETECT_STATE_DIR"):
        StateFolder.open(Account())
