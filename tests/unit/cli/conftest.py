"""Logs for the verbs that read files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import detect


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Sample logs of three machines over two days."""
    folder = tmp_path_factory.mktemp("logs")
    out = ("--out", str(folder), "--lines", "600", "--span", "2d", "--start", "2026-11-24T00:00:00Z")
    assert detect("sample", *out).code == 0
    return [str(path) for path in sorted(folder.glob("*/server.log"))]


@pytest.fixture
def logs(made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The logs, in a folder of its own for settings."""
    monkeypatch.chdir(tmp_path)
    return made
