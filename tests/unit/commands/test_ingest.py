"""Lines into a data stream, over a cluster that is busy, goes away, refuses, and rolls over."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from integration.commands.ingest import MAX_FAILURES, IngestReport, IngestStoppedError, ingest
from integration.commands.sending import Failure
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ClusterError, InputError, NotFoundError, ThrottledError, UnreachableError
from integration.log.files import RawLine
from integration.log.line import read
from integration.times import parse_time
from tests.support.fake_cluster import ELASTICSEARCH, OPENSEARCH, Answer, FakeCluster, Request

STREAM = "logs-ollama.server-test"
BULK = f"/{STREAM}/_bulk"
HOST = "gpu-1"


def lines(*texts: str, path: str = "/log/a.log") -> list[tuple[str, RawLine]]:
    """Lines of one file, the way they are read."""
    offset = 0
    found = []
    for number, text in enumerate(texts, start=1):
        found.append((HOST, RawLine(text, path, number, offset, 1_795_518_869_739, read(text))))
        offset += len(text.encode()) + 1
    return found


def numbered(count: int) -> list[tuple[str, RawLine]]:
    return lines(*(f"line {n}" for n in range(count)))


class DataStream:
    """A data stream on a fake cluster: documents by index, then by id; before each bulk request a fault, if any."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.indices: list[dict[str, Any]] = []
        self.faults: deque[Answer | None] = deque()
        self.items: dict[str, list[tuple[int, str]]] = {}
        """What to answer for a document of a text: status and reason, once each."""
        self.error = "x_exception"
        self.limit = 1_000_000
        self.lock = threading.Lock()
        cluster.on("GET", "/_ingest/pipeline/ollama.server", Answer({"ollama.server": {}}))
        cluster.on("GET", "/_index_template/logs-ollama.server", Answer({"index_templates": [{"index_template": {}}]}))
        cluster.on("GET", f"/{STREAM}/_settings/index.creation_date", self._settings)
        cluster.on("POST", f"/{STREAM}/_refresh", Answer({"_shards": {"total": 2, "successful": 1, "failed": 0}}))
        cluster.on("POST", f"/{STREAM}/_search", self._search)
        cluster.on("POST|PUT", BULK, self.bulk)

    @property
    def texts(self) -> list[str]:
        return sorted(document["message"] for index in self.indices for document in index.values())

    @property
    def bulks(self) -> list[list[str]]:
        """The texts of each bulk request."""
        return [[line["message"] for line in asked.lines[1::2]] for asked in self.cluster.asked("POST|PUT", BULK)]

    def rollover(self) -> None:
        self.indices.append({})

    def _settings(self, _: Request) -> Answer:
        if not self.indices:
            return Answer({"error": "no such index"}, 404)
        return Answer({f"{STREAM}-{n}": {"settings": {"index.creation_date": str(n)}} for n in range(len(self.indices))})

    def _search(self, asked: Request) -> Answer:
        query = asked.json["query"]["bool"]
        write_index = query["must_not"][0]["term"]["_index"]
        assert write_index == f"{STREAM}-{len(self.indices) - 1}"
        wanted = query["filter"][0]["ids"]["values"]
        hits = [{"_id": each} for each in wanted if any(each in index for index in self.indices[:-1])]
        return Answer({"hits": {"hits": hits}})

    def bulk(self, asked: Request) -> Answer:
        with self.lock:
            fault = self.faults.popleft() if self.faults else None
            if fault is not None and not fault.headers.pop("store", None):
                return fault
            if len(asked.body) > self.limit:
                return Answer("Request Entity Too Large", 413)
            if not self.indices:
                self.rollover()
            headers, documents = asked.lines[::2], asked.lines[1::2]
            items = [self._create(header["create"]["_id"], each) for header, each in zip(headers, documents, strict=True)]
            return fault or Answer({"items": items})

    def _create(self, document_id: str, document: dict[str, Any]) -> dict[str, Any]:
        write_index = self.indices[-1]
        status, reason = 201, ""
        if planned := self.items.get(document["message"]):
            status, reason = planned.pop(0)
        elif document_id in write_index:
            status, reason = 409, "version conflict"
        else:
            write_index[document_id] = document
        result = {"result": "created"} if status == 201 else {"error": {"type": self.error, "reason": reason}}
        return {"create": {"_index": f"{STREAM}-0", "_id": document_id, "status": status} | result}


