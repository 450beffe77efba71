"""`detect explain`: what each step makes of one line, by the reference and by a cluster's pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import InputError, NotFoundError
from integration.evaluation.cluster import label_of
from integration.evaluation.explanation import Verdict, verdict
from integration.install.streams import gin_timezone
from integration.log.documents import clock_zone
from integration.log.event import Event, event_of, stored, with_clock
from integration.log.files import RawLine, read_lines
from integration.log.hosts import Hosts
from integration.log.line import MAX_BYTES, Line, Steps, steps
from integration.log.prefixes import PREFIXES
from integration.log.redaction import redact
from integration.log.shipper_times import zone_of
from integration.names import PIPELINE
from integration.render.aggregation import lines_search
from integration.targets.kibana.alerts import flattened
from integration.times import parse_time, rfc3339

_CAPTURES = {
    "log.level": "Splunk's automatic field `level`",
    "ollama.source": "SPL 2, code_source",
    "ollama.msg": "SPL 3, msg",
    "ollama.err": "SPL 4, err",
    "ollama.level": "SPL 5, log_level",
}
_WAY = ("carrier", "length", "redaction")


@dataclass(frozen=True, slots=True)
class Step:
    """A step from a line to its event: what it did in words, or the value that it took out of the line.

    `there` is what the cluster has in its place where it differs.
    """

    name: str
    says: str
    there: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of a line: each step, and what each rule makes of the event. `compared` says whether a cluster was asked."""

    place: str
    event: Event
    steps: tuple[Step, ...]
    verdicts: tuple[Verdict, ...]
    compared: bool = False

    @property
    def differs(self) -> bool:
        """Whether the cluster differs in any step."""
        return any(step.there is not None for step in self.steps)


def line_at(place: str) -> RawLine:
    """Return the line that FILE:LINE names, as an editor counts lines; `-` is the first of standard input.

    A file in a zip is ZIP/NAME. `InputError` where there is no such line.
    """
    path, colon, number = ("-", ":", "1") if place == "-" else place.rpartition(":")
    if not colon or not number.isdecimal() or int(number) < 1:
        raise InputError(f"{place!r}: write FILE:LINE, as in server.log:42, or - for a line on standard input")
    file = next((str(parent) for parent in Path(path).parents if parent.is_file()), path)
    last = 0
    for line in read_lines(file):
        if line.path == path:
            if line.number == int(number):
                return line
            last = line.number
    raise InputError(f"{path} has no line {number} that holds anything" + f"; its last one is {last:,}" * (last < int(number)))


def explain_line(line: RawLine, hosts: Hosts, rules: Iterable[Rule], engine: Engine | None = None) -> Explanation:
    """Explain a line of a log; with an engine, beside what the installed pipeline there makes of it."""
    machine = hosts.of(line.path, line.line.host)
    sent: dict[str, Any] = {
        "@timestamp": rfc3339(line.shipped_at, millis=True),
        "message": line.text,
        "host": {"name": machine.name},
    }
    clock = _clock(line.line)
    if line.line.stamp is not None and (zone := clock_zone(line.line.text, line.line.stamp)):
        sent["event"] = {"timezone": zone}
    elif engine is not None and (read := with_clock(line.line, zone_of(gin_timezone(engine)))) != line.line:
        line, clock = line._replace(line=read), "its own clock, in the zone of the installation"
    event = event_of(line.line, host=machine.name, shipped_at=line.shipped_at)
    way = steps(line.text)
    named = "its carrier names it" if line.line.host == machine.name else "its path names it, or an option does"
    origin = named if machine.is_named else "nothing names another machine than this one"
    found = [*_way(line.text, way), *_fields(event, {"@timestamp": clock, "host.name": origin})]
    explained = Explanation(f"{line.path}:{line.number}", event, tuple(found), tuple(verdict(rule, event) for rule in rules))
    if engine is None:
        return explained
    texts, document = _simulated(engine, sent)
    document.get("event", {}).pop("timezone", None)  # which we sent
    here = dict(zip(_WAY, (way.stripped.text, way.whole, way.redacted), strict=True))
    there = {name: redact(text) for name, text in texts.items() if text != here[name]} | _differing(event.document(), document)
    return _beside(explained, there)


