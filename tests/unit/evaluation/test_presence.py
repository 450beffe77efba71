from __future__ import annotations

from typing import Any

import pytest

from integration.engines.answers import Json
from integration.errors import ForbiddenError
from integration.evaluation.presence import has_events, no_events, stored_documents
from tests.support.builders import RULE, rule_with
from tests.support.memory_engine import MemoryEngine

HOUR = 3_600_000


class Engine(MemoryEngine):
    """A cluster that counts `events`, and lists backing indices with their documents and newest times."""

    def __init__(self, *indices: tuple[str, int, float | None], events: int = 0) -> None:
        super().__init__()
        self._buckets = [{"key": name, "doc_count": count, "newest": {"value": newest}} for name, count, newest in indices]
        self._events = events
        self.counted: list[Any] = []

    def search(self, index: str, body: Json, *, missing_ok: bool = True) -> Json:
        assert (index, body["size"], missing_ok) == ("logs-ollama.server-*", 0, True)
        return {"aggregations": {"by_index": {"buckets": self._buckets}}}

    def exists(self, name: str) -> bool:
        return name == "logs-x"

    def count(self, index: str, query: Json) -> int:
        assert index == "logs-x"
        self.counted.append(query["bool"]["filter"][0]["range"]["@timestamp"])
        return self._events


def test_backing_indices_are_told_as_their_data_stream() -> None:
    engine = Engine(
        (".ds-logs-ollama.server-a-2026.11.28-000001", 2, 2.0 * HOUR),
        (".ds-logs-ollama.server-a-2026.11.29-000002", 3, 1.0 * HOUR),
        (".ds-logs-ollama.server-b-c-000001", 1, None),
        ("logs-ollama.server-plain", 5, 3.0 * HOUR),
    )
    assert [(each.name, each.documents, each.newest) for each in stored_documents(engine)] == [
        ("logs-ollama.server-a", 5, 2 * HOUR),
        ("logs-ollama.server-b-c", 1, 0),
        ("logs-ollama.server-plain", 5, 3 * HOUR),
    ]


def test_what_is_told() -> None:
    engine = Engine(("logs-ollama.server-a", 1_000, 1.0 * HOUR))
    assert no_events(engine, "logs-x", 0, HOUR) == (
        "NO EVENTS: logs-x holds no event from 1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z, so that there is nothing to find.\n"
        "There are documents in logs-ollama.server-a (1,000, the newest of 1970-01-01T01:00:00Z)."
    )
    assert no_events(engine, "logs-x", None, None).startswith("NO EVENTS: logs-x holds no event, so that")
    assert no_events(engine, "nope,nor-this", 0, HOUR).startswith("NO EVENTS: there is no nope,nor-this, so that")
    many = Engine(*((f"logs-ollama.server-{number:02}", 1, 0.0) for number in range(13)))
    assert no_events(many, "logs-x", None, None).endswith(
        "logs-ollama.server-09 (1, the newest of 1970-01-01T00:00:00Z) and 3 more."
    )
    assert "There are documents in logs-ollama.server-12 (1, " in no_events(many, "logs-ollama.server-12", None, None)
    assert no_events(Engine(), "logs-x", None, None).endswith(
        "No data stream logs-ollama.server-* holds any: `detect ingest` or a shipper fills one."
    )


def test_what_a_user_may_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Json:
        raise ForbiddenError("no")

    monkeypatch.setattr(Engine, "search", refuse)
    assert no_events(Engine(), "logs-x", None, None).endswith("in logs-ollama.server-*, this user may not see.")


@pytest.mark.parametrize("events", [0, 3])
def test_each_sourcetype_is_counted_once(events: int) -> None:
    engine = Engine(events=events)
    assert has_events(engine, [RULE, rule_with(id="a_other")], "logs-x", None, HOUR) is bool(events)
    assert engine.counted == [{"lt": HOUR, "format": "epoch_millis"}]
