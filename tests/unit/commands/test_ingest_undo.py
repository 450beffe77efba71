from __future__ import annotations

from pathlib import Path

import pytest

from integration.commands.ingest import lines_of_files, undo
from integration.engines.answers import Json
from integration.engines.base import Body, Params
from integration.errors import PartlyAppliedError
from tests.support.memory_engine import MemoryEngine


class Engine(MemoryEngine):
    """A cluster that deletes so many documents a request, and keeps `left` of them."""

    def __init__(self, *steps: int, left: int = 0) -> None:
        super().__init__()
        self._steps, self._left = list(steps), left

    def _send(self, method: str, path: str, body: Body, params: Params) -> object:
        assert (method, path, body, params["conflicts"]) == ("POST", "/logs-x/_delete_by_query", {"query": {}}, "proceed")
        return {"deleted": self._steps.pop(0)}

    def count(self, index: str, query: Json) -> int:
        assert (index, query, self._steps) == ("logs-x", {}, [])
        return self._left


def test_lines_are_deleted_step_by_step() -> None:
    told: list[int] = []
    assert undo(Engine(10_000, 10_000, 5, 0), "logs-x", {}, told.append) == 20_005
    assert told == [10_000, 10_000, 5, 0]


def test_what_cannot_be_deleted_is_told() -> None:
    with pytest.raises(PartlyAppliedError, match=r"7 lines were taken out of logs-x, but 3 are still there"):
        undo(Engine(7, 0, left=3), "logs-x", {}, lambda _: None)


def test_the_lines_of_a_file_and_of_the_files_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    paths = [
        {"terms": {"log.file.path": [str(path), "-"]}},
        {"prefix": {"log.file.path": f"{path}/"}},
        {"prefix": {"log.file.path": "-/"}},
    ]
    of_files = {"bool": {"should": paths, "minimum_should_match": 1}}
    assert lines_of_files([str(path), "-"]) == {"bool": {"filter": [of_files]}}
    assert lines_of_files([str(path), "-"], "gpu-1") == {"bool": {"filter": [of_files, {"term": {"host.name": "gpu-1"}}]}}