def explain_document(engine: Engine, rules: Sequence[Rule], index: str, document_id: str) -> Explanation:
    """Explain a document of an index; what is stored, and the label that the cluster gives, are compared with the reference.

    Raises `NotFoundError` where there is none of that id.
    """
    labels: dict[str, str] = {}
    found: dict[str, Any] | None = None
    for rule in rules:
        body = lines_search(rule, engine.name, 0, 1, "") | {"query": {"ids": {"values": [document_id]}}, "_source": True}
        for found in engine.search(index, body)["hits"]["hits"]:
            labels[rule.id] = str(label_of(rule, found))
    if found is None:
        raise NotFoundError(f"{index} holds no document {document_id}")
    source = dict(flattened(found["_source"]))
    line, host, time = (name_in_index(rules[0], name) for name in ("event.original", "host.name", "@timestamp"))
    try:
        event = stored(source[line], host=source[host], time=parse_time(source[time]))
    except KeyError as error:
        raise InputError(f"{index}, document {document_id}: has no {error.args[0]}, so that it is not an event") from error
    verdicts = tuple(verdict(rule, event) for rule in rules)
    here = {} if rules[0].field_names.own_index else event.document()  # what else an index of the user's own holds, is theirs
    differing = _differing(here, {name: source.get(name) for name in dict(flattened(here))})
    differing |= {f"label of {each.rule.id}": labels[each.rule.id] for each in verdicts if labels[each.rule.id] != str(each.label)}
    tags = source.get("tags") or []
    found_steps = [Step("tags", ", ".join(tags))] * bool(tags) + list(_fields(event, {}))
    path = source.get("log.file.path")
    place = "" if path is None else f" ({path}, byte {source.get('log.offset')})"
    return _beside(Explanation(f"{index}, document {document_id}{place}", event, tuple(found_steps), verdicts), differing)


def _way(raw: str, way: Steps) -> Iterator[Step]:
    """Yield what was done to the line before anything was read of it."""
    around = "the JSON around it is undone" * (way.unwrapped.text != raw.rstrip("\r\n"))
    prefix = way.unwrapped.text[: len(way.unwrapped.text) - len(way.stripped.text)]
    carriers = [name for name, pattern in PREFIXES.items() if prefix and re.fullmatch(pattern, prefix)]
    taken = f"{carriers[0] if carriers else 'what stands before the record'} is taken off: {redact(prefix)}" * bool(prefix)
    yield Step("carrier", "; ".join(filter(None, (around, taken))) or "none: the line is as Ollama wrote it")
    is_whole = way.whole == way.stripped.text
    yield Step("length", f"{len(way.whole):,} characters" if is_whole else f"cut after {MAX_BYTES:,} bytes")
    marks = {"e-mail addresses": "[REDACTED_EMAIL]", "keys or credentials": "=[REDACTED]"}
    counted = [f"{what}: {count}" for what, mark in marks.items() if (count := way.redacted.count(mark) - way.whole.count(mark))]
    changed = ", ".join(counted) or "what was blanked out before"
    yield Step("redaction", "nothing to blank out" if way.redacted == way.whole else f"blanked out: {changed}")


def _clock(read: Line) -> str:
    if read.stamp is not None:
        return "its own time" if read.zone is not None else "its own clock, in the zone of the records around it"
    return "its carrier's time" if read.carried is not None else "it has none: that of a line above, else when the file was written"


def _fields(event: Event, origins: Mapping[str, str]) -> Iterator[Step]:
    """Yield the values of an event by dotted name, the line first, and what SPL captures but finds nothing for."""
    values = dict.fromkeys(_CAPTURES, "nothing") | dict(flattened(event.document()))
    for name in sorted(values, key=lambda name: (name != "event.original", name)):
        origin = origins.get(name) or _CAPTURES.get(name)
        yield Step(name, f"{values[name]}{f'  ({origin})' if origin else ''}")


def _simulated(engine: Engine, sent: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the text after each step of the way in the installed pipeline, and the document in the end."""
    path = f"/_ingest/pipeline/{PIPELINE}/_simulate"
    answer = engine.request("POST", path, {"docs": [{"_source": sent}]}, {"verbose": True}, retry=True)
    begins = {"cut": "carrier", "redact-emails": "length"}  # of a line that needs them
    texts: dict[str, str] = {}
    source: dict[str, Any] = {}
    for result in answer["docs"][0]["processor_results"]:
        step = begins.get(result.get("tag", ""))
        if step is not None:
            texts.setdefault(step, str(dict(flattened(source)).get("message")))
        source = result.get("doc", {}).get("_source", source)
    return texts | {"redaction": str(dict(flattened(source)).get("event.original"))}, source


def _differing(here: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, str]:
    """Return what the cluster has, by field, where it is not the same."""
    ours, theirs = dict(flattened(here)), dict(flattened(there))
    return {name: str(theirs.get(name, "nothing")) for name in sorted(ours | theirs) if ours.get(name) != theirs.get(name)}


def _beside(explained: Explanation, there: Mapping[str, str]) -> Explanation:
    """Put what the cluster has beside the steps where it differs; a step of the cluster alone comes last."""
    named = {step.name for step in explained.steps}
    own = [Step(name, "nothing", text) for name, text in there.items() if name not in named]
    marked = [replace(step, there=there.get(step.name)) for step in explained.steps]
    return replace(explained, steps=(*marked, *own), compared=True)
