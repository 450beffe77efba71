"""Documents that did not become events as they should: how many of each kind, who sends them, and what mends them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integration.engines.base import Engine
from integration.errors import ClusterError, ForbiddenError
from integration.log.event import DATASET, HOST_MISSING, LINE_UNLISTED, PARSE_FAILURE, RECORD_APART, UNKNOWN_HOST
from integration.log.line import LINE_CUT, TIME_FAILURE
from integration.names import API, PIPELINE, PROMPTS, Namespace
from integration.targets.kibana.alerts import flattened

_MOST_SENDERS = 5
_OF_ONE = {"they are": "it is", "them": "it", "their": "its", "name": "names", "have": "has", "were": "was", "are": "is"}
_SAMPLE = 1_000

# A shipper may write a dataset and keep the original, but tells no line's kind, which the pipeline does unless it fails.
_MARKED = {
    "bool": {"should": [{"exists": {"field": "ollama.line"}}, {"term": {"tags": PARSE_FAILURE}}], "minimum_should_match": 1},
}
_BY_THE_PIPELINE = {"bool": {"filter": [{"term": {"event.dataset": DATASET}}, _MARKED]}}
_NAMES_NO_HOST = [{"term": {"tags": HOST_MISSING}}, {"term": {"host.name": UNKNOWN_HOST}}]
_REMOVE_TAG = "if (ctx._source.tags instanceof List) { ctx._source.tags.removeIf(tag -> tag == params.tag) }"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document that is not as it should be.

    `label` names its row below that of all events. The braces in `text` hold words that are others where there is one document.
    `fault` says that lines are lost, or several machines counted as one; `advice` what to set where they come from; `again` that
    the pipeline mends them.
    """

    name: str
    label: str
    text: str
    query: Mapping[str, Any]
    fault: bool = False
    advice: str = ""
    again: bool = False


KINDS = (
    Kind(
        "past_pipeline",
        "that never went through the pipeline",
        "never went through the pipeline: {they are} not redacted, and no rule sees {them}",
        {"bool": {"must_not": [_BY_THE_PIPELINE]}},
        fault=True,
        advice=f"let the shipper name the pipeline (pipeline={PIPELINE}; docs/shipping shows where), and send these through it now",
        again=True,
    ),
    Kind(
        "parse_failures",
        "on which the pipeline failed",
        "made the pipeline fail (`ollama.parse_error` says why), so that no rule may see {them}",
        {"term": {"tags": PARSE_FAILURE}},
        fault=True,
        advice="run `detect install`, and send these through the pipeline again",
        again=True,
    ),
    Kind(
        "without_host",
        "that name no machine",
        f"{{name}} no machine: findings for the host {UNKNOWN_HOST!r} may sum up several",
        {"bool": {"should": _NAMES_NO_HOST, "minimum_should_match": 1}},
        fault=True,
        advice="let the shipper send `host.name` (docs/shipping shows how), and name the machine of those that are stored",
    ),
    Kind(
        "line_unlisted",
        "whose line was in an unknown field",
        "had {their} line in a field that is not known for it (`ollama.parse_error` names it): let the shipper use `message`",
        {"term": {"tags": LINE_UNLISTED}},
    ),
    Kind(
        "record_apart",
        "whose level ERROR is not in their line",
        "{have} the level ERROR in a field, not in {their} line, and no rule looks there: let the shipper send the line as it is",
        {"term": {"tags": RECORD_APART}},
    ),
    Kind(
        "without_time",
        "whose own time cannot be read",
        "{have} a time of {their} own that cannot be read: that of the shipper counts",
        {"term": {"tags": TIME_FAILURE}},
    ),
    Kind(
        "cut_lines",
        "whose line was cut at 200,000 bytes",
        "had a line of more than 200,000 bytes: the rest of it is not stored, as in Splunk",
        {"term": {"tags": LINE_CUT}},
    ),
)


@dataclass(frozen=True, slots=True)
class Loss:
    """How many documents of a kind there are, and what sends them, the most frequent first.

    `fault` says that there are some, and that lines are lost by it or several machines counted as one.
    """

    kind: str
    label: str
    count: int
    fault: bool
    text: str
    senders: tuple[str, ...] = ()
    mend: str = ""


@dataclass(frozen=True, slots=True)
class JsonEvents:
    """The documents of a data stream of JSON events: how many, and those that did not become such events."""

    index: str
    count: int
    losses: tuple[Loss, ...]


def losses(engine: Engine, index: str, start: int | None = None, end: int | None = None) -> list[Loss]:
    """Count the documents of every kind in an index, of those in [`start`, `end`) where bounds are given."""
    found = [_loss(engine, index, kind, _within(kind, start, end)) for kind in KINDS]
    return [*found, *_refused(engine, index)]


def unseen(engine: Engine, index: str, start: int | None, end: int | None) -> str | None:
    """Return what to tell who evaluates [`start`, `end`), of documents there that no rule sees; None where there are none."""
    kind = KINDS[0]
    count = engine.count(index, _within(kind, start, end))
    told = _agreeing(kind.text, count)
    return f"{count:,} document{'s' * (count != 1)} in {index} {told}. `detect status` says how to mend that." if count else None


