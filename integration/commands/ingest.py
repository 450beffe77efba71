"""`detect ingest`: log lines to the cluster's data stream, each once however often the same files are read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_delay,
    stop_when_event_set,
    wait_random_exponential,
)

from integration.engines.base import BULK_BYTES, Engine
from integration.errors import (
    ClusterError,
    DetectError,
    InputError,
    NotFoundError,
    PartlyAppliedError,
    ThrottledError,
    TooLargeError,
    UnreachableError,
)
from integration.log.documents import Document, document
from integration.names import EVENTS_TEMPLATE, PIPELINE

if TYPE_CHECKING:
    from integration.log.files import RawLine

MAX_FAILURES = 100
"""How many failed lines a report names; all are counted."""
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
class IngestReport:
    """What became of the lines."""

    read: int = 0
    created: int = 0
    already_there: int = 0
    """Stored before: by an earlier run, or by a request of this one whose answer was lost."""
    failed: int = 0
    retried: int = 0
    """How often a line had to be sent again."""
    failures: list[Failure] = field(default_factory=list)
    """The first `MAX_FAILURES` failed lines."""

    @property
    def stored(self) -> int:
        """How many of the lines are known to be in the data stream, whoever sent them."""
        return self.created + self.already_there


class IngestStoppedError(PartlyAppliedError):
    """The cluster failed for good, or a log could not be read on, when some lines were stored already; `report` counts them."""

    def __init__(self, cause: DetectError, report: IngestReport) -> None:
        mended = "Put that right or leave the file out; the files named after it were not read. " * isinstance(cause, InputError)
        super().__init__(f"{cause}\n{mended}{_how_to_go_on(report)}")
        self.report = report


def _how_to_go_on(report: IngestReport) -> str:
    return (
        f"Stopped with {report.stored:,} lines stored. "
        "Run the same command again to go on: lines that are there already are left alone"
    )


def ingest(
    engine: Engine,
    lines: Iterable[tuple[str, RawLine]],
    data_stream: str,
    *,
    batch_lines: int = 1000,
    batch_bytes: int = BULK_BYTES,
    in_flight: int = 4,
    patience: float = 300.0,
    on_progress: Callable[[IngestReport], None] = lambda _: None,
    on_failure: Callable[[Failure], None] = lambda _: None,
    on_retry: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] | None = None,
) -> IngestReport:
    """Store lines, each with its host, in a data stream, where the pipeline parses them.

    Up to `in_flight` batches of `batch_lines` lines and `batch_bytes` bytes are on their way at a time. A busy or
    unreachable cluster is asked again, ever more slowly, for `patience` seconds a batch; `on_retry` hears of it, from
    other threads. A line that the cluster refuses is reported and left out.

    Raises `ClusterError` if the cluster fails for good, `InputError` if a log cannot be read on, when the lines above are stored;
    `IngestStoppedError` if lines are stored by then. An interrupt waits for the batches on their way, and carries a note of how
    many lines are stored.
    """
    check_installed(engine)
    report = IngestReport()
    stop = threading.Event()
    sender = _Sender(engine, data_stream, patience, stop, on_retry, sleep)
    way = _OnTheirWay(report, on_progress, on_failure)
    with ThreadPoolExecutor(in_flight) as pool:
        try:
            try:
                for documents in _batches(lines, min(batch_lines, MAX_BATCH_LINES), batch_bytes):
                    report.read += len(documents)
                    way.running.add(pool.submit(sender.store, documents))
                    way.settle(at_most=in_flight)
            except InputError:
                way.settle()  # no reason to give up the lines above
                raise
            way.settle()
        except (ClusterError, InputError, KeyboardInterrupt) as error:
            stop.set()
            while way.running:
                with suppress(ClusterError):
                    way.settle()
            if isinstance(error, DetectError) and report.stored:
                raise IngestStoppedError(error, report) from error
            if isinstance(error, KeyboardInterrupt | ThrottledError | UnreachableError):
                error.add_note(_how_to_go_on(report))
            raise
        finally:
            stop.set()  # whatever ended this, no batch waits for a busy cluster any longer
    return report


def check_installed(engine: Engine) -> None:
    """Raise `NotFoundError` where the pipeline or the template of the data streams is missing."""
    if engine.get_pipeline(PIPELINE) is None or engine.get_template(EVENTS_TEMPLATE) is None:
        raise NotFoundError(
            f"{engine.url} has no ingest pipeline {PIPELINE!r} or no index template {EVENTS_TEMPLATE!r}: run `detect install` first"
        )


def _batches(lines: Iterable[tuple[str, RawLine]], most_lines: int, most_bytes: int) -> Iterator[list[Document]]:
    """Put lines together; those before one that cannot be read are a batch too."""
    batch: list[Document] = []
    size = 0
    try:
        for host, line in lines:
            entry = document(host, line)
            if batch and size + entry.size > most_bytes:
                yield batch
                batch, size = [], 0
            batch.append(entry)
            size += entry.size
            if len(batch) == most_lines:
                yield batch
                batch, size = [], 0
    except InputError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


@dataclass(slots=True)
class _Batch:
    """Documents on their way, and what became of them; `fault` is what stopped them."""

    waiting: list[Document]
    tries: int = 0
    created: int = 0
    already_there: int = 0
    retried: int = 0
    failures: list[Failure] = field(default_factory=list)
    fault: ClusterError | None = None

    def fail(self, entry: Document, reason: str) -> None:
        self.failures.append(Failure(entry.path, entry.number, reason))


def _add(report: IngestReport, batch: _Batch, on_failure: Callable[[Failure], None]) -> None:
    report.created += batch.created
    report.already_there += batch.already_there
    report.retried += batch.retried
    report.failed += len(batch.failures)
    report.failures += batch.failures[: MAX_FAILURES - len(report.failures)]
    for failure in batch.failures:
        on_failure(failure)


@dataclass(slots=True)
class _OnTheirWay:
    """Batches that are being stored, and the report of those that were."""

    report: IngestReport
    on_progress: Callable[[IngestReport], None]
    on_failure: Callable[[Failure], None]
    running: set[Future[_Batch]] = field(default_factory=set)

    def settle(self, at_most: int = 0) -> None:
        """Wait until no more than `at_most` are left, and count the others; raises the fault that stopped one."""
        while len(self.running) > at_most:
            done, self.running = wait(self.running, return_when=FIRST_COMPLETED)
            batches = [future.result() for future in done]
            for batch in batches:
                _add(self.report, batch, self.on_failure)
                self.on_progress(self.report)
            for batch in batches:
                if batch.fault is not None:
                    raise batch.fault


class _Sender:
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
        self._retrying = Retrying(
            retry=retry_if_exception_type((ThrottledError, UnreachableError)),
            wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT),
            stop=stop_after_delay(patience) | stop_when_event_set(stop),
            sleep=sleep or sleep_using_event(stop),
            before_sleep=self._tell,
            reraise=True,
        )

    def store(self, documents: list[Document]) -> _Batch:
        """Store documents in as many requests as it takes."""
        batch = _Batch(documents)
        try:
            self._deliver(batch)
        except ClusterError as error:
            batch.fault = error
        return batch

    def _deliver(self, batch: _Batch) -> None:
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

    def _send(self, batch: _Batch) -> None:
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

    def _drop_stored(self, batch: _Batch) -> None:
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
        if state.outcome is not None and state.next_action is not None:
            self._on_retry(f"{state.outcome.exception()}; trying again in {state.next_action.sleep:.1f} s")
