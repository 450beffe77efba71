"""What must hold of every line, whatever bytes it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator

from integration.cli.findings_output import _csv_cell
from integration.cli.output import escaped
from integration.evaluation.reference import Reference
from integration.findings.finding import Finding
from integration.log.event import Event, parse, stored
from integration.log.gin import FIELDS as GIN_FIELDS
from integration.log.line import cut
from integration.log.prefixes import strip
from integration.log.redaction import redact
from integration.log.shippers import unwrap
from integration.times import rfc3339
from tests.support.builders import RULE

FIELDS = (
    *("event.original", "event.dataset", "host.name", "log.level", "message", "error.message"),
    *("log.origin.file.name", "log.origin.file.line", "ollama.source", "ollama.msg", "ollama.err", "ollama.level", "ollama.line"),
    *GIN_FIELDS,
)
PREFIXES = ("Feb 26 10:05:31 host ollama[7]: ", "2025-02-26T10:05:31+0000 host ollama: ", "ollama-1  | ", "2025-03-06 23:33:40 ")
# `[REDACTED_EMAIL]` in place of `a@b.cc` is what makes a text grow most.
_MOST_GROWTH = 3


def check(data: bytes) -> None:
    """Take a log line the whole way to a finding; raises, mostly `AssertionError`, where something does not hold."""
    line = data.decode(errors="replace").replace("\n", " ").replace("\r", " ")
    event = parse(line, host=None, shipped_at=0)
    document = event.document()
    assert json.loads(json.dumps(document, ensure_ascii=False).encode()) == document
    rfc3339(event.time, millis=True)
    texts = list(_texts(document))
    assert all(len(text) <= _MOST_GROWTH * max(len(line), 10) for text in texts)
    assert all(escaped(text).isprintable() for text in texts)
    _is_the_same_when_read_back(event)
    _loses_its_wrapping(line)
    _is_found(event)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _is_the_same_when_read_back(event: Event) -> None:
    """As a second pass through the pipeline, or `validate`, meets it."""
    again = stored(event.original, host=event.host, time=event.time)
    assert [again.value(field) for field in FIELDS] == [event.value(field) for field in FIELDS]
    assert redact(event.original) == event.original


def _loses_its_wrapping(line: str) -> None:
    """A prefix or a Docker record around a line changes nothing in it."""
    bare = strip(line).text
    if not bare.startswith((" ", "|")):  # which some prefixes end with, or have behind them
        for prefix in PREFIXES:
            assert strip(prefix + bare).text == bare
    record = json.dumps({"log": f"{line}\n", "stream": "stderr", "time": "2025-10-02T14:46:20.123456789Z"})
    assert unwrap(record).text == unwrap(line).text
    assert cut(line) == line[: len(cut(line))]


def _is_found(event: Event) -> None:
    """Selected or not, it makes the one finding that its level and terms ask for, which JSON, CSV and a table can hold."""
    reference = Reference(RULE)
    selected = reference.add(event) is not None
    level = event.value("log.level")
    terms = RULE.selection[0].contains
    assert selected == (str(level).upper() == "ERROR" and any(term.lower() in event.original.lower() for term in terms))
    found = list(reference.findings())
    reference.close()
    assert len(found) == selected
    for finding in found:
        assert Finding.from_json(json.loads(json.dumps(finding.to_json())), finding.rule) == finding
        for value in finding.to_json().values():
            cells = str(_csv_cell(value)).split("\n")
            assert not any(cell.startswith(tuple("=+-@\t\uff1d\uff0b\uff0d\uff20")) for cell in cells)
