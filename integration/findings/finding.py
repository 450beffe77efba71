"""A finding: one host in one window, whichever side found it, with its id, the rows Splunk would print, and its JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from itertools import islice, product
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter

from integration.detection.model import Rule, Severity, StatCondition
from integration.detection.risk_message import Column
from integration.detection.schedule import Window
from integration.findings.values import Values
from integration.times import millis_shown, rfc3339

LISTS = ("error_messages", "error_details", "code_sources", "error_types")
"""The list columns of SPL 8, as the JSON of a finding orders them."""
SPL_COLUMNS = (
    "first_error",
    "last_error",
    "host",
    "code_sources",
    "error_count",
    "unique_error_types",
    "error_types",
    "error_messages",
    "error_details",
    "severity",
    "attack_type",
    "count",
)
"""The columns of SPL 14, in its order."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What SPL 8 says of one host in one window, before any judgement; times in epoch milliseconds.

    `lists` holds the columns of `LISTS`; `holding` the rule's severity conditions on lists that hold, which a shortened list alone
    could not tell.
    """

    error_count: int
    first_seen: int
    last_seen: int
    lists: Mapping[str, Values]
    holding: frozenset[StatCondition]


@dataclass(frozen=True, slots=True)
class Finding:
    """One host in one window with its statistics (SPL 8), severity (SPL 12) and risk; times in epoch milliseconds.

    `first_error` and `last_error` are texts as SPL 10 and 11 print them; `truncated` says per list how many distinct values are
    beyond those shown (nothing for a complete list).
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(revalidate_instances="always")  # for `checked`

    rule_id: str
    host: str
    window_start: int
    window_end: int
    error_count: int
    first_error: str
    last_error: str
    first_seen: int
    last_seen: int
    error_messages: tuple[str, ...]
    error_details: tuple[str, ...]
    code_sources: tuple[str, ...]
    error_types: tuple[str, ...]
    unique_error_types: int
    severity: Severity
    attack_type: str
    risk_score: int
    risk_message: str
    truncated: tuple[tuple[str, int], ...] = ()

    @property
    def id(self) -> str:
        """The finding's id: the same for the same rule, host and window start, whatever was found."""
        parts = (self.rule_id, self.host, rfc3339(self.window_start, millis=True))
        return sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:32]

    @property
    def sort_key(self) -> tuple[int, str, str]:
        """Findings come by window, then host, then rule."""
        return (self.window_start, self.host, self.rule_id)

    @property
    def characters(self) -> int:
        """How many characters its lists and its message hold: about what it takes in memory."""
        return len(self.risk_message) + sum(len(value) for name in LISTS for value in getattr(self, name))

    @property
    def spl_row_count(self) -> int:
        """How many rows SPL 14 prints for this finding: the product of the lists' lengths, exact for shortened lists too."""
        beyond = dict(self.truncated)
        count = 1
        for name in LISTS:
            count *= len(getattr(self, name)) + beyond.get(name, 0)
        return count

    def spl_rows(self, limit: int) -> Iterator[dict[str, object]]:
        """Give the first `limit` rows of SPL 14: `stats count by` `SPL_COLUMNS`, one row a combination of values.

        None at all when a list is empty: `stats ... by` drops what has a null by-field.
        """
        combinations = product(self.code_sources, self.error_types, self.error_messages, self.error_details)
        for source, error_type, message, detail in islice(combinations, limit):
            counted = (self.error_count, self.unique_error_types)
            judged = (str(self.severity), self.attack_type, 1)
            row = (self.first_error, self.last_error, self.host, source, *counted, error_type, message, detail, *judged)
            yield dict(zip(SPL_COLUMNS, row, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Give the finding's one JSON form, without its rows of SPL 14; `truncated` only when true."""
        record: dict[str, Any] = {
            "rule_id": self.rule_id,
            "host": self.host,
            "window_start": rfc3339(self.window_start, millis=False),
            "window_end": rfc3339(self.window_end, millis=False),
            "error_count": self.error_count,
            "first_error": self.first_error,
            "last_error": self.last_error,
            "first_seen": rfc3339(self.first_seen, millis=True),
            "last_seen": rfc3339(self.last_seen, millis=True),
            **{name: list(getattr(self, name)) for name in LISTS},
            "unique_error_types": self.unique_error_types,
            "severity": str(self.severity),
            "attack_type": self.attack_type,
            "risk_score": self.risk_score,
            "risk_message": self.risk_message,
            "spl_row_count": self.spl_row_count,
        }
        if self.truncated:
            record["truncated"] = dict(self.truncated)
        return record

    @classmethod
    def checked(cls, **columns: Any) -> Finding:
        """Make a finding of columns that somebody else may have written; `ValueError` when one is of the wrong type."""
        return _CHECKED.validate_python(cls(**columns), strict=True)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Finding:
        """Read the JSON form back; one of `findings.UNREADABLE` when it is not one."""
        return cls.checked(
            rule_id=record["rule_id"],
            host=record["host"],
            window_start=millis_shown(record["window_start"]),
            window_end=millis_shown(record["window_end"]),
            error_count=record["error_count"],
            first_error=record["first_error"],
            last_error=record["last_error"],
            first_seen=millis_shown(record["first_seen"]),
            last_seen=millis_shown(record["last_seen"]),
            error_messages=tuple(record["error_messages"]),
            error_details=tuple(record["error_details"]),
            code_sources=tuple(record["code_sources"]),
            error_types=tuple(record["error_types"]),
            unique_error_types=record["unique_error_types"],
            severity=Severity.parse(record["severity"]),
            attack_type=record["attack_type"],
            risk_score=record["risk_score"],
            risk_message=record["risk_message"],
            truncated=tuple(sorted(record.get("truncated", {}).items())),
        )


_CHECKED = TypeAdapter(Finding)


def build_finding(rule: Rule, host: str, window: Window, statistics: Statistics, zone: tzinfo = UTC) -> Finding:
    """Turn a host's statistics into a finding: SPL 7 and 10 to 13 and the risk message; `zone` is what SPL prints times in."""
    lists = statistics.lists
    counts = {"error_count": statistics.error_count, "unique_error_types": lists["error_types"].distinct}
    columns = {"host": host, "attack_type": rule.attack_type} | {name: str(count) for name, count in counts.items()}
    columns |= {name: ", ".join(values.shown) for name, values in lists.items()}
    return Finding(
        rule_id=rule.id,
        host=host,
        window_start=window.start,
        window_end=window.end,
        error_count=statistics.error_count,
        first_error=_strftime(statistics.first_seen, rule.stats.bin_ms, zone),
        last_error=_strftime(statistics.last_seen, rule.stats.bin_ms, zone),
        first_seen=statistics.first_seen,
        last_seen=statistics.last_seen,
        **{name: lists[name].shown for name in LISTS},
        unique_error_types=counts["unique_error_types"],
        severity=rule.severity_of(counts, statistics.holding),
        attack_type=rule.attack_type,
        risk_score=rule.risk.score,
        risk_message="".join(columns[part.name] if isinstance(part, Column) else part for part in rule.risk.message_parts),
        truncated=tuple(sorted((name, values.left_out) for name, values in lists.items() if values.left_out)),
    )


def in_zone(finding: Finding, rule: Rule, zone: tzinfo) -> Finding:
    """Give a finding, in whatever zone it was kept, with SPL 10 and 11 in this one; as it is where its times fit no calendar."""
    span = rule.stats.bin_ms
    try:
        first, last = (_strftime(seen, span, zone) for seen in (finding.first_seen, finding.last_seen))
    except OverflowError:
        return finding
    return replace(finding, first_error=first, last_error=last)


def _strftime(millis: int, span: int, zone: tzinfo) -> str:
    """SPL 7, 10, 11: floor to the span of `bin` (epoch spans, whatever the zone), then `%Y-%m-%d %H:%M:%S`."""
    binned = _EPOCH + timedelta(milliseconds=millis // span * span)
    return binned.astimezone(zone).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
