"""`detect explain --finding`: the lines behind a finding, in time order, and what made its severity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import tzinfo
from heapq import nsmallest
from itertools import chain
from typing import Any, NamedTuple

from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.errors import InputError
from integration.evaluation.buckets import host_hours
from integration.evaluation.cluster import event_hits, label_of, time_of
from integration.evaluation.explanation import Part, reasons
from integration.evaluation.reference import Classifier, Reference
from integration.findings.finding import Finding, finding_id
from integration.findings.lines import EvidenceLine, FirstLines
from integration.log.event import Event, event_of, stored
from integration.log.files import read_lines
from integration.log.hosts import Hosts
from integration.render.aggregation import first_lines_search, lines_search
from integration.targets.kibana.alerts import flattened
from integration.times import parse_time

MAX_LINES = 1_000
"""The most lines that are shown of a finding: the first in time. The others are counted."""
MAX_CHARACTERS = 2_000
"""The most characters that are shown of a line."""
_MOST_NAMED = 10
_SOURCES = ["log.file.path", "log.offset"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finding, what made its severity, and its lines by time; `left_out` counts those beyond `MAX_LINES`."""

    finding: Finding
    reasons: tuple[Part, ...]
    lines: tuple[EvidenceLine, ...]
    left_out: int


class _Group(NamedTuple):
    """What a finding is about."""

    rule: Rule
    host: str
    window: Window

    @property
    def key(self) -> tuple[str, str, int]:
        return self.rule.id, self.host, self.window.start

    @property
    def id(self) -> str:
        return finding_id(*self.key)


class _Selected(NamedTuple):
    """An event that a rule selects, and where it stands. `file` and `offset` order events of one time that come in no order."""

    group: _Group
    event: Event
    label: str
    place: str
    file: str = ""
    offset: int = 0

    @property
    def line(self) -> EvidenceLine:
        return EvidenceLine(self.event.time, self.label, self.place, self.event.original)

    @property
    def order(self) -> tuple[int, str, int]:
        return self.event.time, self.file, self.offset


def evidence_in_files(rules: Sequence[Rule], paths: Iterable[str], hosts: Hosts, wanted: str, zone: tzinfo) -> Evidence:
    """Return what is behind the finding in log files whose id begins with `wanted`; `InputError` where it is none or several."""
    evidence = _evidence(_in_files(rules, paths, hosts, wanted), wanted, zone)
    if evidence is None:
        raise InputError(
            f"no finding in these files has an id that begins with {wanted}; "
            "name all the files that were read, and the same --host or --host-from"
        )
    return evidence


def evidence_on_cluster(engine: Engine, rules: Sequence[Rule], index: str, risk_index: str, wanted: str, zone: tzinfo) -> Evidence:
    """Return what is behind the finding whose id begins with `wanted`, by risk events, else by every host and window of the index.

    `InputError` where there are several, where there is none, or no event of it any more.
    """
    group = _stored_group(engine, rules, risk_index, wanted) or _group_of_events(engine, rules, index, wanted)
    evidence = None if group is None else _evidence(_on_cluster(engine, index, group), wanted, zone)
    if evidence is None:
        if group is not None:
            raise InputError(f"{index} has no events any more of the finding whose id begins with {wanted!r}")
        raise InputError(
            f"no finding has an id that begins with {wanted!r}: no risk event in {risk_index} has it, nor would a host in any "
            f"window of {index}; name the log files where `detect scan` told of it"
        )
    return evidence


def _evidence(selected: Iterator[_Selected], wanted: str, zone: tzinfo) -> Evidence | None:
    """Return the evidence of one group's events, None where there is none."""
    first = next(selected, None)
    if first is None:
        return None
    with closing(Reference(first.group.rule, zone)) as reference:

        def lines() -> Iterator[tuple[tuple[int, str, int], EvidenceLine]]:
            for each in chain((first,), selected):
                if each.group.key != first.group.key:
                    raise _several(wanted, (first.group.id, each.group.id))
                reference.add(each.event)
                yield each.order, each.line.cut(MAX_CHARACTERS)

        shown = tuple(line for _, line in nsmallest(MAX_LINES, lines(), key=lambda each: each[0]))
        (_, _, statistics), *_ = reference.statistics()
        finding = next(reference.findings(), None)
    if finding is None:
        return None
    return Evidence(finding, tuple(reasons(first.group.rule, statistics, finding)), shown, statistics.events - len(shown))


