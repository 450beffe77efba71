"""`detect ingest`: log lines to the data stream, each once however often the same files are read, and out of it again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from integration.commands.sending import MAX_BATCH_LINES, Batch, Failure, Sender
from integration.engines.base import BULK_BYTES, Engine
from integration.errors import (
    ClusterError,
    DetectError,
    InputError,
    NotFoundError,
    PartlyAppliedError,
    ThrottledError,
    UnreachableError,
)
from integration.install.gin_timezone import installed_timezone
from integration.log.documents import Document, document, resolved
from integration.log.redaction import redact
from integration.names import EVENTS_TEMPLATE, PIPELINE

if TYPE_CHECKING:
    from integration.log.files import RawLine

MAX_FAILURES = 100
"""How many failed lines a report names; all are counted."""
_STEP = 10_000
"""Documents a request: one request over all might take longer than an answer is waited for."""
_MOST_NAMED = 5


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
    on_progress: Callable[[int], None] = lambda _: None,
    on_failure: Callable[[Failure], None] = lambda _: None,
    on_retry: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] | None = None,
) -> IngestReport:
    """Store lines, each with its host, in a data stream, where the pipeline parses them.

    Up to `in_flight` batches of `batch_lines` lines and `batch_bytes` bytes are on their way at a time. A busy or
    unreachable cluster is asked again, ever more slowly, for `patience` seconds a batch; `on_retry` hears of it, from
    other threads. A line that the cluster refuses is reported and left out. `on_progress` hears how many more lines are settled.

    Raises `ClusterError` if the cluster fails for good, `InputError` if a log cannot be read on, when the lines above are stored;
    `IngestStoppedError` if lines are stored by then. An interrupt waits for the batches on their way, and carries a note of how
    many lines are stored.
    """
    with_zone = installed_timezone(check_installed(engine)) is not None
    report = IngestReport()
    stop = threading.Event()
    sender = Sender(engine, data_stream, patience, stop, on_retry, sleep)
    way = _OnTheirWay(report, on_progress, on_failure)
    with ThreadPoolExecutor(in_flight) as pool:
        try:
            try:
                for documents in _batches(lines, min(batch_lines, MAX_BATCH_LINES), batch_bytes, with_zone=with_zone):
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


def check_installed(engine: Engine) -> dict[str, Any]:
    """Return the pipeline; raise `NotFoundError` where it or the template of the data streams is missing."""
    pipeline = engine.get_pipeline(PIPELINE)
    if pipeline is None or engine.get_template(EVENTS_TEMPLATE) is None:
        raise NotFoundError(
            f"{engine.url} has no ingest pipeline {PIPELINE!r} or no index template {EVENTS_TEMPLATE!r}: run `detect install` first"
        )
    return pipeline


def _batches(
    lines: Iterable[tuple[str, RawLine]], most_lines: int, most_bytes: int, *, with_zone: bool
) -> Iterator[list[Document]]:
    """Put lines together; those before one that cannot be read are a batch too."""
    batch: list[Document] = []
    size = 0
    try:
        for host, line in lines:
            entry = document(host, line, with_zone=with_zone)
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
class _OnTheirWay:
    """Batches that are being stored, and the report of those that were."""

    report: IngestReport
    on_progress: Callable[[int], None]
    on_failure: Callable[[Failure], None]
    running: set[Future[Batch]] = field(default_factory=set)

    def settle(self, at_most: int = 0) -> None:
        """Wait until no more than `at_most` are left, and count the others; raises the fault that stopped one."""
        while len(self.running) > at_most:
            done, self.running = wait(self.running, return_when=FIRST_COMPLETED)
            batches = [future.result() for future in done]
            for batch in batches:
                self._add(batch)
            for batch in batches:
                if batch.fault is not None:
                    raise batch.fault

    def _add(self, batch: Batch) -> None:
        self.report.created += batch.created
        self.report.already_there += batch.already_there
        self.report.retried += batch.retried
        self.report.failed += len(batch.failures)
        self.report.failures += batch.failures[: MAX_FAILURES - len(self.report.failures)]
        for failure in batch.failures:
            self.on_failure(failure)
        self.on_progress(batch.created + batch.already_there + len(batch.failures))


def lines_of_files(files: Sequence[str], host: str | None = None) -> dict[str, Any]:
    """Return the query of the lines that were ingested from files, and from each file in a zip; with a host of its lines alone."""
    paths = [redact(resolved(file)) for file in files]  # as the pipeline stores them
    alternatives = [{"terms": {"log.file.path": paths}}, *({"prefix": {"log.file.path": f"{path}/"}} for path in paths)]
    of_host = [{"term": {"host.name": redact(host)}}] if host else []
    return {"bool": {"filter": [{"bool": {"should": alternatives, "minimum_should_match": 1}}, *of_host]}}


def what_is_there(engine: Engine, index: str, file: str) -> str:
    """Say which lines a data stream has instead of some that were not found: from which hosts of the file, else of which files."""
    for field_name, query in (("host.name", lines_of_files([file])), ("log.file.path", {"match_all": {}})):
        terms = {"terms": {"field": field_name, "size": _MOST_NAMED + 1}}
        answer = engine.search(index, {"size": 0, "query": query, "aggs": {"there": terms}})
        names = [str(bucket["key"]) for bucket in answer.get("aggregations", {}).get("there", {}).get("buckets", ())]
        if names:
            more = ", ..." if len(names) > _MOST_NAMED else ""
            of = "it from " if field_name == "host.name" else ""
            return f"{index} has lines of {of}{', '.join(names[:_MOST_NAMED])}{more}"
    return f"{index} has no line of any file"


def undo(engine: Engine, index: str, query: dict[str, Any], on_deleted: Callable[[int], None]) -> int:
    """Delete what a query finds, and return how many documents that were; `on_deleted` hears of each step.

    Raises `PartlyAppliedError` if some could not be deleted.
    """
    deleted = 0
    path = f"/{quote(index)}/_delete_by_query"
    while True:
        answer = engine.request("POST", path, {"query": query}, {"max_docs": _STEP, "conflicts": "proceed", "refresh": True})
        step = int(answer["deleted"])
        deleted += step
        on_deleted(step)
        if not step:
            break
    if left := engine.count(index, query):
        raise PartlyAppliedError(f"{deleted:,} lines were taken out of {index}, but {left:,} are still there: run it again")
    return deleted
