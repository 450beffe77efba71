from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from integration.commands.scan import needles
from integration.log.event import Event, event_of
from integration.log.files import CandidateReader
from integration.log.line import MAX_BYTES, cut, read
from integration.times import parse_time, rfc3339
from tests.support.builders import RULE, findings_of
from tests.support.lines import lines
from tests.support.shipments import wrapped_lines


def _bytes(case: dict[str, Any]) -> bytes:
    if case["encoding"] == "ascii+utf16":
        half = len(case["lines"]) // 2 + 1
        parts = ("\n".join([*part, ""]) for part in (case["lines"][:half], case["lines"][half:]))
        return next(parts).encode() + next(parts).encode("utf-16-le")
    return "\n".join(case["lines"]).encode()


def _selected(event: Event, host: str | None) -> dict[str, Any] | None:
    found = findings_of([event], RULE)
    if not found:
        return None
    fields = {"msg": "ollama.msg", "err": "ollama.err", "source": "ollama.source"}
    values = {name: event.value(field) for name, field in fields.items()}
    return {"time": rfc3339(event.time, millis=True), "host_in_line": host, **values, "class": found[0]["error_types"][0]}


@pytest.mark.parametrize("case", wrapped_lines(), ids=lambda case: case["id"])
@pytest.mark.parametrize("every", [False, True])
def test_cases(case: dict[str, Any], every: bool, tmp_path: Any) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(_bytes(case))
    found = [
        _selected(event_of(line.line, host=None, shipped_at=line.shipped_at), line.line.host)
        for line in CandidateReader(str(path), None if every else needles([RULE]))
    ]
    assert [event for event in found if event] == case["expect"]


@pytest.mark.parametrize(
    ("raw", "stamp", "minutes"),
    [
        ("time=2025-10-02T14:46:19.789-04:00 level=INFO", "2025-10-02T18:46:19.789Z", -240),
        ("ollama-1  | time=2025-10-02T14:46:19+05:30 level=INFO", "2025-10-02T09:16:19Z", 330),
        ("time=2025-10-02T14:46:19Z", "2025-10-02T14:46:19Z", 0),
        ("panic: x", None, None),
        ("time=2025-02-30T14:46:19.789Z x", None, None),
    ],
)
def test_the_stamp_and_its_zone(raw: str, stamp: str | None, minutes: int | None) -> None:
    line = read(raw)
    assert line.stamp == (None if stamp is None else parse_time(stamp))
    assert line.zone == (None if minutes is None else minutes * 60_000)


@given(lines)
def test_what_was_read_once_stays_as_it_is(line: str) -> None:
    bare = read(line)
    again = read(bare.text)
    # A line end, or the NULs that a log begins with that was cut off, may stand behind a prefix.
    assert again.text in (bare.text, bare.text.rstrip("\r\n"), bare.text.lstrip("\r\0"))


@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
@pytest.mark.parametrize("off", range(-2, 3))
def test_a_cut_is_between_characters(character: str, off: int) -> None:
    text = "x" * (MAX_BYTES + off - 12) + character * 12
    found = cut(text)
    assert text.startswith(found)
    assert len(found.encode()) <= MAX_BYTES
    assert found == text or len((found + character).encode()) > MAX_BYTES
