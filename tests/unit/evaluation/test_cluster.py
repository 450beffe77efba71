"""What a bucket of a search tells of a host, and what is read beside it."""

from __future__ import annotations

from typing import Any

import pytest

from integration.evaluation import cluster
from integration.evaluation.reference import Reference
from integration.findings.finding import Statistics
from integration.findings.values import Values
from tests.support.builders import RULE, error, event
from tests.support.memory_engine import MemoryEngine

WINDOW = RULE.windows.window_of(0)
NO_VALUES = {"buckets": [], "sum_other_doc_count": 0}


def read_of(*lines: str) -> Statistics:
    """What the lines of a host say."""
    reference = Reference(RULE)
    try:
        for line in lines:
            reference.add(event(line))
        return next(statistics for _, _, statistics in reference.statistics())
    finally:
        reference.close()


def of_bucket(monkeypatch: pytest.MonkeyPatch, read: Statistics | None, **bucket: Any) -> Statistics:
    monkeypatch.setattr(cluster, "_read_line_by_line", lambda *_: read)
    counts = {"doc_count": 1, "first_seen": {"value": 0}, "last_seen": {"value": 0}, "long_lines": {"doc_count": 0}}
    lists = dict.fromkeys((*RULE.field_lists, "error_types"), NO_VALUES)
    with MemoryEngine() as engine:
        return cluster.statistics_of(engine, RULE, "events", WINDOW, "gpu-1", counts | lists | bucket)


def test_a_list_that_a_long_line_has_nothing_of_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of_bucket(monkeypatch, read_of(error('msg="model"')), long_lines={"doc_count": 1})
    assert found.lists == {"error_messages": Values(("model",)), "error_details": Values(()), "code_sources": Values(())}


def test_what_a_bucket_shows_in_part_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_of(error('msg="model a"'), error('msg="model b"'))
    shown = {"buckets": [{"key": "model a"}], "sum_other_doc_count": 1}
    assert of_bucket(monkeypatch, read, error_messages=shown).lists["error_messages"] == Values(("model a", "model b"))


def test_where_the_lines_are_gone_more_than_is_shown_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {"buckets": [{"key": "model a"}], "sum_other_doc_count": 1}
    assert of_bucket(monkeypatch, None, error_messages=shown).lists["error_messages"] == Values(("model a",), 1)
    gone = of_bucket(monkeypatch, None, long_lines={"doc_count": 1})
    assert gone.lists["error_messages"] == Values((), 1)
