"""A finding: one host in one window, whichever side found it, with its id, the rows Splunk would print, and its JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from hashlib import sha256
from itertools import islice, product
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter

from integration.detection.columns import COLUMNS, LISTS, SPL_COLUMNS, Kind
from integration.detection.model import Rule, Severity, StatCondition
from integration.detection.risk_message import OF_UNKNOWN_HOST, Token
from integration.detection.schedule import Window
from integration.findings.values import Values
from integration.log.event import UNKNOWN_HOST
from integration.times import millis_shown, rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TO_JSON: dict[Kind, Callable[[Any], Any]] = {
    Kind.SECOND: partial(rfc3339, millis=False),
    Kind.MILLISECOND: partial(rfc3339, millis=True),
    Kind.LIST: list,
    Kind.CLASSES: list,
    Kind.SEVERITY: str,
}
_FROM_JSON: dict[Kind, Callable[[Any], Any]] = {
    Kind.SECOND: millis_shown,
    Kind.MILLISECOND: millis_shown,
    Kind.LIST: tuple,
    Kind.CLASSES: tuple,
    Kind.SEVERITY: Severity.parse,
}


@dataclass(frozen=True, slots=True)
class Statistics:
    """What SPL 8 says of one host in one window, before any judgement; times in epoch milliseconds.

    `lists` holds the lists by column; `holding` the rule's severity conditions on lists that hold, which a list that is cut could
    not tell.
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
        """Return the finding's id: the same for the same rule, host and window start, whatever was found."""
        parts = (self.rule_id, self.host, rfc3339(self.window_start, millis=True))
        return sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:32]

    @property
    def sort_key(self) -> tuple[int, str, str]:
        """Return what findings are sorted by: window, host and rule."""
        return (self.window_start, self.host, self.rule_id)

    @property
    def characters(self) -> int:
        """Return how many characters its lists and its message hold: about what it takes in memory."""
        return len(self.risk_message) + sum(len(value) for name in LISTS for value in getattr(self, name))

    @property
    def spl_row_count(self) -> int:
        """Return how many rows SPL 14 prints for this finding: the product of the lists' lengths, exact for shortened lists too."""
        beyond = dict(self.truncated)
        count = 1
        for name in LISTS:
            count *= len(getattr(self, name)) + beyond.get(name, 0)
        return count

    def spl_rows(self, limit: int) -> Iterator[dict[str, object]]:
        """Yield the first `limit` rows of SPL 14, `stats count by` all columns: one row for each combination of the lists' values.

        None at all when a list is empty: `stats ... by` drops what has a null by-field.
        """
        record = self.to_json()
        columns = [record[name] if name in LISTS else [record[name]] for name in SPL_COLUMNS]
        for row in islice(product(*columns), limit):
            yield {**dict(zip(SPL_COLUMNS, row, strict=True)), "count": 1}

    def to_json(self) -> dict[str, Any]:
        """Return the finding's one JSON form, without its rows of SPL 14; `truncated` only where a list is."""
        record = {column.name: _TO_JSON.get(column.kind, _same)(getattr(self, column.name)) for column in COLUMNS}
        return record | ({"truncated": dict(self.truncated)} if self.truncated else {})

    @classmethod
    def checked(cls, **columns: Any) -> Finding:
        """Return a finding of columns that somebody else may have written; `ValueError` when one is of the wrong type."""
        return _CHECKED.validate_python(cls(**columns), strict=True)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Finding:
        """Read the JSON form back; one of `history.UNREADABLE` when it is not one."""
        stated = [column for column in COLUMNS if column.kind is not Kind.PRODUCT]
        columns = {column.name: _FROM_JSON.get(column.kind, _same)(record[column.name]) for column in stated}
        return cls.checked(**columns, truncated=tuple(sorted(record.get("truncated", {}).items())))


def _same(value: Any) -> Any:
    return value


_CHECKED = TypeAdapter(Finding)


def build_finding(rule: Rule, host: str, window: Window, statistics: Statistics, zone: tzinfo = UTC) -> Finding:
    """Return the finding of a host's statistics: SPL 7 and 10 to 13 and the risk message; `zone` is what SPL prints times in."""
    lists = statistics.lists
    counts = {"error_count": statistics.error_count, "unique_error_types": lists["error_types"].distinct}
    tokens = {"host": host, "attack_type": rule.attack_type} | {name: str(count) for name, count in counts.items()}
    tokens |= {name: ", ".join(values.shown) for name, values in lists.items()}
    message = "".join(tokens[part.name] if isinstance(part, Token) else part for part in rule.risk.message_parts)
    return Finding(
        rule_id=rule.id,
        host=host,
        window_start=window.start,
        window_end=window.end,
        first_error=_strftime(statistics.first_seen, rule.stats.bin_ms, zone),
        last_error=_strftime(statistics.last_seen, rule.stats.bin_ms, zone),
        first_seen=statistics.first_seen,
        last_seen=statistics.last_seen,
        error_count=counts["error_count"],
        unique_error_types=counts["unique_error_types"],
        **{name: lists[name].shown for name in LISTS},
        severity=rule.severity_of(counts, statistics.holding),
        attack_type=rule.attack_type,
        risk_score=rule.risk.score,
        risk_message=message + OF_UNKNOWN_HOST * (host == UNKNOWN_HOST),
        truncated=tuple(sorted((name, values.left_out) for name, values in lists.items() if values.left_out)),
    )


def in_zone(finding: Finding, rule: Rule, zone: tzinfo) -> Finding:
    """Return a finding, in whatever zone it was kept, with SPL 10 and 11 in this one; as it is where its times fit no calendar."""
    span = rule.stats.bin_ms
    try:
        first, last = (_strftime(seen, span, zone) for seen in (finding.first_seen, finding.last_seen))
    except OverflowError:
        return finding
    return replace(finding, first_error=first, last_error=last)


def _strftime(millis: int, span: int, zone: tzinfo) -> str:
    """Return a time as SPL 7, 10 and 11 print it: floored to the span of `bin` (since the epoch), then `%Y-%m-%d %H:%M:%S`."""
    binned = _EPOCH + timedelta(milliseconds=millis // span * span)
    return binned.astimezone(zone).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
