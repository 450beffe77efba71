"""What `detect doctor` looks at, and what a check of it says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.findings.filter import NO_FILTER, Filter
from integration.install.privileges import Work
from integration.names import Namespace


class Verdict(StrEnum):
    """What a check says: `fail` is what must be mended, `warn` what should be looked at, `info` what is good to know."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what to do about it where there is something.

    `mend` holds what to send to the cluster: requests whole, to be copied.
    """

    name: str
    verdict: Verdict
    detail: str
    mend: str = ""


@dataclass(frozen=True)
class Installation:
    """What is examined: the rules as configured, the index of events, and what work the user must be able to do."""

    engine: Engine
    rules: Sequence[Rule]
    namespace: Namespace
    index: str
    work: Collection[Work] = ()
    post_filter: Filter = NO_FILTER


Answers = Iterator[tuple[Verdict, str] | tuple[Verdict, str, str]]
"""The verdicts of a check, each with its detail and what mends it, where requests do."""
