"""What comes of a case by the reference, and in which words it is told that something else was expected."""

from __future__ import annotations

from typing import Any

import pytest

from integration.detection.cases import Case
from integration.detection.loading import tuples
from integration.evaluation.outcomes import by_reference, faults, sent_lines
from tests.support.builders import RULE, error

LINES = (error('source=server.go:1 msg="runner exited" err="exit status 1"'), error('source=a.go:1 msg="no space"'))
FOUND = {"host": "gpu-1", "severity": "critical", "error_details": ["exit status 1"], "window_start": "2026-11-24T08:50:00Z"}


def told(**says: Any) -> list[str]:
    case = Case.model_validate(tuples({"name": "a", "lines": LINES, **says}))
    return list(faults(case, by_reference(RULE, sent_lines(case))))


@pytest.mark.parametrize(
    "says",
    [
        {"expect": [{"label": "service_crash", "ollama.err": "exit status 1"}, {"label": "none", "ollama.err": None}]},
        {"findings": [FOUND]},
        {"lines": LINES[1:], "findings": []},
        {"lines": (), "labels": [{"line": LINES[0], "label": "service_crash"}, {"line": LINES[1], "label": "none"}]},
    ],
)
def test_a_case_that_holds(says: dict[str, Any]) -> None:
    assert told(**says) == []


MUST_FAIL: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"expect": [{"label": "none"}, {"label": "model_error"}]},
        [f"line 1: label is service_crash, not none: {LINES[0]}", f"line 2: label is none, not model_error: {LINES[1]}"],
    ),
    ({"expect": [{}, {"log.origin.file.line": "1"}]}, [f'line 2: log.origin.file.line is 1, not "1": {LINES[1]}']),
    ({"expect": [{}]}, ["there are 2 lines, but 1 entries under `expect`"]),
    ({"expect": [{}, {}, {}]}, ["there are 2 lines, but 3 entries under `expect`"]),
    ({"findings": []}, ["a finding that is not expected: host gpu-1, window_start 2026-11-24T08:50:00Z, severity critical"]),
    ({"findings": [FOUND, FOUND]}, ["no finding of gpu-1 from 2026-11-24T08:50:00Z"]),
    ({"findings": [FOUND | {"severity": "low"}]}, ["finding of gpu-1: severity is critical, not low"]),
    (
        {"findings": [FOUND | {"error_details": []}]},
        ['finding of gpu-1: error_details is ["exit status 1"], not []'],
    ),
    (
        {"findings": [{"host": "gpu-2"}]},
        ["no finding of gpu-2", "a finding that is not expected: host gpu-1, window_start 2026-11-24T08:50:00Z, severity critical"],
    ),
    (
        {"lines": (), "labels": [{"line": "x", "label": "model_error"}, {"line": LINES[0], "label": "model_error"}]},
        ["line 1: label is none, not model_error: x", f"line 2: label is service_crash, not model_error: {LINES[0]}"],
    ),
]


@pytest.mark.parametrize(("says", "message"), MUST_FAIL, ids=map(str, range(len(MUST_FAIL))))
def test_a_case_that_must_fail(says: dict[str, Any], message: list[str]) -> None:
    assert told(**says) == message


def test_a_column_that_is_none_is_told_with_those_there_are() -> None:
    (fault,) = told(findings=[{"host": "gpu-1", "sevrity": "high"}])
    assert fault.startswith("finding of gpu-1: there is no column sevrity; there are rule_id, host, window_start, ")


def test_a_log_is_read_like_a_file_and_lines_as_they_are_sent() -> None:
    access = '[GIN] 2026/11/24 - 11:00:05 | 200 | 1s | 127.0.0.1 | GET "/"'
    text = f"time=2026-11-24T11:00:00.000+02:00 level=INFO msg=a\n{access}\npanic: x\n"
    log = sent_lines(Case(name="a", log=text, time="2026-11-20", findings=()))
    assert [line.event.document()["@timestamp"] for line in log] == [
        "2026-11-24T09:00:00.000Z",
        "2026-11-24T09:00:05.000Z",
        "2026-11-24T09:00:05.000Z",
    ]
    lines = sent_lines(
        Case(name="a", lines=("panic: x\ngoroutine 1", "Feb 26 10:05:31 gpu-9 ollama[7]: x"), time="2026-11-20", findings=())
    )
    assert [line.event.document()["@timestamp"] for line in lines] == ["2026-11-20T00:00:00.000Z"] * 2
    assert [(line.event.original, line.host) for line in lines] == [("panic: x\ngoroutine 1", "gpu-1"), ("x", "gpu-9")]
