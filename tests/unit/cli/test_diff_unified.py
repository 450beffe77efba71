from __future__ import annotations

from typing import Any

from integration.cli.diff import unified
from integration.install.comparison import differences
from integration.install.event_indices import EventIndices
from integration.install.plan import Planned, State
from integration.install.shared_objects import Pipeline
from integration.names import Dataset

SCRIPT = "def a = 1;\nif (a > 1) {\n  return;\n}\n"


def shown(desired: dict[str, Any], found: dict[str, Any]) -> list[str]:
    pipeline = Pipeline("p", desired)
    return list(unified(Planned(pipeline, found, State.DRIFTED, tuple(differences(desired, found)))))


def test_scripts_differ_line_by_line() -> None:
    desired = {"processors": [{"script": {"source": SCRIPT, "tag": "x"}}]}
    found = {"processors": [{"script": {"source": SCRIPT.replace("> 1", "> 2"), "tag": "x"}}]}
    assert shown(desired, found) == [
        "--- ingest pipeline p (on the cluster)",
        "+++ ingest pipeline p (desired)",
        "@@ -2,7 +2,7 @@",
        "   - script:",
        "       source: |",
        "         def a = 1;",
        "-        if (a > 2) {",
        "+        if (a > 1) {",
        "           return;",
        "         }",
        "       ",
    ]


def test_a_processor_put_in_between_is_added_alone() -> None:
    processors: list[dict[str, Any]] = [{"set": {"field": name, "value": 1}} for name in "abcdef"]
    lines = shown({"processors": processors}, {"processors": [*processors[:2], *processors[3:]]})
    changed = [line for line in lines[2:] if line.startswith(("-", "+"))]
    assert len(changed) == 3
    assert not [line for line in changed if line.startswith("-")]


def test_a_script_of_one_long_line_is_broken_to_be_read() -> None:
    steps = [f"ctx.field{n} = {n}; " for n in range(30)]
    lines = shown({"if": "".join(steps)}, {"if": "".join(steps).replace("= 17;", "= 71;")})
    assert [line for line in lines[2:] if line[0] in "+-"] == ["-  ctx.field17 = 71;", "+  ctx.field17 = 17;"]


def test_what_one_side_alone_has_and_what_is_the_same() -> None:
    body = {"a": True, "b": [1, 2], "c": ""}
    assert shown(body, body) == []
    assert [line for line in shown(body, {"a": True, "b": [1], "c": "", "d": None, "e": 5})[2:] if line[0] in "+-"] == [
        "-  - 2".replace("-  ", "+  "),
        "-e: 5",
    ]


def test_indices_differ_each_by_its_name() -> None:
    indices = EventIndices(Dataset("x"), {})
    named = {
        name: dict(indices.body, settings={"index.default_pipeline": pipeline}) for name, pipeline in (("x-1", "x"), ("x-2", None))
    }
    differing = tuple(differences(dict.fromkeys(named, indices.body), named))
    lines = list(unified(Planned(indices, named, State.DRIFTED, differing)))
    assert [line.strip() for line in lines[3:]] == ["+x-2:", "+  settings:", "+    index:", "+      default_pipeline: x"]
