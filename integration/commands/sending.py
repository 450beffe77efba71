"""Batches of documents on their way to the data stream, sent again until each is stored or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_delay,
    stop_when_event_set,
    wait_random_exponential,
)

from integration.engines.base import Engine
from integration.errors import ClusterError, ThrottledError, TooLargeError, UnreachableError
from integration.log.documents import Document
from integration.names import PIPELINE

MAX_BATCH_LINES = 10_000
"""A search gives no more hits than this at a time."""

# Seconds; a node that is back should not wait for us for long.
_LONGEST_WAIT = 10
_CONFLICT = 409
_BUSY = {429, 503}
# What a node says of a document (500) whose shard is on a node that is away, while no manager has chosen another one.
_AWAY = (
    "connect_transport_exception",
    "no_longer_primary_shard_exception",
    "node_closed_exception",
    "node_disconnected_exception",
    "node_not_connected_exception",
    "receive_timeout_transport_exception",
    "retry_on_primary_exception",
    "send_request_transport_exception",
)
# It was there when we began: a node that is just starting has not read it yet.
_NO_PIPELINE = f"pipeline with id [{PIPELINE}] does not exist"
# What hits one document this way hits them all: no right to write, a blocked index, no index.
_HOPELESS = {401, 403, 404}


@dataclass(frozen=True, slots=True)
class Failure:
    """A line that the cluster would not take."""

    path: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number}: {self.reason}"


@dataclass(slots=True)
class Batch:
    """Documents on their way, and what became of them; `fault` is what stopped them."""

    waiting: list[Document]
    tries: int = 0
    created: int = 0
    already_there: int = 0
    retried: int = 0
    failures: list[Failure] = field(default_factory=list)
    fault: ClusterError | None = None

    def fail(self, entry: Document, reason: str) -> None:
        """Count a document that the cluster would not take."""
        self.failures.append(Failure(entry.path, entry.number, reason))


class Sender:
    """Stores batches, in several threads."""

    def __init__(
        self,
        engine: Engine,
        data_stream: str,
        patience: float,
        stop: threading.Event,
        on_retry: Callable[[str], None],
        sleep: Callable[[float], None] | None,
    ) -> None:
        self._engine = engine
        self._data_stream = data_stream
        self._on_retry = on_retry
        self._indices: list[str] = []
        self._lock = threading.Lock()
        self._told = ""
        self._retrying = Retrying(
            retry=retry_if_exception_type((ThrottledError, UnreachableError)),
            wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT),
            stop=stop_after_delay(patience) | stop_when_event_set(stop),
            sleep=sleep or sleep_using_event(stop),
            before_sleep=self._tell,
            reraise=True,
        )

    def store(self, documents: list[Document]) -> Batch:
        """Store documents in as many requests as it takes."""
        batch = Batch(documents)
        try:
            self._deliver(batch)
        except ClusterError as error:
            batch.fault = error
        return batch

    def _deliver(self, batch: Batch) -> None:
        try:
            self._retrying(self._send, batch)
        except TooLargeError as error:
            entries = batch.waiting
            if len(entries) == 1:
                batch.fail(entries[0], str(error))
                return
            middle = len(entries) // 2
            for half in entries[:middle], entries[middle:]:
                batch.waiting, batch.tries = half, 0
                self._deliver(batch)

    def _send(self, batch: Batch) -> None:
        """Send what is waiting, once. What must be sent again is waiting afterwards, and raises `ThrottledError`."""
        batch.tries += 1
        if batch.tries > 1:
            batch.retried += len(batch.waiting)
        self._drop_stored(batch)
        sent, busy, answered, reason = batch.waiting, [], 0, "some documents got no answer"
        pairs = [(entry.id, entry.source) for entry in sent]
        try:
            # Named although it is the default: an OpenSearch that has just started knows no index's settings for a moment, and
            # would store a line as it is, unredacted.
            results = self._engine.bulk_create(self._data_stream, pairs, chunk=len(pairs), pipeline=PIPELINE)
            for entry, result in zip(sent, results, strict=False):
                answered += 1
                if result.ok:
                    batch.created += 1
                elif result.status == _CONFLICT:
                    batch.already_there += 1
                elif result.status in _BUSY or result.reason.startswith(_AWAY) or _NO_PIPELINE in result.reason:
                    busy.append(entry)
                    reason = result.reason
                elif result.status in _HOPELESS:
                    raise ClusterError(f"{self._engine.url} stores nothing in {self._data_stream}: {result.reason}")
                else:
                    batch.fail(entry, result.reason)
        finally:
            batch.waiting = busy + sent[answered:]
        if batch.waiting:
            raise ThrottledError(f"{self._engine.url} is busy: {reason}")

    def _drop_stored(self, batch: Batch) -> None:
        """Count what an older backing index holds already, which a create does not notice, and wait for it no more."""
        indices = self._engine.backing_indices(self._data_stream)
        with self._lock:
            # After a rollover, and after an answer that was lost, documents may be there that no search sees yet.
            if len(indices) > 1 and (indices != self._indices or batch.tries > 1):
                self._engine.refresh(self._data_stream)
            self._indices = indices
        if len(indices) < 2:
            return
        older = {
            "bool": {
                "filter": [{"ids": {"values": [entry.id for entry in batch.waiting]}}],
                "must_not": [{"term": {"_index": indices[-1]}}],
            }
        }
        body = {"query": older, "size": MAX_BATCH_LINES, "_source": False, "track_total_hits": False}
        stored = {hit["_id"] for hit in self._engine.search(self._data_stream, body)["hits"]["hits"]}
        waiting = [entry for entry in batch.waiting if entry.id not in stored]
        batch.already_there += len(batch.waiting) - len(waiting)
        batch.waiting = waiting

    def _tell(self, state: RetryCallState) -> None:
        """Report why a batch waits, in full once and then in a few words: a cluster without room may be away for minutes."""
        if state.outcome is None or state.next_action is None:
            return
        reason = str(state.outcome.exception())
        with self._lock:
            told, self._told = self._told, reason
        self._on_retry(f"{'still so' if reason == told else reason}; trying again in {state.next_action.sleep:.1f} s")
