from __future__ import annotations

from pathlib import Path

import pytest

from integration.errors import InputError
from integration.findings import told as module
from integration.findings.finding import Finding
from integration.findings.told import Told
from tests.support.builders import error, event, findings_of


def found(count: int, host: str = "gpu-1", hour: str = "09") -> list[Finding]:
    return findings_of([event(error("model", at=f"2026-11-24T{hour}:00:00.000Z"), host) for _ in range(count)])


def new(path: Path, findings: list[Finding]) -> list[str]:
    with Told.kept_in(path) as told:
        return [f"{each.host} {each.severity}" for each in told.new(findings)]


def test_a_finding_is_told_once_and_once_more_when_it_is_graver(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.json"
    assert new(path, found(1)) == ["gpu-1 medium"]
    assert new(path, found(2)) == []
    assert new(path, [*found(6), *found(1, "gpu-2")]) == ["gpu-1 critical", "gpu-2 medium"]
    assert new(path, [*found(1), *found(1, hour="11")]) == ["gpu-1 medium"]
    assert sorted(each.name for each in path.parent.iterdir() if each.suffix != ".lock") == ["state.json"]


def test_what_could_not_be_told_is_told_again(tmp_path: Path) -> None:
    path = tmp_path / "state.json"

    def told_in_vain() -> None:
        with Told.kept_in(path) as told:
            assert len(list(told.new(found(1)))) == 1
            raise InputError("no room")

    with pytest.raises(InputError, match="no room"):
        told_in_vain()
    assert new(path, found(1)) == ["gpu-1 medium"]


def test_the_newest_are_kept_of_very_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_FINDINGS", 1)
    path = tmp_path / "state.json"
    new(path, [*found(1, hour="11"), *found(1)])
    assert new(path, found(1, hour="11")) == []
    assert new(path, found(1)) == ["gpu-1 medium"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "findings": {"a": 1}}', "[" * 100_000])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(InputError, match="delete it"):
        new(path, [])
    assert path.read_text() == text


def test_a_folder_cannot_be_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be kept there .* another file by --state"):
        new(tmp_path, [])
