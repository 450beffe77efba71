"""A finding: one host in one window, whichever side found it, with its id, the rows Splunk would print, and its JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from hashlib import sha256
from itertools import islice, product
from math import prod
from typing import Any, TypeAlias

from pydantic import ConfigDict, TypeAdapter

from integration.detection.columns import AFTER, BEFORE, LISTS, NUMBERS, Kind
from integration.detection.ladder import ColumnCondition
from integration.detection.model import Rule
from integration.detection.risk import OF_UNKNOWN_HOST, Token
from integration.detection.schedule import Window
from integration.detection.severity import Severity
from integration.findings.values import Values
from integration.log.event import UNKNOWN_HOST
from integration.times import millis_shown, rfc3339

Value: TypeAlias = int | str | tuple[str, ...]
"""What a column holds: a number, a time in epoch milliseconds, a text, or a list."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_second = partial(rfc3339, millis=False)
_millisecond = partial(rfc3339, millis=True)
_CONFIG = ConfigDict(strict=True)
_TYPES: dict[Kind, TypeAdapter[Any]] = {
    **dict.fromkeys((*NUMBERS, Kind.TIME), TypeAdapter(int, config=_CONFIG)),
    Kind.FLOORED: TypeAdapter(str, config=_CONFIG),
    **dict.fromkeys(LISTS, TypeAdapter(tuple[str, ...], config=_CONFIG)),
}


@dataclass(frozen=True, slots=True)
class Statistics:
    """What SPL 8 says of one host in one window, before any judgement; times in epoch milliseconds.

    `lists` holds the lists of event fields by column, `labels` how many events have which class. `holding` are the conditions on
    lists that hold, which a list that is cut could not tell.
    """

    events: int
    first_seen: int
    last_seen: int
    lists: Mapping[str, Values]
    labels: Mapping[str, int]
    holding: frozenset[ColumnCondition]


