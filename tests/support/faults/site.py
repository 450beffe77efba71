"""A node with a namespace and a log of its own, the commands run against it, and what is on it afterwards compared with the log."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from integration.engines.base import Engine
from integration.evaluation.risk_events import risk_event
from integration.findings.finding import Finding
from integration.log.event import parse
from integration.log.files import RawLine, read_lines
from integration.log.redaction import redact
from integration.names import Namespace
from integration.times import parse_time, rfc3339
from tests.support.builders import RULE, error, findings_of
from tests.support.cli import Result, detect
from tests.support.faults.ledger import Count
from tests.support.waiting import DEADLINE

HOST = "gpu-1"
DETECT = Path(sys.executable).with_name("detect")
FROM, TO = "2026-11-24T06:50:00Z", "2026-11-24T14:50:00Z"
_SECONDS = 8 * 3_600
_SAID = 130


def write_log(path: Path, count: int) -> Path:
    """Write lines that are spread over the windows, every fourth of them an error that the rule selects."""
    start = parse_time(FROM)
    with path.open("w") as log:
        for number in range(count):
            at = rfc3339(start + number * _SECONDS // count * 1000, millis=True)
            level, said = ("INFO", "listening") if number % 4 else ("ERROR", f"model {number % 16} exited")
            print(error(f'source=server.go:{number} msg="{said}" err="exit status {number % 3}"', at=at, level=level), file=log)
    return path


@dataclass
class Command:
    """A command that runs as a process of its own; its input is open until it is closed, and what it says goes to files."""

    arguments: Sequence[str]
    folder: Path

    def __post_init__(self) -> None:
        self.out, self.err = self.folder / f"{id(self)}.out", self.folder / f"{id(self)}.err"
        # A test run in the background of a shell may have SIGINT ignored, and would pass that on.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with self.out.open("wb") as out, self.err.open("wb") as err:
                self.process = subprocess.Popen([DETECT, *self.arguments], stdin=subprocess.PIPE, stdout=out, stderr=err)
        finally:
            signal.signal(signal.SIGINT, before)

    def feed(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end(self, seconds: float = DEADLINE) -> Result:
        """Close its input and wait for its end, so long at most."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(seconds)
        return Result(code, self.out.read_text(), self.err.read_text())

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


@dataclass
class Site:
    """What a test works on; `url` is where its commands go: the node, or a proxy before it."""

    url: str
    engine: Engine
    namespace: Namespace
    log: Path
    windows: tuple[str, str] = (FROM, TO)
    """What `run` and `validate` are asked for."""
    commands: list[Command] = field(default_factory=list)

    def arguments(self, verb: str, *arguments: str) -> list[str]:
        # One rule, so that what a fault meets can be counted.
        rule = ["--rule", RULE.id]
        span = ["--from", self.windows[0], "--to", self.windows[1], *rule]
        files = {"ingest": [str(self.log), "--host", HOST, "--batch", "100"], "run": [*span, "--write"], "validate": span}
        return [verb, *files.get(verb, []), "--url", self.url, "--namespace", self.namespace.name, *arguments]

    def detect(self, verb: str, *arguments: str) -> Result:
        """Run a command in this process."""
        return detect(*self.arguments(verb, *arguments))

    def start(self, verb: str, *arguments: str) -> Command:
        """Start a command as a process."""
        return self.start_with(*self.arguments(verb, *arguments))

    def start_feeding(self, *arguments: str) -> Command:
        """Start `ingest` from standard input, so that the test says how far it comes."""
        where = ("--url", self.url, "--namespace", self.namespace.name)
        return self.start_with("ingest", "-", "--host", HOST, "--batch", "100", *where, *arguments)

    def start_with(self, *arguments: str) -> Command:
        command = Command(arguments, self.log.parent)
        self.commands.append(command)
        return command

    @cached_property
    def halves(self) -> tuple[bytes, bytes]:
        """The log in two pieces of whole batches."""
        lines = self.log.read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        return b"".join(lines[:middle]), b"".join(lines[middle:])

    @cached_property
    def lines(self) -> list[RawLine]:
        """The lines of the log."""
        return list(read_lines(str(self.log)))

    @cached_property
    def findings(self) -> list[Finding]:
        """What the reference finds in the log, in these windows."""
        start, end = map(parse_time, self.windows)
        found = findings_of([parse(line.text, host=HOST, shipped_at=line.shipped_at) for line in self.lines])
        return [finding for finding in found if start <= finding.window_start < end]

    def stored(self) -> Counter[tuple[int, str]]:
        """How often each line is stored, by its offset and text, in all backing indices together."""
        self.engine.refresh(self.namespace.events)
        hits = self.engine.scan(self.namespace.events, {"_source": ["event.original", "log.offset"]})
        # One that never saw the pipeline has no original, and is none of the lines.
        sources = (hit["_source"] for hit in hits)
        return Counter((source["log"]["offset"], source.get("event", {}).get("original", "")) for source in sources)

    def line_count(self) -> Count:
        """Compare the stored lines with the log."""
        sent = Counter((line.offset, redact(line.text)) for line in self.lines)
        stored = self.stored()
        return Count(sent.total(), (sent - stored).total(), (stored - sent).total())

    def risk_count(self) -> Count:
        """Compare the stored risk events with the reference's findings."""
        self.engine.refresh(self.namespace.risk)
        wanted = {finding.id: risk_event(RULE, finding) for finding in self.findings}
        found = {hit["_id"]: hit["_source"] for hit in self.engine.scan(self.namespace.risk, {})}
        lost = sum(found.get(event_id) != event for event_id, event in wanted.items())
        return Count(len(wanted), lost, len(found.keys() - wanted.keys()), "risk events")


def said(*results: Result) -> str:
    """What commands said at last, one after the other, each with its exit code."""
    return "; then: ".join(f"{_last_words(result)} ({result.code})" for result in results)


def _last_words(result: Result) -> str:
    """The end of what a command that failed said on standard error, and of what one that did not said at all, less its tables."""
    lines = (result.err if result.code else result.err + result.out).splitlines()
    words = ["nothing", *(line for line in lines if line[:1].isalnum())][-1]
    return words if len(words) <= _SAID else f"{words[: _SAID // 2]}…{words[-_SAID // 2 :]}"