@pytest.fixture(params=[OPENSEARCH, ELASTICSEARCH], ids=["opensearch", "elasticsearch"])
def stream(request: pytest.FixtureRequest) -> Iterator[DataStream]:
    with FakeCluster(request.param) as cluster:
        yield DataStream(cluster)


@pytest.fixture
def engine(stream: DataStream) -> Iterator[Engine]:
    with connect(Connection(stream.cluster.url, timeout=5)) as connected:
        yield connected


Run = Callable[..., IngestReport]


@pytest.fixture
def run(engine: Engine) -> Run:
    """Ingest without waiting between the tries."""

    def call(given: Iterable[tuple[str, RawLine]], **options: Any) -> IngestReport:
        return ingest(engine, given, STREAM, **({"sleep": lambda _: None} | options))

    return call


def test_a_clock_s_zone_is_sent_where_the_installation_has_one(stream: DataStream, run: Run) -> None:
    text = '[GIN] 2026/11/24 - 12:14:29 | 200 | 1s | 127.0.0.1 | GET "/"'
    ((host, line),) = lines(text)
    known = line._replace(line=line.line._replace(stamp=parse_time("2026-11-24T11:14:29Z")))
    sent = []
    for timezone in (None, "Europe/Berlin"):
        processors = [{"set": {"tag": "gin-timezone", "value": timezone}}] if timezone else []
        stream.cluster.on("GET", "/_ingest/pipeline/ollama.server", Answer({"ollama.server": {"processors": processors}}))
        stream.indices.clear()
        run([(host, known)])
        sent += [document.get("event") for document in stream.indices[0].values()]
    assert sent == [None, {"timezone": "+01:00"}]


class TestStoring:
    def test_lines_are_stored_in_batches(self, stream: DataStream, run: Run) -> None:
        seen: list[int] = []
        report = run(numbered(25), batch_lines=10, on_progress=seen.append)
        assert report == IngestReport(read=25, created=25)
        assert stream.texts == sorted(f"line {n}" for n in range(25))
        assert sorted(map(len, stream.bulks)) == [5, 10, 10]
        assert sorted(seen) == [5, 10, 10]

    def test_the_document(self, stream: DataStream, run: Run) -> None:
        run(lines('say "ü"\t\u2028', path="/log/ü.log"))
        (document,) = stream.indices[0].values()
        assert document == {
            "@timestamp": "2026-11-24T11:14:29.739Z",
            "message": 'say "ü"\t\u2028',
            "host": {"name": HOST},
            "log": {"file": {"path": "/log/ü.log"}, "offset": 0},
        }

    def test_batches_are_bounded_in_bytes(self, stream: DataStream, run: Run) -> None:
        run(lines("x" * 3000, "ü" * 1500, "x" * 9000, "x" * 10, "x" * 10), batch_bytes=5000)
        assert sorted(map(len, stream.bulks)) == [1, 1, 1, 2]

    def test_nothing(self, stream: DataStream, run: Run) -> None:
        assert run([]) == IngestReport()
        assert stream.bulks == []

    def test_the_same_lines_again_change_nothing(self, stream: DataStream, run: Run) -> None:
        run(numbered(25), batch_lines=10)
        before = [dict(index) for index in stream.indices]
        assert run(numbered(25), batch_lines=7) == IngestReport(read=25, already_there=25)
        assert stream.indices == before

    def test_in_flight_are_on_their_way_together(self, stream: DataStream, run: Run) -> None:
        together = threading.Barrier(3, timeout=5)

        def held(asked: Request) -> Answer:
            together.wait()
            return stream.bulk(asked)

        stream.cluster.on("POST|PUT", BULK, held)
        assert run(numbered(12), batch_lines=1, in_flight=3).created == 12

    def test_lines_are_read_no_further_than_they_are_sent(self, stream: DataStream, run: Run) -> None:
        taken = 0

        def endless() -> Iterator[tuple[str, RawLine]]:
            nonlocal taken
            for each in numbered(10_000):
                taken += 1
                yield each

        stream.faults.append(Answer("no", 401))
        with pytest.raises((ClusterError, IngestStoppedError)):
            run(endless(), batch_lines=10, in_flight=1)
        assert taken < 100