def finding_id(rule_id: str, host: str, window_start: int) -> str:
    """Return the id of the finding of a host in a window, which is that of its risk event too."""
    parts = (rule_id, host, _millisecond(window_start))
    return sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Finding:
    """One host in one window with the columns of its rule (SPL 8), severity (SPL 12) and risk; times in epoch milliseconds.

    `truncated` says per list how many distinct values are beyond those shown (nothing for a complete list).
    """

    rule: Rule = field(compare=False, repr=False)
    rule_id: str
    host: str
    window_start: int
    window_end: int
    columns: Mapping[str, Value]
    severity: Severity
    attack_type: str
    risk_score: int
    risk_message: str
    truncated: tuple[tuple[str, int], ...] = ()

    def __getitem__(self, column: str) -> Any:
        """Return what a column holds, one of the rule or one that every finding has."""
        return self.columns[column] if column in self.columns else getattr(self, column)

    @property
    def id(self) -> str:
        """Return the finding's id: the same for the same rule, host and window start, whatever was found."""
        return finding_id(self.rule_id, self.host, self.window_start)

    @property
    def sort_key(self) -> tuple[int, str, str]:
        """Return what findings are sorted by: window, host and rule."""
        return (self.window_start, self.host, self.rule_id)

    @property
    def characters(self) -> int:
        """Return how many characters its lists and its message hold: about what it takes in memory."""
        return len(self.risk_message) + sum(len(value) for name in self.rule.lists for value in self[name])

    @property
    def events(self) -> int:
        """Return how many events it tells of, 0 where its rule has no column of them."""
        counted = (self.columns[name] for name, kind in self._kinds() if kind is Kind.EVENTS)
        return next((count for count in counted if isinstance(count, int)), 0)

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the classes of its events, as far as the rule has a column of them."""
        of_classes = (name for name, kind in self._kinds() if kind in (Kind.LABELS, Kind.COUNTS))
        return next((self.values(name) for name in of_classes), ())

    def values(self, column: str) -> tuple[str, ...]:
        """Return the values of a list; of one that counts classes, the classes."""
        values: tuple[str, ...] = self[column]
        counted = self.rule.columns[column].kind is Kind.COUNTS
        return tuple(value.rpartition("=")[0] for value in values) if counted else values

    @property
    def spl_row_count(self) -> int:
        """Return how many rows SPL 14 prints for this finding, exact for shortened lists too."""
        if self.rule.rows.by is None:
            return 1
        beyond = dict(self.truncated)
        return prod(len(self[name]) + beyond.get(name, 0) for name in self.rule.rows.by if name in self.rule.lists)

    def spl_rows(self, limit: int) -> Iterator[dict[str, object]]:
        """Yield the first `limit` rows of SPL 14: one row for each combination of the lists' values.

        None at all when a list is empty: `stats ... by` drops what has a null by-field. Of a `table` it is the one row.
        """
        record, names, lists = self.to_json(), self.rule.rows.names, self.rule.lists
        if self.rule.rows.by is None:
            yield from [{name: record[name] for name in names}][:limit]
            return
        for row in islice(product(*(record[name] if name in lists else [record[name]] for name in names)), limit):
            yield {**dict(zip(names, row, strict=True)), "count": 1}

    def to_json(self) -> dict[str, Any]:
        """Return the finding's one JSON form, without its rows of SPL 14; `truncated` only where a list is."""
        record: dict[str, Any] = {name: self[name] for name in (*BEFORE, *self.columns, *AFTER)}
        record |= {name: _second(record[name]) for name in ("window_start", "window_end")} | {"severity": str(self.severity)}
        record |= {name: _TO_JSON[kind](self[name]) for name, kind in self._kinds() if kind in _TO_JSON}
        return record | ({"truncated": dict(self.truncated)} if self.truncated else {})

    def _kinds(self) -> Iterator[tuple[str, Kind]]:
        return ((name, column.kind) for name, column in self.rule.columns.items())

    @classmethod
    def checked(cls, rule: Rule, columns: Mapping[str, Any], truncated: Mapping[str, Any], **shared: Any) -> Finding:
        """Return a finding of what somebody else may have written; `ValueError` or `KeyError` when a column is wrong or missing."""
        own = {name: _TYPES[column.kind].validate_python(columns[name]) for name, column in rule.columns.items()}
        checked = {name: adapter.validate_python(shared[name]) for name, adapter in _SHARED.items()}
        beyond = _BEYOND.validate_python({name: count for name, count in truncated.items() if count})
        return cls(rule=rule, columns=own, truncated=tuple(sorted(beyond.items())), **checked)

    @classmethod
    def from_json(cls, record: Mapping[str, Any], rule: Rule) -> Finding:
        """Read the JSON form back; one of `history.UNREADABLE` when it is not one."""
        columns = {name: _FROM_JSON.get(column.kind, lambda value: value)(record[name]) for name, column in rule.columns.items()}
        shared = {name: record[name] for name in (*BEFORE, *AFTER) if name != "spl_row_count"}
        shared |= {name: millis_shown(shared[name]) for name in ("window_start", "window_end")}
        shared["severity"] = Severity.parse(shared["severity"])
        return cls.checked(rule, columns, record.get("truncated", {}), **shared)


_TO_JSON: dict[Kind, Callable[[Any], Any]] = {Kind.TIME: _millisecond, **dict.fromkeys(LISTS, list)}
_FROM_JSON: dict[Kind, Callable[[Any], Any]] = {Kind.TIME: millis_shown, **dict.fromkeys(LISTS, tuple)}
_BEYOND = TypeAdapter(dict[str, int], config=_CONFIG)


_TEXT, _NUMBER = TypeAdapter(str, config=_CONFIG), TypeAdapter(int, config=_CONFIG)
_SHARED: dict[str, TypeAdapter[Any]] = {
    **dict.fromkeys(("rule_id", "host", "attack_type", "risk_message"), _TEXT),
    **dict.fromkeys(("window_start", "window_end", "risk_score"), _NUMBER),
    "severity": TypeAdapter(Severity),
}


