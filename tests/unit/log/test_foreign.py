from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.errors import InputError
from integration.log import foreign
from integration.log.files import RawLine
from integration.log.foreign import only_ollamas, refuse_foreign
from integration.log.line import read

OLLAMAS = 'time=2026-11-24T09:00:00Z level=INFO msg="x"'
OTHER = "Nov 24 09:00:00 gpu-1 sshd[1]: Accepted publickey"


def raw(*texts: str) -> Iterator[RawLine]:
    for number, text in enumerate(texts, 1):
        yield RawLine(text, "-", number, 0, 0, read(text))


def test_files_without_a_line_of_ollama_are_refused_by_name(tmp_path: Path) -> None:
    ours, others, empty, packed = (tmp_path / name for name in ("server.log", "auth.log", "empty.log", "auth.log.gz"))
    ours.write_text(f"{OTHER}\n" * 70_000 + OLLAMAS)
    others.write_text(f"{OTHER}\r\n\r\n" * 764)
    empty.write_text("\n")
    packed.write_bytes(gzip.compress(OTHER.encode()))
    refuse_foreign([str(ours), str(empty), "-"])
    with pytest.raises(InputError) as fault:
        refuse_foreign(map(str, (ours, others, packed)))
    assert str(fault.value).splitlines() == [
        f"{others}: 0 of 764 lines look like Ollama's",
        f"{packed}: 0 of 1 lines look like Ollama's",
        "Leave it out, or store its lines all the same with --force.",
    ]


def test_a_pipe_is_not_looked_at(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refuse_foreign([str(tmp_path / "pipe")])


def test_lines_of_a_pipe_are_held_back_until_one_looks_like_ollama_s() -> None:
    texts = [OTHER, OTHER, OLLAMAS, OTHER]
    assert [line.text for line in only_ollamas(raw(*texts))] == texts
    assert list(only_ollamas(raw())) == []
    with pytest.raises(InputError, match=r"^-: 0 of 2 lines look like Ollama's"):
        list(only_ollamas(raw(OTHER, OTHER)))


@pytest.mark.parametrize(("bound", "value"), [("_MOST_HELD", 5), ("_MOST_CHARACTERS", 5 * len(OTHER) - 1)])
def test_no_more_are_held_than_memory_allows(monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    monkeypatch.setattr(foreign, bound, value)
    with pytest.raises(InputError, match=r"^-: 0 of 5 lines look like Ollama's"):
        next(only_ollamas(raw(*[OTHER] * 5, OLLAMAS)))
