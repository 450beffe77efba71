"""The floors of the package: a room imports from rooms below it, never from above, and nothing stands in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "integration"
GROUND = {"errors", "times", "names", "folders"}
FLOORS = {
    "cli": 8,
    "commands": 7,
    "scheduler": 6,
    "targets": 6,
    "install": 5,
    "evaluation": 5,
    "render": 4,
    "findings": 3,
    "log": 3,
    "detection": 2,
    "engines": 2,
    "sandbox": 2,
} | dict.fromkeys(GROUND, 1)


def module(path: Path) -> str:
    """The dotted name of a file below the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports, wherever in it: for types, or within a function, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [each.name for each in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            names = [f"{node.module}.{name}" for name in names]
        for name in names:
            inside = name.removeprefix("integration.")
            if inside != name:
                yield inside if inside in FILES else inside.rpartition(".")[0]


GRAPH = {name: set(imports(path)) - {name} for name, path in FILES.items()}


def room(name: str) -> str:
    return name.partition(".")[0]


def test_the_rooms_and_the_ground_files_stand_at_the_top_and_nothing_else() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert folders == FLOORS.keys() - GROUND
    assert files == {f"{name}.py" for name in GROUND} | {"__init__.py", "__main__.py", "py.typed"}


def test_a_room_imports_from_its_own_floor_or_lower() -> None:
    upward = {
        (name, imported)
        for name, used in GRAPH.items()
        for imported in used
        if room(name) in FLOORS and room(imported) in FLOORS and FLOORS[room(imported)] > FLOORS[room(name)]
    }
    assert upward == set(), "imports from a higher floor"


def test_rooms_of_one_floor_import_each_other_in_one_direction() -> None:
    rooms: dict[str, set[str]] = {name: set() for name in FLOORS}
    for name, used in GRAPH.items():
        for imported in used:
            sideways = {room(name), room(imported)} <= FLOORS.keys() and FLOORS[room(name)] == FLOORS[room(imported)]
            if sideways and room(name) != room(imported):
                rooms[room(name)].add(room(imported))
    assert circle(rooms) == []


def test_no_file_stands_in_a_circle_with_another() -> None:
    assert circle(GRAPH) == []


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The names along a circle of imports, empty when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