class TestABusyCluster:
    @pytest.mark.parametrize(
        "fault",
        [Answer("busy", 429), Answer("busy", 503), Answer("bad gateway", 502), Answer(cut=True)],
        ids=["429", "503", "502", "connection lost"],
    )
    def test_a_batch_is_sent_again(self, stream: DataStream, run: Run, fault: Answer) -> None:
        stream.faults.extend([fault, fault])
        told: list[str] = []
        assert run(numbered(5), on_retry=told.append) == IngestReport(read=5, created=5, retried=10)
        assert len(stream.texts) == 5
        assert len(told) == 2
        assert all("; trying again in " in message for message in told)
        assert [message.startswith("still so; ") for message in told] == [False, True]

    def test_the_waits_grow(self, stream: DataStream, run: Run) -> None:
        waits: list[float] = []
        stream.faults.extend([Answer("busy", 503)] * 12)
        run(numbered(1), sleep=waits.append)
        assert len(waits) == 12
        assert all(wait <= min(10, 0.5 * 2**n) for n, wait in enumerate(waits))
        assert len(set(waits)) == 12  # jittered

    def test_an_answer_that_is_lost_stores_nothing_twice(self, stream: DataStream, run: Run) -> None:
        stream.faults.append(Answer(cut=True, headers={"store": "1"}))
        assert run(numbered(5)) == IngestReport(read=5, already_there=5, retried=5)
        assert len(stream.texts) == 5

    def test_a_lost_answer_and_a_rollover_store_nothing_twice(self, stream: DataStream, run: Run) -> None:
        stream.faults.append(Answer(cut=True, headers={"store": "1"}))
        assert run(numbered(5), on_retry=lambda _: stream.rollover()) == IngestReport(read=5, already_there=5, retried=5)
        assert [len(index) for index in stream.indices] == [5, 0]
        assert len(stream.cluster.asked("POST", f"/{STREAM}/_refresh")) == 1

    def test_only_the_lines_that_were_turned_away_are_sent_again(self, stream: DataStream, run: Run) -> None:
        stream.items = {"line 1": [(429, "queue full"), (503, "no shard")], "line 3": [(429, "queue full")]}
        told: list[str] = []
        assert run(numbered(5), on_retry=told.append) == IngestReport(read=5, created=5, retried=3)
        assert stream.bulks == [[f"line {n}" for n in range(5)], ["line 1", "line 3"], ["line 1"]]
        assert "x_exception: queue full" in told[0]

    def test_a_node_that_has_not_read_its_pipelines_yet_is_asked_again(self, stream: DataStream, run: Run) -> None:
        stream.items = {"line 1": [(400, "pipeline with id [ollama.server] does not exist")]}
        assert run(numbered(3)) == IngestReport(read=3, created=3, retried=1)
        assert {asked.query["pipeline"] for asked in stream.cluster.asked("POST|PUT", BULK)} == {"ollama.server"}

    def test_a_line_whose_node_is_away_while_there_is_no_manager_is_sent_again(self, stream: DataStream, run: Run) -> None:
        stream.error = "node_not_connected_exception"
        stream.items["line 1"] = [(500, "[three][127.0.0.1:9301] Node not connected")]
        assert run(numbered(3)) == IngestReport(read=3, created=3, retried=1)

    def test_a_line_without_an_answer_is_sent_again(self, stream: DataStream, run: Run) -> None:
        stream.faults.append(Answer({"items": []}))
        assert run(numbered(2)) == IngestReport(read=2, created=2, retried=2)

    def test_patience_ends(self, stream: DataStream, run: Run) -> None:
        stream.faults.extend([Answer("busy", 503)] * 10_000)
        with pytest.raises(ClusterError, match="busy") as caught:
            run(numbered(5), patience=0.2, sleep=lambda _: threading.Event().wait(0.01))
        assert caught.value.__notes__[0].startswith("Stopped with 0 lines stored. Run the same command again to go on")


