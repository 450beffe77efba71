"""Most lines of a log are never parsed: what is found must be what is found where every line is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

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


def _as_json(text: str) -> str:
    return json.dumps({"time": TIME, "level": "ERROR", "msg": f"model {text}"})


def _as_json_with_a_tab(text: str) -> str:
    return "{\t" + _as_json(text)[1:]


def _as_bytes(text: str) -> str:
    return json.dumps({"MESSAGE": list(text.encode(errors="replace"))}, separators=(",", ":"))


def _as_bytes_before_systemd_240(text: str) -> str:
    numbers = ", ".join(map(str, text.encode(errors="replace")))
    return f'{{ "_HOSTNAME" : "gpu-1", "MESSAGE" : [ {numbers} ] }}'


_FORMS = (str, str, _as_debug, _behind_debug, _forged, _as_json, _as_json_with_a_tab)
_CARRIERS = (str, str, _in_json, _as_bytes, _as_bytes_before_systemd_240)
_WRITTEN = st.builds(
    lambda text, form, inner, outer: outer(inner(form(text))),
    _TEXTS,
    st.sampled_from(_FORMS),
    st.sampled_from(_CARRIERS),
    st.sampled_from(_CARRIERS),
)


@given(st.lists(_WRITTEN, max_size=30))
@example([_forged("exited")])
@example([_as_json_with_a_tab("exited")])
@example([_in_json(_as_json("exited"))])
@example([_in_json(_in_json(_as_json("exited")))])
@example([_as_bytes_before_systemd_240(_forged("exited").replace("DEBUG", "ERROR"))])
@example([_in_json(_as_bytes(_as_json("exited")))])
@example([_as_bytes(_behind_debug("model")), _forged("exited"), "panic: runtime error: x"])
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


def test_a_text_that_a_redaction_makes_is_not_looked_for_in_raw_lines(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text(
        'time=2026-11-24T09:00:00Z level=INFO msg="Authorization: Bearer hunter2 of bob@example.com"\n', encoding="ascii"
    )
    for term in ("Authorization=", "ization=[REDACTED]", "[REDACTED_EMAIL]"):
        rule = rule_with(
            selection=[{"kind": ["record"]}],
            classification={"field": "error_type", "classes": [{"name": "leak", "contains": [term]}]},
            severity=[{"level": "low"}],
        )
        with closing(scan([rule], [str(path)], hosts=Hosts(given="gpu-1"))) as found:
            assert found.references[0].selected == 1
