"""What a dashboard shows: each panel's title, the documents it counts, and the fields it counts them by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from integration.detection.model import Rule
from integration.log.event import DATASET, HOST_MISSING, LINE_UNLISTED, PARSE_FAILURE, RECORD_APART, UNKNOWN_HOST
from integration.log.line import LINE_CUT, TIME_FAILURE
from integration.names import Namespace

ROW = 48
"""The columns of a dashboard's grid."""
_TOP = 10
_SENDERS = "`detect status` says who sends them."
# What is wrong with a line, in Lucene's language, which both engines' query strings understand.
_LOSSES = {
    "name no machine": f"tags:{HOST_MISSING} OR host.name:{UNKNOWN_HOST}",
    "made the pipeline fail": f"tags:{PARSE_FAILURE}",
    "never went through the pipeline": f"NOT (event.dataset:{DATASET} AND (_exists_:ollama.line OR tags:{PARSE_FAILURE}))",
    "had their line in an unknown field": f"tags:{LINE_UNLISTED}",
    "have the level ERROR in a field alone": f"tags:{RECORD_APART}",
    "have a time that cannot be read": f"tags:{TIME_FAILURE}",
    "were cut, being too long": f"tags:{LINE_CUT}",
}


class Source(Enum):
    """Which documents a panel counts: a namespace's risk events, or its lines. The value is their name in ids."""

    FINDINGS = "findings"
    LINES = "lines"

    def index(self, namespace: Namespace) -> str:
        """Return the index or data stream of the documents."""
        return namespace.risk if self is Source.FINDINGS else namespace.events

    @property
    def counted(self) -> str:
        """What a number of such documents is called."""
        return self.value.capitalize()


@dataclass(frozen=True, slots=True)
class Top:
    """The most frequent values of a field, as a column of a table, or as the colours of bars."""

    field: str
    title: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel, a table unless it is `over_time`. It has a column for each of `by`, or a row for each query in `rows`.

    `highest` is a number of which a further column shows the highest. `query` is Lucene's, and chooses the documents. `width` is
    of `ROW` columns.
    """

    key: str
    title: str
    about: str
    source: Source
    by: tuple[Top, ...] = ()
    rows: Mapping[str, str] = field(default_factory=dict)
    highest: Top | None = None
    over_time: bool = False
    query: str = ""
    width: int = ROW // 2
    size: int = _TOP


def panels(rules: Sequence[Rule]) -> list[Panel]:
    """Return the panels of a dashboard for these rules, in reading order; each has a key of its own, of `[a-z0-9_]`."""
    return [*_of_findings(), *_of_labels(rules), *_of_requests(), _losses()]


def _of_findings() -> Iterator[Panel]:
    yield Panel(
        "severity",
        "Findings over time by severity",
        "Risk events by the end of their window.",
        Source.FINDINGS,
        (Top("finding.severity", "Severity"),),
        over_time=True,
    )
    yield Panel(
        "hosts",
        "Hosts with findings",
        "The hosts with the most findings, by rule.",
        Source.FINDINGS,
        (Top("host.name", "Host"), Top("rule.name", "Rule")),
        highest=Top("risk.score", "Highest risk score"),
    )


def _of_labels(rules: Sequence[Rule]) -> Iterator[Panel]:
    """Yield two panels for each field of labels; rules that share a field share them."""
    named = {rule.classification.field: rule.name for rule in reversed(rules)}
    for label, name in sorted(named.items()):
        yield Panel(
            f"labels_{label}",
            f"Labels over time: {name}",
            f"Lines that the rule selects, by the label that its classifier gives them ({label}).",
            Source.LINES,
            (Top(label, "Label"),),
            over_time=True,
        )
        yield Panel(
            f"messages_{label}",
            f"Messages by label: {name}",
            "What the selected lines say most often. The texts are from logs, which attackers may write.",
            Source.LINES,
            (Top(label, "Label"), Top("ollama.msg", "Message")),
        )


def _of_requests() -> Iterator[Panel]:
    access = "ollama.line:access"
    status = Top("http.response.status_code", "Status")
    yield Panel("requests", "Requests by status", "Access lines over time.", Source.LINES, (status,), over_time=True, query=access)
    yield Panel(
        "paths",
        "Requests by path and status",
        "The paths that are asked for most. Whoever asks chooses the path.",
        Source.LINES,
        (Top("url.path", "Path"), status),
        query=access,
    )


def _losses() -> Panel:
    about = f"Lines that no rule sees as it should, or of no known machine. {_SENDERS}"
    return Panel("losses", "Lines without a host or parse", about, Source.LINES, rows=_LOSSES, width=ROW)


def notes(namespace: Namespace) -> str:
    """Return what the dashboard says of itself, in Markdown."""
    return (
        f"**Ollama in namespace {namespace.name}.** *Findings* are the risk events in `{namespace.risk}`. `detect watch` and "
        "`detect run --write` write them; until the first one, their panels are empty or name a missing field. Findings of "
        "monitors in OpenSearch Alerting and of rules in Kibana are alerts in those plugins' own indices and are **not counted "
        "here**: `detect findings` lists them.\n\n"
        f"*Lines* are the documents in `{namespace.events}`. A *label* is what a rule's classifier calls a line that it selects: "
        "it shows what the rules look at, whatever runs them, and is no finding by itself.\n\n"
        "Texts in the panels come from logs. Attackers may write them: do not follow links in them."
    )