class TestFailures:
    def test_a_line_that_is_refused_is_told_and_left_out(self, stream: DataStream, run: Run) -> None:
        stream.items = {"line 1": [(400, "no number")], "line 3": [(500, "odd")]}
        told: list[Failure] = []
        report = run(numbered(5), on_failure=told.append)
        assert (
            report.failures
            == told
            == [
                Failure("/log/a.log", 2, "x_exception: no number"),
                Failure("/log/a.log", 4, "x_exception: odd"),
            ]
        )
        assert str(told[0]) == "/log/a.log:2: x_exception: no number"
        assert (report.read, report.created, report.failed, report.retried) == (5, 3, 2, 0)

    def test_all_are_counted_and_the_first_are_kept(self, stream: DataStream, run: Run) -> None:
        stream.items = {f"line {n}": [(400, "no")] for n in range(MAX_FAILURES + 50)}
        told: list[Failure] = []
        report = run(numbered(MAX_FAILURES + 60), batch_lines=30, on_failure=told.append)
        assert (report.failed, len(report.failures), report.created) == (MAX_FAILURES + 50, MAX_FAILURES, 10)
        assert len(told) == MAX_FAILURES + 50

    def test_a_request_that_is_too_large_is_halved(self, stream: DataStream, run: Run) -> None:
        stream.limit = 1500
        report = run(numbered(50))
        assert report == IngestReport(read=50, created=50)
        assert len(stream.texts) == 50
        assert [len(texts) for texts in stream.bulks[:4]] == [50, 25, 12, 6]

    def test_a_line_that_is_too_large_alone_is_a_failure(self, stream: DataStream, run: Run) -> None:
        stream.limit = 1500
        report = run(lines("a", "b" * 3000, "c"))
        assert (report.created, report.failed) == (2, 1)
        assert (report.failures[0].path, report.failures[0].number) == ("/log/a.log", 2)
        assert "larger than the cluster" in report.failures[0].reason
        assert stream.texts == ["a", "c"]


class TestTheEnd:
    @pytest.mark.parametrize("status", [401, 403])
    def test_no_right_to_write(self, stream: DataStream, run: Run, status: int) -> None:
        stream.faults.append(Answer("no", status))
        with pytest.raises(ClusterError, match=f"with status {status}") as caught:
            run(numbered(5))
        assert not isinstance(caught.value, IngestStoppedError)
        assert len(stream.bulks) == 1

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_what_hits_every_line_stops_at_the_first(self, stream: DataStream, run: Run, status: int) -> None:
        stream.items = {"line 2": [(status, "index is blocked")]}
        told: list[Failure] = []
        with pytest.raises(IngestStoppedError, match=r"stores nothing in .*: x_exception: index is blocked") as caught:
            run(numbered(1000), batch_lines=5, in_flight=1, on_failure=told.append)
        assert told == []
        assert 2 <= caught.value.report.created < 20

    def test_the_report_so_far_is_carried(self, stream: DataStream, run: Run) -> None:
        stream.faults.extend([None, None, Answer("no", 401)])
        with pytest.raises(IngestStoppedError) as caught:
            run(numbered(100), batch_lines=10, in_flight=1)
        stopped = caught.value
        assert stopped.report.created == len(stream.texts) >= 20
        assert stopped.exit_code == 4
        assert f"Stopped with {len(stream.texts)} lines stored. Run the same command again to go on" in str(stopped)
        assert isinstance(stopped.__cause__, ClusterError)

    def test_an_interrupt_carries_what_is_stored(self, stream: DataStream, run: Run) -> None:
        def then_interrupted() -> Iterator[tuple[str, RawLine]]:
            yield from numbered(20)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt) as caught:
            run(then_interrupted(), batch_lines=10)
        assert "Stopped with 20 lines stored" in caught.value.__notes__[0]
        assert len(stream.texts) == 20

    def test_the_same_command_again_goes_on(self, stream: DataStream, run: Run) -> None:
        stream.faults.extend([None, None, Answer("no", 401)])
        with pytest.raises(IngestStoppedError) as caught:
            run(numbered(100), batch_lines=10, in_flight=1)
        report = run(numbered(100), batch_lines=10)
        stored = caught.value.report.created
        assert (report.already_there, report.created) == (stored, 100 - stored)
        assert len(stream.texts) == 100

    def test_a_cluster_that_goes_away(self, stream: DataStream, engine: Engine) -> None:
        def then_gone() -> Iterator[tuple[str, RawLine]]:
            yield from numbered(20)
            stream.cluster.close()
            yield from numbered(30)[20:]

        with pytest.raises(IngestStoppedError) as caught:
            ingest(engine, then_gone(), STREAM, batch_lines=10, in_flight=1, patience=0.2)
        assert isinstance(caught.value.__cause__, UnreachableError)
        assert caught.value.report.created in (10, 20)

    def test_an_unreadable_file_does_not_give_up_the_lines_above(self, stream: DataStream, run: Run) -> None:
        stream.faults.extend([Answer("busy", 503)] * 3)

        def broken() -> Iterator[tuple[str, RawLine]]:
            yield from numbered(25)
            raise InputError("b.log.gz: ends too early")

        with pytest.raises(IngestStoppedError) as caught:
            run(broken(), batch_lines=10, in_flight=1)
        said = str(caught.value)
        assert said.startswith("b.log.gz: ends too early\nPut that right or leave the file out")
        assert said.endswith(
            "Stopped with 25 lines stored. Run the same command again to go on: lines that are there already are left alone"
        )
        assert caught.value.exit_code == 4
        assert len(stream.texts) == 25
        assert run(numbered(30)) == IngestReport(read=30, created=5, already_there=25)

    def test_an_unreadable_first_file_is_bad_input(self, stream: DataStream, run: Run) -> None:
        def broken() -> Iterator[tuple[str, RawLine]]:
            raise InputError("a.log: is a folder")
            yield from ()

        with pytest.raises(InputError, match="is a folder"):
            run(broken())
        assert stream.bulks == []

    def test_a_cluster_that_fails_for_good_after_an_unreadable_file(self, stream: DataStream, engine: Engine) -> None:
        stream.faults.extend([Answer("busy", 503)] * 100)

        def broken() -> Iterator[tuple[str, RawLine]]:
            yield from numbered(11)
            raise InputError("a.log.gz: ends too early")

        with pytest.raises(ThrottledError):
            ingest(engine, broken(), STREAM, batch_lines=10, patience=0.1)

    @pytest.mark.parametrize("missing", ["/_ingest/pipeline/ollama.server", "/_index_template/logs-ollama.server"])
    def test_nothing_is_sent_before_detect_install(self, stream: DataStream, run: Run, missing: str) -> None:
        stream.cluster.on("GET", missing, Answer({}, 404))
        with pytest.raises(NotFoundError, match="run `detect install` first"):
            run(numbered(1))
        assert stream.bulks == []


