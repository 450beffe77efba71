"""Tests lie where the code lies that they are about, and a name says which."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.unit.project.test_import_graph import FLOORS, GROUND

TESTS = Path(__file__).parents[2]


def test_no_two_test_files_have_one_name() -> None:
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []


def test_unit_tests_lie_in_the_folder_of_their_room() -> None:
    unit = TESTS / "unit"
    folders = {path.name for path in unit.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == FLOORS.keys() - GROUND | {"project"}
    assert {path.stem for path in unit.glob("test_*.py")} <= {f"test_{name}" for name in GROUND}
