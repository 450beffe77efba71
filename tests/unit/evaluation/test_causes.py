from __future__ import annotations

from typing import Any, cast

import pytest

from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.evaluation.causes import causes
from integration.times import parse_time
from tests.support.builders import RULE

LINE = 'level=ERROR source=server.go:1 msg="error loading model"'
RUN_AT = parse_time("2026-11-24T10:00:00Z")


class LateLine:
    """A cluster with one event, which arrived after the run of its window."""

    name = "elasticsearch"

    def scan(self, _index: str, _body: object, size: int) -> list[dict[str, Any]]:
        fields = {"@timestamp": ["2026-11-24T09:00:00.000Z"], RULE.classification.field: ["model_error"]}
        fields |= {name: [value] for name, value in READ.items()}
        source = {"event": {"original": LINE, "ingested": "2026-11-24T11:00:00Z"}}
        return [{"_index": "logs", "_id": "1", "_source": source, "fields": fields}] if size >= 1_000 else []


READ = {"error_messages": "error loading model", "code_sources": "server.go:1"}


@pytest.mark.parametrize(("recorded", "reason"), [(True, "arrived after the run"), (False, "read each event alike")])
def test_a_late_event_explains_only_what_was_recorded(recorded: bool, reason: str) -> None:
    window = Window(parse_time("2026-11-24T08:50:00Z"), parse_time("2026-11-24T09:50:00Z"), RUN_AT)
    found = causes(cast(Engine, LateLine()), RULE, "logs", "gpu-1", window, recorded=recorded)
    assert (reason in found.reason, [event.id for event in found.events]) == (True, ["1"])