def _within(kind: Kind, start: int | None, end: int | None) -> dict[str, Any]:
    bounds = {bound: time for bound, time in (("gte", start), ("lt", end)) if time is not None}
    within = [{"range": {"@timestamp": bounds | {"format": "epoch_millis"}}}] if bounds else []
    return {"bool": {"filter": [*within, kind.query]}}


def json_events(engine: Engine, namespace: Namespace) -> Iterator[JsonEvents]:
    """Count the events of the API and the prompts of a namespace; whoever may not read them is told nothing of them."""
    for dataset in (API, PROMPTS):
        index = namespace.stream(dataset)
        past: dict[str, Any] = {"bool": {"must_not": [{"term": {"event.dataset": dataset.name}}]}}
        try:
            count, lost = engine.count(index, {"match_all": {}}), engine.count(index, past)
            unread = engine.count(index, {"term": {"tags": PARSE_FAILURE}})
        except ForbiddenError:
            continue
        if count:
            advice = f"name the pipeline in the request (pipeline={dataset.pipeline}), and send these through it now"
            mend = f"{advice}:\n{_update(index, f'pipeline={dataset.pipeline}', {'query': past})}"
            text = "never went through the pipeline, so that prompts and secrets are stored as they came"
            label = "that never went through the pipeline"
            missing = _agreeing("{have} no field of such an event: what came is not kept", unread)
            sender = "let the sender write such JSON (docs/cim.md names the fields), and send these again"
            yield JsonEvents(
                index,
                count,
                (
                    Loss("past_pipeline", label, lost, fault=lost > 0, text=text, mend=mend),
                    Loss("parse_failures", "that are no such events", unread, fault=unread > 0, text=missing, mend=sender),
                ),
            )


def _loss(engine: Engine, index: str, kind: Kind, query: Mapping[str, Any]) -> Loss:
    count = engine.count(index, dict(query))
    text = _agreeing(kind.text, count)
    if not count or not kind.fault:
        return Loss(kind.name, kind.label, count, fault=False, text=text)
    senders = _senders(engine, index, query)
    if kind.again:  # through the pipeline, which tags anew what fails again
        untagged = {"script": {"source": _REMOVE_TAG, "params": {"tag": PARSE_FAILURE}}} if kind.name == "parse_failures" else {}
        mend = _update(index, f"pipeline={PIPELINE}", {"query": kind.query, **untagged})
    else:
        mend = _naming_the_host(index, [file for _, file in senders if file])
    named = tuple(" ".join(filter(None, sender)) or "a sender that the documents do not name" for sender in senders)
    return Loss(kind.name, kind.label, count, fault=True, text=text, senders=named, mend=f"{kind.advice}:\n{mend}")


def _agreeing(text: str, count: int) -> str:
    """Return the text of a kind as it is said of so many documents."""
    return text.format_map({plural: one if count == 1 else plural for plural, one in _OF_ONE.items()})


def _refused(engine: Engine, index: str) -> Iterator[Loss]:
    """Yield what an Elasticsearch with a failure store refused and kept there."""
    if engine.name != "elasticsearch":
        return
    failures = f"{index}::failures"
    try:
        count = int(engine.request("GET", f"/{failures}/_count", retry=True)["count"])
    except ClusterError:  # there is no such index, or this Elasticsearch is older than 8.19, or it may not be read
        return
    text = _agreeing("{were} refused and {are} in the failure store: no rule sees {them}", count)
    mend = f"see why, then send them again:\nGET /{failures}/_search" if count else ""
    yield Loss("refused", "refused, and kept in the failure store", count, fault=count > 0, text=text, mend=mend)


def _senders(engine: Engine, index: str, query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return who sent the newest of some documents, agent and file; what shippers say of themselves is in the source alone."""
    body = {"query": query, "size": _SAMPLE, "_source": ["agent", "log.file.path"], "sort": [{"@timestamp": "desc"}]}
    hits = engine.search(index, body)["hits"]["hits"]
    return [sender for sender, _ in Counter(_sender(hit["_source"]) for hit in hits).most_common(_MOST_SENDERS)]


def _sender(source: Mapping[str, Any]) -> tuple[str, str]:
    said = {name: text for name, text in flattened(source) if isinstance(text, str)}
    agent = " ".join(text for name in ("agent.type", "agent.name", "agent.version") if (text := said.get(name)))
    return agent, said.get("log.file.path", "")


def _naming_the_host(index: str, files: list[str]) -> str:
    one_file = [{"term": {"log.file.path": file}} for file in files[:1]]
    source = f"ctx._source.host = ['name': params.host]; {_REMOVE_TAG}"
    body = {
        "query": {"bool": {"should": _NAMES_NO_HOST, "minimum_should_match": 1, "filter": one_file}},
        "script": {"source": source, "params": {"host": "NAME", "tag": HOST_MISSING}},
    }
    return _update(index, "refresh=true", body)


def _update(index: str, options: str, body: Mapping[str, Any]) -> str:
    return f"POST /{index}/_update_by_query?{options}\n{json.dumps(body)}"
