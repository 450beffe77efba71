"""What comes of a case beside a rule: by the reference, and by a cluster's pipeline and the rule there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple
from uuid import uuid4

from integration.detection.cases import NOT_SELECTED, Case
from integration.detection.loading import tuples
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import ClusterError
from integration.evaluation.cluster import evaluate, event_hits, label_of
from integration.evaluation.reference import Classifier, Reference
from integration.findings.finding import Finding
from integration.log.documents import clock_zone
from integration.log.event import Event, event_of, parse
from integration.log.files import read_text
from integration.log.line import read
from integration.names import EVENTS_TEMPLATE
from integration.render.aggregation import lines_search
from integration.times import parse_time, rfc3339

_SHOWN = 100
_PLACES = ("host", "window_start")


class Sent(NamedTuple):
    """A line as a shipper sends it, `at` then (epoch milliseconds), and its event by the reference."""

    text: str
    host: str
    at: int
    event: Event


class Outcome(NamedTuple):
    """What came of a case's lines: of each its text, label and event's document, and the findings of all."""

    texts: list[str]
    labels: list[str]
    documents: list[Mapping[str, Any]]
    findings: list[Finding]


def sent_lines(case: Case) -> list[Sent]:
    """Return a case's lines as they are sent. A carrier's host goes before the case's own."""
    if case.log:
        lines = read_text(case.log, case.name, written=case.shipped_at)
        hosted = [(line, line.line.host or case.host) for line in lines]
        return [
            Sent(raw.text, host, raw.shipped_at, event_of(raw.line, host=host, shipped_at=raw.shipped_at)) for raw, host in hosted
        ]
    texts = [(text, read(text).host or case.host) for text in (*case.lines, *(entry.line for entry in case.labels))]
    return [Sent(text, host, case.shipped_at, parse(text, host=host, shipped_at=case.shipped_at)) for text, host in texts]


def by_reference(rule: Rule, sent: Sequence[Sent]) -> Outcome:
    """Return what the reference makes of lines."""
    classifier = Classifier(rule)
    with closing(Reference(rule)) as reference:
        for line in sent:
            reference.add(line.event)
        labels = [classifier.classify(line.event) or NOT_SELECTED for line in sent]
        return Outcome([line.text for line in sent], labels, [line.event.document() for line in sent], list(reference.findings()))


def by_cluster(engine: Engine, rule: Rule, sent: Sequence[Sent]) -> Outcome:
    """Return what the installed pipeline and the rule make of lines, in an index of their own that is deleted again.

    Its settings and mapping are those of the installed index template.
    """
    template = engine.request("POST", f"/_index_template/_simulate/{EVENTS_TEMPLATE}", retry=True)["template"]
    index = f"detect-test-{uuid4().hex}"
    engine.request("PUT", f"/{index}", {"settings": template["settings"], "mappings": template["mappings"]})
    try:
        return _in_index(engine, rule, index, sent)
    finally:
        engine.delete_index(index)


def _in_index(engine: Engine, rule: Rule, index: str, sent: Sequence[Sent]) -> Outcome:
    sources = [_source(line) for line in sent]
    for item in engine.bulk_create(index, [(str(number), json.dumps(source)) for number, source in enumerate(sources)]):
        if not item.ok:
            raise ClusterError(f"{engine.url} refused line {int(item.id) + 1} of a case: {item.reason}")
    engine.refresh(index)
    found = {hit["_id"]: hit["_source"] for hit in engine.scan(index, {"query": {"match_all": {}}})}
    documents = [found[str(number)] for number in range(len(sent))]
    times = [parse_time(document["@timestamp"]) for document in documents]
    labels: dict[str, str] = {}
    for host in {document["host"]["name"] for document in documents}:
        for hit in event_hits(engine, rule, index, lines_search(rule, engine.name, min(times), max(times) + 1, host)):
            labels[hit["_id"]] = label_of(rule, hit) or NOT_SELECTED
    windows = sorted({rule.windows.window_of(time) for time in times}, key=lambda window: window.start)
    findings = [finding for window in windows for finding in evaluate(engine, rule, index, window)]
    numbers = [str(number) for number in range(len(sent))]
    return Outcome([line.text for line in sent], [labels.get(number, NOT_SELECTED) for number in numbers], documents, findings)


def _source(line: Sent) -> dict[str, Any]:
    """Return a line's document, which has the reference's time whatever zone was installed for access lines."""
    source: dict[str, Any] = {"@timestamp": rfc3339(line.at, millis=True), "message": line.text, "host": {"name": line.host}}
    zone = clock_zone(line.event.original, line.event.time)
    return source | {"event": {"timezone": zone}} if zone else source


def faults(case: Case, outcome: Outcome) -> Iterator[str]:
    """Yield in words where an outcome is not what a case expects."""
    for number, labelled in enumerate(case.labels, 1):
        yield from _fault(number, outcome, "label", outcome.labels[number - 1], labelled.label)
    if case.expect is not None:
        if len(case.expect) != len(outcome.labels):
            yield f"there are {len(outcome.labels)} lines, but {len(case.expect)} entries under `expect`"
        for number, entry in enumerate(case.expect[: len(outcome.labels)], 1):
            for name, expected in entry.items():
                yield from _fault(number, outcome, name, value_of(outcome, number - 1, name), expected)
    if case.findings is not None:
        for expected, finding in paired(case.findings, outcome.findings):
            yield from _faults_of_finding(expected, finding)


def _fault(number: int, outcome: Outcome, name: str, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        text = outcome.texts[number - 1]
        yield f"line {number}: {name} is {_compared(found, expected)}: {text[:_SHOWN]}{'…' * (len(text) > _SHOWN)}"


def value_of(outcome: Outcome, number: int, name: str) -> object:
    """Return the label of a line or the value of a field of its event, by its dotted name; None where it has none."""
    if name == "label":
        return outcome.labels[number]
    at: object = outcome.documents[number]
    for part in name.split("."):
        at = at.get(part) if isinstance(at, Mapping) else None
    return tuples(at)


def paired(
    expected: Iterable[Mapping[str, Any]], findings: Iterable[Finding]
) -> Iterator[tuple[Mapping[str, Any] | None, Finding | None]]:
    """Yield each expected finding with the first one of its host (and of its window, if it states one), then the rest."""
    left = list(findings)
    for entry in expected:
        places = [name for name in _PLACES if name in entry]
        found = next((each for each in left if all(each.to_json()[name] == entry[name] for name in places)), None)
        if found is not None:
            left.remove(found)
        yield entry, found
    for each in left:
        yield None, each


def _faults_of_finding(expected: Mapping[str, Any] | None, finding: Finding | None) -> Iterator[str]:
    if expected is None and finding is not None:
        window = rfc3339(finding.window_start, millis=False)
        yield f"a finding that is not expected: host {finding.host}, window_start {window}, severity {finding.severity}"
    elif expected is not None and finding is None:
        yield "no finding of " + " from ".join(expected[name] for name in _PLACES if name in expected)
    elif expected is not None and finding is not None:
        columns = finding.to_json()
        for name, value in expected.items():
            if name not in columns:
                yield f"finding of {finding.host}: there is no column {name}; there are {', '.join(columns)}"
            elif tuples(columns[name]) != value:
                yield f"finding of {finding.host}: {name} is {_compared(columns[name], value)}"


def _compared(found: object, expected: object) -> str:
    """Return both in words: texts as they are, and in JSON where the types differ."""
    texts = isinstance(found, str) and isinstance(expected, str)
    left, right = (each if texts else json.dumps(each, ensure_ascii=False) for each in (found, expected))
    return f"{left}, not {right}"
