"""A cluster with an event of each of very many hosts, made up as they are asked for, and `detect` on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from unittest import mock

from integration.commands.losses import KINDS
from integration.detection.loading import load_rules
from integration.engines.answers import Json
from integration.engines.base import Body, Engine, Params
from integration.engines.faults import Call, refused
from integration.evaluation.cluster import statistics_of
from integration.evaluation.risk_events import risk_event
from integration.findings.finding import build_finding
from integration.times import parse_time, rfc3339

# Not from what other tests share: that would take more memory than what is measured here.
RULE = load_rules(ids=["ollama_possible_rce_via_model_loading"])[0]
LOSSES = [kind.query for kind in KINDS]
AT = parse_time("2026-11-24T09:00:00Z")
TEXT = "x" * 15_000
"""In the message of each event: thousands of findings take more than a test allows."""


class Crowd(Engine):
    """Answers what `run`, `validate` and `findings` ask. No window has few events."""

    name = "opensearch"

    def __init__(self, hosts: int, counted: int) -> None:
        super().__init__("http://crowd", "3.4.0", "crowd")
        self._hosts = hosts
        self._counted = counted
        self._scrolled = 0

    def close(self) -> None:
        """Nothing is open."""

    def _faults(self, method: str, path: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def _send(self, method: str, path: str, body: Body, params: Params) -> object:
        if method == "GET":
            answer = (400, "no handler found") if path.startswith("/_plugins/") else (404, f"there is no {path}")
            raise refused(Call(self.url, method, path), answer[0], {"error": answer[1]})
        assert isinstance(body, dict)
        if path.endswith("_count"):
            lost = any(part in body["query"]["bool"]["filter"] for part in LOSSES)
            return {"count": 0 if lost else self._hosts, "_shards": {"total": 1, "successful": 1}}
        if path == "/_search/scroll":
            return self._scroll(1_000) if method == "POST" else {}
        if "scroll" in params:
            return self._begin_scroll(body["query"]["bool"], int(params["size"]))
        if "time" in body.get("aggs", {}):
            return {"aggregations": {"time": {"value": AT}}}
        if "aggs" in body:
            return {"terminated_early": True} if "terminate_after" in body else self._aggregated(body)
        start = body["search_after"][0] + 1 if "search_after" in body else 0
        hits = [{"_id": str(n), "_source": self._risk_event(n), "sort": [n]} for n in self._numbers(start, body["size"])]
        return {"hits": {"hits": hits}}

    def _aggregated(self, body: Json) -> Json:
        by_host = body["aggs"]["by_host"]
        start, last = 0, self._hosts
        for bounds in (each["range"].get("host.name", {}) for each in body["query"]["bool"]["filter"] if "range" in each):
            start = _number(bounds["gt"]) + 1 if "gt" in bounds else start
            last = _number(bounds["lte"]) if "lte" in bounds else _number(bounds["lt"]) - 1 if "lt" in bounds else last
        if "after" in by_host["composite"]:
            start = _number(by_host["composite"]["after"]["host"]) + 1
        numbers = [n for n in self._numbers(start, by_host["composite"]["size"]) if n <= last]
        counted = list(by_host["aggs"]) == ["long_lines"]
        buckets = [_counted(n) if counted else self._bucket(n) for n in numbers]
        if "window" in by_host["composite"]["sources"][0]:
            buckets = [each | {"key": {"window": RULE.windows.window_of(AT).start, **each["key"]}} for each in buckets]
        return {"aggregations": {"by_host": {"buckets": buckets} | ({"after_key": buckets[-1]["key"]} if buckets else {})}}

    def _begin_scroll(self, query: Json, size: int) -> Json:
        """No line is too long for the index; of one host there is one line."""
        self._scrolled = 0 if "filter" in query else self._hosts
        filters = query["must"][0]["bool"]["filter"] if "filter" in query else ()
        hosts = [each["term"]["host.name"] for each in filters if "host.name" in each.get("term", {})]
        if not hosts:
            return self._scroll(size)
        self._scrolled = self._hosts
        return {"_scroll_id": "s", "hits": {"hits": [self._hit(_number(hosts[0]))]}, "_shards": {"total": 1, "successful": 1}}

    def _scroll(self, size: int) -> Json:
        hits = [self._hit(n) for n in self._numbers(self._scrolled, size)]
        self._scrolled += len(hits)
        return {"_scroll_id": "s", "hits": {"hits": hits}, "_shards": {"total": 1, "successful": 1}}

    def _numbers(self, start: int, size: int) -> Iterator[int]:
        return islice(range(start, self._hosts), size)

    def _hit(self, number: int) -> Json:
        line = f'level=ERROR source=server.go:1 msg="model {number} {TEXT}" err="exit status 1"'
        source = {"event": {"original": line}, "host": {"name": _host(number)}}
        return {"_index": "crowd", "_id": str(number), "_source": source, "fields": {"@timestamp": [rfc3339(AT, millis=True)]}}

    def _bucket(self, number: int) -> Json:
        def listed(value: str) -> Json:
            return {"buckets": [{"key": value}], "sum_other_doc_count": 0}

        return {
            "key": {"host": _host(number)},
            "doc_count": self._counted,
            "first_seen": {"value": AT},
            "last_seen": {"value": AT},
            "error_messages": listed(f"model {number} {TEXT}"),
            "error_details": listed("exit status 1"),
            "code_sources": listed("server.go:1"),
            "error_types": {"buckets": [{"key": "model_error", "doc_count": self._counted}], "sum_other_doc_count": 0},
            "condition_0": {"value": 1},
        }

    def _risk_event(self, number: int) -> Json:
        window = RULE.windows.window_of(AT)
        statistics = statistics_of(self, RULE, "", window, _host(number), self._bucket(number))
        finding = build_finding(RULE, _host(number), window, statistics)
        assert finding is not None
        return risk_event(RULE, finding)


def _host(number: int) -> str:
    return f"host-{number:07}"


def _counted(number: int) -> Json:
    return {"key": {"host": _host(number)}, "doc_count": 1, "long_lines": {"doc_count": 0}}


def _number(host: str) -> int:
    return int(host.removeprefix("host-"))


def main() -> None:
    """Run `detect`; before its arguments come how many hosts there are, and how many events the aggregation says each has."""
    from integration.cli import main as run

    hosts, counted = map(int, sys.argv[1:3])
    sys.argv[1:3] = []
    with mock.patch("integration.cli.connection.connect", return_value=Crowd(hosts, counted)):
        run()