class TestRollover:
    def test_a_replay_after_a_rollover_changes_nothing(self, stream: DataStream, run: Run) -> None:
        run(numbered(20), batch_lines=6)
        stream.rollover()
        assert run(numbered(20), batch_lines=6) == IngestReport(read=20, already_there=20)
        assert [len(index) for index in stream.indices] == [20, 0]
        assert len(stream.bulks) == 4

    def test_what_is_new_is_stored_in_the_new_index(self, stream: DataStream, run: Run) -> None:
        run(numbered(20))
        stream.rollover()
        run(numbered(22))
        stream.rollover()
        assert run(numbered(25)) == IngestReport(read=25, created=3, already_there=22)
        assert [len(index) for index in stream.indices] == [20, 2, 3]

    def test_the_older_indices_are_refreshed_once(self, stream: DataStream, run: Run) -> None:
        run(numbered(1))
        stream.rollover()
        run(numbered(50), batch_lines=5)
        assert len(stream.cluster.asked("POST", f"/{STREAM}/_refresh")) == 1

    def test_they_are_refreshed_again_after_a_lost_answer(self, stream: DataStream, run: Run) -> None:
        """What the lost request wrote may have gone to an older index late, where no search sees it yet."""
        run(numbered(1))
        stream.rollover()
        stream.faults.append(Answer(cut=True))
        run(numbered(5))
        assert len(stream.cluster.asked("POST", f"/{STREAM}/_refresh")) == 2

    def test_a_batch_is_no_larger_than_one_search_can_check(
        self, stream: DataStream, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("integration.commands.ingest.MAX_BATCH_LINES", 10)
        run(numbered(25), batch_lines=1000)
        assert sorted(map(len, stream.bulks)) == [5, 10, 10]

    def test_a_rollover_in_between_is_seen(self, stream: DataStream, run: Run) -> None:
        run(numbered(20))

        def rolling(asked: Request) -> Answer:
            answer = stream.bulk(asked)
            if len(stream.bulks) == 3:
                stream.rollover()
            return answer

        stream.cluster.on("POST|PUT", BULK, rolling)
        assert run(numbered(20), batch_lines=5, in_flight=1) == IngestReport(read=20, already_there=20)
        assert [len(index) for index in stream.indices] == [20, 0]
        assert len(stream.bulks) == 3

    def test_one_index_needs_no_search(self, stream: DataStream, run: Run) -> None:
        run(numbered(5))
        run(numbered(5))
        assert stream.cluster.asked("POST", f"/{STREAM}/_search") == []
