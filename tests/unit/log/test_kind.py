from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.log.event import parse
from integration.log.kind import kind_of
from tests.support.lines import KINDS, lines
from tests.support.shipments import attack_lines

RECORD = 'time=2026-11-24T09:00:00.123Z level=INFO source=server.go:1 msg="x"'
ACCESS = '[GIN] 2025/11/06 - 06:23:22 | 500 |  2.859719514s |      172.18.0.3 | POST     "/api/chat"'


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, kinds_lines in KINDS.items() for line in kinds_lines])
def test_kinds(kind: str, line: str) -> None:
    assert kind_of(line) == kind


@pytest.mark.parametrize("case", attack_lines(), ids=lambda case: case["line"][:40])
def test_lines_of_attacks(case: dict[str, str]) -> None:
    got = parse(case["line"], host=None, shipped_at=0)
    assert got.value("ollama.line") == case["kind"]
    assert got.document()["ollama"] == {"line": case["kind"]} | {
        name: value for name in ("source", "msg", "err", "level", "error_line") if (value := got.value(f"ollama.{name}"))
    }


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"{RECORD}\npanic: x\n\ngoroutine 1 [running]:\nmain.main()", "panic"),
        (f"{ACCESS}\r\ngoroutine 1 [running]:\npanic: x", "panic"),
        (f"{RECORD}\nmain.main()\n\t/go/main.go:1 +0x1d", "frame"),
        (f"{RECORD}\nllama_model_load: x\n{ACCESS}", "native"),
        (f"{RECORD}\n{ACCESS}", "record"),
        (f"{ACCESS}\n{RECORD}", "access"),
        (f"x\n{RECORD}", "other"),
        (f"{RECORD}\n x panic: y", "record"),
        ("\n\npanic: x", "panic"),
    ],
)
def test_an_event_of_several_lines_is_of_the_kind_that_says_most(line: str, kind: str) -> None:
    assert kind_of(line) == kind


def test_a_prefix_hides_no_kind() -> None:
    assert parse("Feb 26 10:05:31 gpu-9 ollama[7]: panic: x", host=None, shipped_at=0).value("ollama.line") == "panic"
    assert parse(json.dumps({"log": f"{ACCESS}\n"}), host=None, shipped_at=0).value("ollama.line") == "access"


@given(st.lists(lines | st.sampled_from([line for lines in KINDS.values() for line in lines]), min_size=2, max_size=4))
def test_the_kind_of_lines_that_were_joined_is_that_of_one_of_them(parts: list[str]) -> None:
    joined = "\n".join(parts)
    kinds = [kind_of(part) for part in re.split("[\n\r]", joined)]
    assert kind_of(joined) == next((kind for kind in ("panic", "frame", "native") if kind in kinds), kinds[0])
