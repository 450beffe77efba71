"""The document of a line, and its id."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.log.documents import Tally, clock_zone, document, with_host
from integration.log.files import RawLine
from integration.log.hosts import Hosts
from integration.log.line import read
from integration.times import parse_time

TEXT = "time=x level=ERROR"
LINE = RawLine(TEXT, "/var/log/ollama.log", 7, 120, 1_795_518_869_739, read(TEXT))


class TestIds:
    def test_an_id_never_changes(self) -> None:
        """The ids of what is stored on clusters: another way to make them would store every line a second time."""
        assert document("gpu-1", LINE).id == "b853f9224dd1e2d6f85453f12e15db97"

    @pytest.mark.parametrize(
        "other",
        [
            ("gpu-2", LINE),
            ("gpu-1", LINE._replace(text="time=x level=error")),
            ("gpu-1", LINE._replace(path="/var/log/other.log")),
            ("gpu-1", LINE._replace(offset=121)),
        ],
    )
    def test_all_that_tells_lines_apart_tells_ids_apart(self, other: tuple[str, RawLine]) -> None:
        assert document(*other).id != document("gpu-1", LINE).id

    def test_the_number_and_the_shippers_time_do_not(self) -> None:
        assert document("gpu-1", LINE._replace(number=1, shipped_at=0)).id == document("gpu-1", LINE).id

    def test_parts_do_not_run_together(self) -> None:
        one = document("ab", LINE._replace(text="x", path="/c"))
        other = document("a", LINE._replace(text="xb", path="/c"))
        assert one.id != other.id

    def test_a_path_is_made_whole(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "whole-a.log")
        whole = document("h", LINE._replace(path=str(tmp_path / "whole-a.log")))
        monkeypatch.chdir(tmp_path)
        for path in ("whole-a.log", "./x/../whole-a.log", "link"):
            # Each name once: where a name leads is looked up at its first line.
            assert document("h", LINE._replace(path=path)).id == whole.id

    def test_standard_input_is_no_path(self) -> None:
        assert json.loads(document("h", LINE._replace(path="-")).source)["log"]["file"] == {"path": "-"}


class TestDocuments:
    @given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
    def test_every_text_survives(self, text: str, host: str) -> None:
        made = document(host, LINE._replace(text=text))
        assert "\n" not in made.source
        assert json.loads(made.source) == {
            "@timestamp": "2026-11-24T11:14:29.739Z",
            "message": text,
            "host": {"name": host},
            "log": {"file": {"path": "/var/log/ollama.log"}, "offset": 120},
        }
        assert made.size >= len(made.source.encode())
        assert (made.path, made.number) == ("/var/log/ollama.log", 7)

    def test_a_file_name_that_is_no_utf_8(self) -> None:
        made = document("h", LINE._replace(path=os.fsdecode(b"/var/log/\xff.log")))
        assert json.loads(made.source)["log"]["file"]["path"] == "/var/log/\ufffd.log"
        assert made.id != document("h", LINE._replace(path=os.fsdecode(b"/var/log/\xfe.log"))).id


GIN = '[GIN] 2026/11/24 - 12:14:29 | 200 | 1s | 127.0.0.1 | GET "/"'
AT = parse_time("2026-11-24T11:14:29Z")


class TestZones:
    @pytest.mark.parametrize(
        ("time", "zone"),
        [
            ("2026-11-24T11:14:29Z", "+01:00"),
            ("2026-11-24T12:14:29Z", "+00:00"),
            ("2026-11-24T15:44:29Z", "-03:30"),
            ("2026-11-23T18:14:29Z", "+18:00"),
            ("2026-11-23T18:13:29Z", "none"),
            ("2026-11-24T11:14:29.5Z", "none"),
        ],
    )
    def test_of_a_clock_and_a_time(self, time: str, zone: str) -> None:
        assert clock_zone(GIN, parse_time(time)) == zone
        assert clock_zone(TEXT, parse_time(time)) is None

    def test_an_access_line_of_a_known_zone_names_it(self) -> None:
        line = read(GIN)
        known = LINE._replace(text=GIN, line=line._replace(stamp=AT))
        assert "event" not in json.loads(document("h", known).source)
        made = document("h", known, with_zone=True)
        assert json.loads(made.source)["event"] == {"timezone": "+01:00"}
        assert made.size >= len(made.source.encode())
        record = read("time=2026-11-24T11:14:29Z level=INFO")
        for other in (LINE._replace(text=GIN, line=line), LINE._replace(line=record), LINE):
            assert document("h", other, with_zone=True) == document("h", other)


class TestHosts:
    TEXT = "Feb 26 10:05:31 gpu-9 ollama[1499630]: time=x level=ERROR"
    JOURNAL = LINE._replace(text=TEXT, line=read(TEXT))

    def test_the_option_wins(self) -> None:
        assert [host for host, _ in with_host([self.JOURNAL, LINE], Hosts(given="gpu-1"), Tally())] == ["gpu-1", "gpu-1"]

    def test_then_the_journal_then_this_machine(self) -> None:
        tally, here = Tally(), socket.gethostname()
        assert list(with_host([self.JOURNAL, LINE, LINE], Hosts(), tally)) == [("gpu-9", self.JOURNAL), (here, LINE), (here, LINE)]
        assert (tally.hosts, tally.unnamed, tally.undated) == ({"gpu-9": 1, here: 2}, 2, 3)