def _in_files(rules: Sequence[Rule], paths: Iterable[str], hosts: Hosts, wanted: str) -> Iterator[_Selected]:
    classifiers = [(rule, Classifier(rule)) for rule in rules]
    for path in paths:
        for raw in read_lines(path):
            event = event_of(raw.line, host=hosts.of(raw.path, raw.line.host).name, shipped_at=raw.shipped_at)
            for rule, classifier in classifiers:
                if (label := classifier.classify(event)) is not None:
                    group = _Group(rule, event.host, rule.windows.window_of(event.time))
                    if group.id.startswith(wanted):
                        yield _Selected(group, event, label, f"{raw.path}:{raw.number}")


def _stored_group(engine: Engine, rules: Sequence[Rule], index: str, wanted: str) -> _Group | None:
    """Return what the risk event of the wanted id is about, None where there is none of these rules."""
    found = ["finding.rule_id", "finding.host", "finding.window_start"]
    hits = engine.search(index, {"size": 10, "query": {"prefix": {"event.id": wanted}}, "_source": found})["hits"]["hits"]
    records = [hit["_source"]["finding"] for hit in hits]
    by_id = {rule.id: rule for rule in rules}
    about = [(by_id[record["rule_id"]], record) for record in records if record["rule_id"] in by_id]
    return _one(
        (_Group(rule, each["host"], rule.windows.window_of(parse_time(each["window_start"]))) for rule, each in about), wanted
    )


def _group_of_events(engine: Engine, rules: Sequence[Rule], index: str, wanted: str) -> _Group | None:
    """Return what the finding of the wanted id is about, looking at every host and window in which there are events."""
    hours = ((rule, *each) for rule in rules for each in host_hours(engine, rule, index))
    groups = (_Group(rule, host, window) for rule, host, start, end in hours for window in rule.windows.overlapping(start, end))
    return _one((group for group in groups if group.id.startswith(wanted)), wanted)


def _one(groups: Iterable[_Group], wanted: str) -> _Group | None:
    by_id = {group.id: group for group in groups}
    if len(by_id) > 1:
        raise _several(wanted, by_id)
    return next(iter(by_id.values()), None)


def _several(wanted: str, ids: Iterable[str]) -> InputError:
    return InputError(f"several findings have ids that begin with {wanted}: {', '.join(sorted(ids)[:_MOST_NAMED])}")


def _on_cluster(engine: Engine, index: str, group: _Group) -> Iterator[_Selected]:
    window = group.window
    body = lines_search(group.rule, engine.name, window.start, window.end, group.host) | _shown(group.rule)
    return _selected(group, event_hits(engine, group.rule, index, body))


def first_lines(engine: Engine, index: str, finding: Finding, most: int, most_characters: int) -> FirstLines:
    """Return the first `most` lines in time behind a finding of an index, `most_characters` of each, by one search."""
    group = _Group(finding.rule, finding.host, finding.rule.windows.window_of(finding.window_start))
    body = first_lines_search(group.rule, engine.name, finding.window_start, finding.window_end, group.host, most)
    hits = engine.search(index, body | _shown(group.rule))["hits"]
    selected = sorted(_selected(group, hits["hits"]), key=lambda each: each.order)
    shown = tuple(each.line.cut(most_characters) for each in selected)
    return FirstLines(shown, hits["total"]["value"] - len(shown) if shown else 0)


def _shown(rule: Rule) -> dict[str, list[str]]:
    """Return what a search shows of an event for its line and its place."""
    return {"_source": [name_in_index(rule, "event.original"), *_SOURCES]}


def _selected(group: _Group, hits: Iterable[Mapping[str, Any]]) -> Iterator[_Selected]:
    """Yield the events that the cluster gives a class."""
    line = name_in_index(group.rule, "event.original")
    for hit in hits:
        if (label := label_of(group.rule, hit)) is not None:
            source = dict(flattened(hit["_source"]))
            event = stored(str(source.get(line, "")), host=group.host, time=time_of(group.rule, hit))
            file, offset = (source.get(name) for name in _SOURCES)
            place = f"document {hit['_id']}" if file is None else f"{file}, byte {offset}"
            yield _Selected(group, event, label, place, str(file), offset if isinstance(offset, int) else 0)
