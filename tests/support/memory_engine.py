"""A cluster in memory: documents with their versions, and findings of windows as a test gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from integration.engines.answers import Json
from integration.engines.base import Body, Engine, Params
from integration.engines.faults import Call, refused
from integration.errors import ClusterError


class MemoryEngine(Engine):
    """Answers what the scheduler asks; `fault` is called before each request and may raise.

    `errors` are times (epoch milliseconds) of events of gpu-1 that the rule selects, `newest` the end of the window of the newest
    risk event.
    """

    name = "opensearch"

    def __init__(self) -> None:
        super().__init__("http://memory", "3.4.0", "memory")
        self.indices: dict[str, dict[str, tuple[Json, int]]] = {}
        self.errors: list[int] = []
        self.newest: int | None = None
        self.searched: list[tuple[int, int]] = []
        self.fault: Callable[[str, str], None] = lambda _method, _path: None
        self.lose_answer: Callable[[str, str], bool] = lambda _method, _path: False

    def close(self) -> None:
        """Nothing is open."""

    def _faults(self, method: str, path: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def _send(self, method: str, path: str, body: Body, params: Params) -> object:
        self.fault(method, path)
        answer = self._answer(method, path, body, params)
        if self.lose_answer(method, path):
            raise ClusterError("the answer was lost")
        return answer

    def _answer(self, method: str, path: str, body: Any, params: Params) -> object:
        index, _, rest = path.removeprefix("/").partition("/")
        if rest.startswith("_settings"):
            return {index: {"settings": {"index.creation_date": "1"}}} if index in self.indices else self._refuse(method, path, 404)
        if method == "PUT" and not rest:
            self.indices[index] = {}
            return {}
        if rest == "_search":
            return self._search(index, body)
        document_id = rest.removeprefix("_doc/")
        found = self.indices.get(index, {}).get(document_id)
        if method == "GET":
            return self._shown(found) if found else self._refuse(method, path, 404)
        version = int(params.get("version", 0))
        if found and version and found[1] > version:
            return self._refuse(method, path, 409)
        return self._shown(self._store(index, document_id, body, version))

    def _bulk(self, pairs: Iterable[tuple[str, str | Json]], chunk: int, options: Json) -> Iterator[Json]:
        assert chunk > 0
        self.fault("POST", "/_bulk")
        for header, source in pairs:
            document_id = re.findall(r'"_id": "(\w+)"', header)[0]
            before = self.indices.get(options["index"], {}).get(document_id)
            assert isinstance(source, dict)
            same = before is not None and before[0] == source["doc"]
            if not same:
                self._store(options["index"], document_id, source["doc"])
            yield {"update": {"_id": document_id, "status": 200, "result": "noop" if same else "updated" if before else "created"}}

    def _search(self, index: str, body: Json) -> Json:
        stored = self.indices.get(index, {})
        if "ids" in body.get("query", {}):
            hits = [{"_id": i, "_source": stored[i][0]} for i in body["query"]["ids"]["values"] if i in stored]
            return {"hits": {"hits": hits}}
        if body.get("aggs", {}).keys() == {"min", "max"}:
            return {"aggregations": {"min": {"value": self.newest}, "max": {"value": self.newest}}}
        if "terminate_after" in body:
            return {"terminated_early": True}
        window = body["query"]["bool"]["filter"][0]["range"]["@timestamp"]
        if list(body["aggs"]["by_host"]["aggs"]) == ["long_lines"]:
            self.searched.append((window["gte"], window["lt"]))
        times = [time for time in self.errors if window["gte"] <= time < window["lt"]]
        return {"aggregations": {"by_host": {"buckets": [_bucket(times)] if times else []}}}

    def _store(self, index: str, document_id: str, source: Json, version: int = 0) -> tuple[Json, int]:
        stored_documents = self.indices.setdefault(index, {})
        before = stored_documents.get(document_id, ({}, 0))
        stored_documents[document_id] = (source, version or before[1] + 1)
        return stored_documents[document_id]

    def _shown(self, found: tuple[Json, int]) -> Json:
        return {"_source": found[0], "_version": found[1]}

    def _refuse(self, method: str, path: str, status: int) -> object:
        raise refused(Call(self.url, method, path), status, {"error": {"type": "refused", "reason": "by the test"}})


def _bucket(times: list[int]) -> Json:
    empty = {"buckets": [], "sum_other_doc_count": 0}
    return {
        "key": {"host": "gpu-1"},
        "doc_count": len(times),
        "first_seen": {"value": min(times)},
        "last_seen": {"value": max(times)},
        "error_messages": empty,
        "error_details": empty,
        "code_sources": empty,
        "error_types": {"buckets": [{"key": "model_error", "doc_count": 1}], "sum_other_doc_count": 0},
        "condition_0": {"value": 0},
        "long_lines": {"doc_count": 0},
    }
