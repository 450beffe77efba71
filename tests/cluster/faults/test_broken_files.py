"""Files that break while they are read: what was read of them is stored, and the same command goes on."""

from __future__ import annotations

import gzip
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from integration.log.redaction import redact
from tests.cluster.faults.conftest import Tried
from tests.support.builders import error
from tests.support.cli import Result, detect
from tests.support.fake_cluster import Answer, Request
from tests.support.faults.ledger import Count
from tests.support.faults.proxy import Handle, Meeting, Proxy, bulks
from tests.support.faults.site import HOST, Command, Site
from tests.support.waiting import until

pytestmark = pytest.mark.enough_on("elasticsearch")
GO_ON = "Run the same command again to go on"


def ingest(site: Site, *files: Path | str) -> list[str]:
    shared = ("--host", HOST, "--batch", "100", "--in-flight", "1", "--url", site.url, "--namespace", site.namespace.name)
    return ["ingest", *map(str, files), *shared]


def count(site: Site, *texts: bytes) -> Count:
    """Compare the stored lines with texts that were in some files or other."""
    sent = Counter(redact(line) for text in texts for line in text.decode().splitlines())
    stored = Counter[str]()
    for (_, line), times in site.stored().items():
        stored[line] += times
    return Count(sent.total(), (sent - stored).total(), (stored - sent).total())


def stopped_midway(site: Site, result: Result, *said: str) -> int:
    """Return how many lines a command that stopped has stored, and says so."""
    stored = site.stored().total()
    assert (result.code, result.out) == (4, ""), result
    assert all(word in result.err for word in (*said, f"Stopped with {stored:,} lines stored", GO_ON)), result
    return stored


def test_a_damaged_file_among_others(site: Site, tmp_path: Path, tried: Tried) -> None:
    first, second = site.halves
    files = [tmp_path / name for name in ("a.log", "b.log.gz", "c.log")]
    third = error("source=c.go:1 msg=last").encode()
    packed = gzip.compress(second)
    for file, content in zip(files, (first, packed[: len(packed) * 2 // 3], third), strict=True):
        file.write_bytes(content)
    broken = detect(*ingest(site, *files))
    before = stopped_midway(site, broken, f"{files[1]}: the gzip file ends too early", "the files named after it were not read")
    assert 500 < before < 1_000
    files[1].write_bytes(packed)
    whole = detect(*ingest(site, *files))
    assert whole.code == 0, whole
    assert f"{before:,} already there" in whole.out
    tried(site.engine.name, "the second of three files is damaged", "ingest", count(site, first, second, third), broken, whole)


def test_a_file_that_vanishes_before_its_turn(site: Site, tmp_path: Path, tried: Tried) -> None:
    first, second = site.halves
    (tmp_path / "b.log").write_bytes(second)

    def feed() -> Command:
        command = site.start_with(*ingest(site, "-", tmp_path / "b.log"))
        command.feed(first)
        until(lambda: site.engine.exists(site.namespace.events) and site.stored().total() >= 300, "the first lines")
        return command

    command = feed()
    (tmp_path / "b.log").rename(tmp_path / "b.log.1")
    gone = command.end()
    assert stopped_midway(site, gone, f"{tmp_path / 'b.log'}: there is no such file") == 500
    (tmp_path / "b.log.1").rename(tmp_path / "b.log")
    back = feed().end()
    assert back.code == 0, back
    tried(site.engine.name, "the second of two files vanishes", "ingest", count(site, first, second), gone, back)


def test_a_file_that_is_rotated_by_copying_while_it_is_read(behind: Site, proxy: Proxy, tmp_path: Path, tried: Tried) -> None:
    log, copy, rest = behind.log, tmp_path / "server.log.1", tmp_path / "rest.log"
    old = log.read_bytes().replace(b"\n", f" rest={'-' * 2_000}\n".encode())  # more than is read at once
    log.write_bytes(old)
    new = "".join(f"{error(f'source=new.go:{number} msg=new')}\n" for number in range(50)).encode()

    def rotate(request: Request, handle: Handle) -> Answer:
        copy.write_bytes(old)
        log.write_bytes(new)
        return handle(request)

    proxy.fault = Meeting(rotate, bulks, {0}.__contains__)
    cut = detect(*ingest(behind, log))
    before = stopped_midway(behind, cut, f"{log}: was cut short while it was read")
    assert 0 < before < 1_000
    command = next(line for line in cut.err.splitlines() if "tail -c" in line).rpartition(": ")[2]
    rest.write_bytes(subprocess.run(command.replace("COPY", str(copy)).split(), capture_output=True, check=True).stdout)
    again = detect(*ingest(behind, log, rest))
    assert again.code == 0, again
    tried(behind.engine.name, "the file rotated by copying (copytruncate)", "ingest", count(behind, old, new), cut, again)