def build_finding(rule: Rule, host: str, window: Window, statistics: Statistics, zone: tzinfo = UTC) -> Finding | None:
    """Return the finding of a host's statistics: SPL 7 and 10 to 13 and the risk message; `zone` is what SPL prints times in.

    None where no step of the severity ladder holds.
    """
    labels = statistics.labels
    sizes = {name: values.distinct for name, values in statistics.lists.items()}
    numbers = {name: _number(rule, name, statistics, sizes) for name in rule.numbers}
    verdict = rule.verdict(numbers, labels, statistics.holding)
    if verdict is None:
        return None
    severity, attack_type = verdict
    columns = {name: _value(rule, name, statistics, numbers, zone) for name in rule.columns}
    tokens = {"host": host, "severity": str(severity), "attack_type": attack_type}
    parts = rule.risk.message_parts
    named = {part.name for part in parts if isinstance(part, Token)} & columns.keys()
    tokens |= {name: _shown(columns[name], rule.columns[name].kind) for name in named}
    message = "".join(tokens[part.name] if isinstance(part, Token) else part for part in parts)
    return Finding(
        rule=rule,
        rule_id=rule.id,
        host=host,
        window_start=window.start,
        window_end=window.end,
        columns=columns,
        severity=severity,
        attack_type=attack_type,
        risk_score=rule.risk.score_of(severity),
        risk_message=message + OF_UNKNOWN_HOST * (host == UNKNOWN_HOST),
        truncated=tuple(sorted((name, values.left_out) for name, values in statistics.lists.items() if values.left_out)),
    )


def _number(rule: Rule, name: str, statistics: Statistics, sizes: Mapping[str, int]) -> int:
    column = rule.columns[name]
    if column.kind is Kind.EVENTS:
        return statistics.events
    if column.kind is Kind.SCORE:
        return rule.classification.score(statistics.labels)
    return sizes.get(str(column.distinct), len(statistics.labels))


def _value(rule: Rule, name: str, statistics: Statistics, numbers: Mapping[str, int], zone: tzinfo) -> Value:
    column = rule.columns[name]
    if column.kind in (Kind.TIME, Kind.FLOORED):
        time = statistics.first_seen if column.first else statistics.last_seen
        return time if column.kind is Kind.TIME else spl_time(time, column.floor_ms, zone)
    if column.kind is Kind.LABELS:
        return tuple(sorted(statistics.labels))
    if column.kind is Kind.COUNTS:
        return tuple(f"{label}={count}" for label, count in sorted(statistics.labels.items()))
    return statistics.lists[name].shown if column.kind is Kind.LIST else numbers[name]


def _shown(value: Value, kind: Kind) -> str:
    """Return a column as it stands in the message."""
    if isinstance(value, tuple):
        return ", ".join(value)
    return _millisecond(value) if kind is Kind.TIME and isinstance(value, int) else str(value)


def in_zone(finding: Finding, zone: tzinfo) -> Finding:
    """Return a finding, in whatever zone it was kept, with SPL 10 and 11 in this one.

    It stays as it is where its rule has no column with the time itself, and where its times fit no calendar.
    """
    columns = dict(finding.columns)
    exact = {bool(column.first): columns[name] for name, column in finding.rule.columns.items() if column.kind is Kind.TIME}
    for name, column in finding.rule.columns.items():
        seen = exact.get(bool(column.first))
        if column.kind is Kind.FLOORED and isinstance(seen, int):
            try:
                columns[name] = spl_time(seen, column.floor_ms, zone)
            except OverflowError:
                return finding
    return replace(finding, columns=columns)


def spl_time(millis: int, span: int, zone: tzinfo) -> str:
    """Return a time as SPL 7, 10 and 11 print it: floored to the span of `bin` (since the epoch), then `%Y-%m-%d %H:%M:%S`."""
    binned = _EPOCH + timedelta(milliseconds=millis // span * span)
    return binned.astimezone(zone).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
