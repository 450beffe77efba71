"""Most lines of a log are never parsed: what is found must be what is found where every line is."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from integration.commands.scan import needles, scan, unselected_levels
from integration.detection.loading import load_rules
from integration.evaluation.reference import Reference
from integration.folders import asset_folder
from integration.log.event import event_of
from integration.log.files import read_lines
from integration.log.hosts import Hosts
from tests.support.builders import merged, rule_with
from tests.support.lines import lines
from tests.support.shipments import attack_lines

RULES = load_rules()
TIME = "2026-11-24T09:00:00.000Z"
(LABELS,) = yaml.safe_load((asset_folder("rules") / "tests" / RULES[0].id / "labels.yml").read_text(encoding="utf-8"))
_TEXTS = st.sampled_from([each["line"] for each in LABELS["labels"]] + [each["line"] for each in attack_lines()]) | lines


def _as_debug(text: str) -> str:
    return text.replace("level=ERROR", "level=DEBUG").replace("level=WARN", "level=TRACE")


def _behind_debug(text: str) -> str:
    return f"time={TIME} level=DEBUG source=routes.go:1 msg=prompt x={text}"


def _forged(text: str) -> str:
    return f"time={TIME},level=ERROR level=DEBUG msg=model {text}"


def _in_json(text: str) -> str:
    return json.dumps({"log": f"{text}\n", "stream": "stderr", "time": TIME})


_WRITTEN = st.builds(
    lambda text, wrap: wrap(text), _TEXTS, st.sampled_from([str, str, _as_debug, _behind_debug, _forged, _in_json])
)


@given(st.lists(_WRITTEN, max_size=30))
@example([_forged("exited")])
@example(['[GIN] 2026/11/24 - 09:00:01 | 404 | 1ms | 10.0.0.1 | GET "/api/%2E%2e/x"'])
def test_what_is_passed_over_is_what_no_rule_selects(tmp_path_factory: pytest.TempPathFactory, texts: Sequence[str]) -> None:
    path = tmp_path_factory.mktemp("log") / "server.log"
    path.write_bytes("\n".join(text.replace("\0", "") for text in texts).encode(errors="replace"))
    found = scan(RULES, [str(path)], hosts=Hosts(given="gpu-1"))
    every = [Reference(rule) for rule in RULES]
    for line in read_lines(str(path)):
        for reference in every:
            reference.add(event_of(line.line, host="gpu-1", shipped_at=line.shipped_at))
    assert [reference.selected for reference in found.references] == [reference.selected for reference in every]
    assert list(found.findings()) == merged(*(reference.findings() for reference in every))


def test_a_rule_that_selects_debug_records_reads_them() -> None:
    assert unselected_levels(RULES) == ["DEBUG", "TRACE"]
    for selection in ({"kind": ["record"]}, {"level": ["debug"]}, {"not_level": ["TRACE"]}, {"contains": ["x"]}):
        assert unselected_levels([*RULES, rule_with(selection=[selection])]) != ["DEBUG", "TRACE"]


def test_few_needles_stand_for_all_rules() -> None:
    assert b"level=error" in (needles(RULES) or [])
