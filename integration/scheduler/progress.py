"""How far the scheduler came, a document a rule in an index of its own, so that a restart goes on where it stopped."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from integration.engines.answers import Versions
from integration.engines.base import Engine
from integration.errors import ClusterError, ConflictError
from integration.scheduler.leadership import LeaseLostError
from integration.times import parse_time, rfc3339

_KEYWORD = {"type": "keyword"}
_DATE = {"type": "date"}
_INDEX = {
    "settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}},
    "mappings": {
        "dynamic": False,
        "_meta": {"managed_by": "ollama-detect"},
        "properties": {"kind": _KEYWORD, "id": _KEYWORD, "rule_id": _KEYWORD, "window_end": _DATE, "revisit_from": _DATE},
    },
}


def create_state_index(engine: Engine, index: str) -> None:
    """Make the index where it is not there yet."""
    if engine.exists(index):
        return
    try:
        engine.request("PUT", f"/{index}", _INDEX)
    except ClusterError:
        # Another scheduler may have made it in between, or the answer was lost.
        if not engine.exists(index):
            raise


@dataclass(frozen=True, slots=True)
class Done:
    """All windows up to `end` are done (epoch milliseconds); those from `revisit_from` on are looked at once more."""

    end: int
    revisit_from: int


class Progress:
    """The progress documents of one state index; written only in the state they were last read or written in."""

    def __init__(self, engine: Engine, index: str, risk_index: str) -> None:
        self._engine = engine
        self._index = index
        self._risk_index = risk_index
        self._versions: dict[str, Versions] = {}

    def read(self, rule_id: str) -> Done | None:
        """Give a rule's progress; without a document, what the newest risk event tells; None when there is neither."""
        self._versions.pop(rule_id, None)
        found = self._engine.get_document(self._index, _document_id(rule_id))
        if found is not None:
            self._versions[rule_id] = found.versions
            return Done(parse_time(found.source["window_end"]), parse_time(found.source["revisit_from"]))
        newest = self._newest_risk_event(rule_id)
        return None if newest is None else Done(newest, newest)

    def save(self, rule_id: str, done: Done) -> None:
        """Store a rule's progress; `LeaseLostError` when another scheduler wrote it in between."""
        times = {"window_end": rfc3339(done.end, millis=True), "revisit_from": rfc3339(done.revisit_from, millis=True)}
        source: dict[str, Any] = {"kind": "progress", "rule_id": rule_id, **times}
        before = self._versions.pop(rule_id, None)
        try:
            self._versions[rule_id] = self._engine.put_document(
                self._index, _document_id(rule_id), source, create=before is None, if_at=before
            )
        except ConflictError as error:
            raise LeaseLostError(f"another scheduler wrote the progress of {rule_id}") from error

    def _newest_risk_event(self, rule_id: str) -> int | None:
        query = {"bool": {"filter": [{"term": {"event.dataset": "detect.risk"}}, {"term": {"rule.id": rule_id}}]}}
        body = {"size": 0, "query": query, "aggs": {"newest": {"max": {"field": "@timestamp"}}}}
        newest = self._engine.search(self._risk_index, body).get("aggregations", {}).get("newest", {}).get("value")
        return None if newest is None else int(newest)


def read_progress(engine: Engine, index: str, rule_id: str) -> int | None:
    """Give the end of a rule's last done window, None when no scheduler has run."""
    with suppress(KeyError):
        found = engine.get_document(index, _document_id(rule_id))
        return None if found is None else parse_time(found.source["window_end"])
    return None


def _document_id(rule_id: str) -> str:
    return f"rule-{rule_id}"
