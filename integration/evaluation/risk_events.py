"""Findings stored as risk events in an index of their own, under ids with which a second writing changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from integration.detection.model import Rule
from integration.detection.risk import Technique, ThreatObjects
from integration.engines.answers import ItemResult
from integration.engines.base import Engine
from integration.errors import ClusterError, PartlyAppliedError, UnreachableError
from integration.findings.finding import Finding
from integration.times import rfc3339

_BATCH = 500
_BATCH_CHARACTERS = 16 << 20
_HINT = "Running the same command again writes the rest and changes nothing else."
MAX_MESSAGE_CHARACTERS = 32_768


class Findings(Protocol):
    """Findings that can be counted and iterated."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Finding]: ...


@dataclass(frozen=True, slots=True)
class Written:
    """How many documents a writing of risk events changed."""

    created: int
    updated: int
    unchanged: int


def risk_event(rule: Rule, finding: Finding) -> dict[str, Any]:
    """Return the risk event of a finding, in ECS names, with the finding itself under `finding`.

    Every key is there each time, since an update merges objects and would keep a key that was left out.
    """
    finding = with_bounded_message(finding)
    beyond = dict(finding.truncated)
    attack = _techniques(rule, finding)
    return {
        "@timestamp": rfc3339(finding.window_end, millis=True),
        "message": finding.risk_message,
        "event": {"kind": "alert", "id": finding.id, "dataset": "detect.risk"},
        "host": {"name": finding.host},
        "risk": {
            "score": finding.risk_score,
            "object": finding.host,
            "object_type": rule.risk.object_type,
            "threat_objects": list(_threat_objects(rule, finding)),
        },
        "rule": {"id": rule.id, "name": rule.name, "version": str(rule.version)},
        "threat": {
            "tactic": {"id": [t.tactic_id for t in attack], "name": [t.tactic for t in attack]},
            "technique": {"id": [t.technique for t in attack], "name": [t.name for t in attack]},
        },
        "finding": finding.to_json() | {"truncated": {name: beyond.get(name, 0) for name in rule.lists}},
    }


def _techniques(rule: Rule, finding: Finding) -> list[Technique]:
    """Return the techniques of the finding's classes, in the rule's order; all of the rule's where its classes state none."""
    stated = {each.name: each.attack for each in rule.classification.classes if each.attack}
    wanted = {technique for label in finding.labels for technique in stated.get(label, ())}
    return [technique for technique in rule.attack if not stated or technique.technique in wanted]


def _threat_objects(rule: Rule, finding: Finding) -> Iterator[str]:
    for each in rule.risk.threat_objects:
        if isinstance(each, ThreatObjects):
            yield from finding[each.column]
        else:
            yield each


def with_bounded_message(finding: Finding) -> Finding:
    """Return the finding with a message that fits a document; its lists are bounded already."""
    if len(finding.risk_message) <= MAX_MESSAGE_CHARACTERS:
        return finding
    return replace(finding, risk_message=f"{finding.risk_message[: MAX_MESSAGE_CHARACTERS - 1]}…")


def write(
    engine: Engine,
    index: str,
    rules: Mapping[str, Rule],
    findings: Findings,
    on_change: Callable[[Finding, str], None] = lambda _finding, _result: None,
) -> Written:
    """Store a risk event for each finding, read every one back and compare, batch by batch.

    `on_change` is called for each finding whose risk event this call `created` or `updated`: of two writers at once, only one
    creates it.

    `PartlyAppliedError` when the cluster refused some, gave back something else, or failed when some are or may be stored; a
    repetition is safe.
    """
    results: dict[str, int] = {"created": 0, "updated": 0, "noop": 0}
    faults: list[str] = []
    for batch in _batches(findings):
        events = {finding.id: risk_event(rules[finding.rule_id], finding) for finding in batch}
        by_id = {finding.id: finding for finding in batch}
        try:
            for item in _write(engine, index, events, faults):
                results[item.result] += 1
                if item.result != "noop":
                    on_change(by_id[item.id], item.result)
        except ClusterError as error:
            if not (isinstance(error, UnreachableError) or any(results.values())):
                raise
            done = sum(results.values())
            raise PartlyAppliedError(
                f"{error}\n{done} of {len(findings)} risk events are known to be stored in {index}. {_HINT}"
            ) from error
    if faults:
        done = sum(results.values())
        raise PartlyAppliedError(
            f"{done} of {len(findings)} risk events are stored in {index}; the first fault: {faults[0]}. {_HINT}"
        )
    return Written(results["created"], results["updated"], results["noop"])


def _batches(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Yield findings in batches that fit in memory twice: as documents, and as they are read back."""
    batch: list[Finding] = []
    characters = 0
    for finding in findings:
        if batch and (len(batch) == _BATCH or characters + finding.characters > _BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(finding)
        characters += finding.characters
    if batch:
        yield batch


def _write(engine: Engine, index: str, events: Mapping[str, dict[str, Any]], faults: list[str]) -> Iterator[ItemResult]:
    """Store one batch of risk events by their ids, yield the result of each that is stored, and add the faults to `faults`."""
    stored: dict[str, dict[str, Any]] = {}
    for item in engine.bulk_upsert(index, events.items()):
        if item.ok:
            stored[item.id] = events[item.id]
            yield item
        else:
            faults.append(f"{events[item.id]['host']['name']}: {item.reason}")
    hosts = _READ_BACK(_hosts_of_differing, engine, index, stored)
    faults += [f"{host}: stored, but not read back the same" for host in hosts]


def _hosts_of_differing(engine: Engine, index: str, stored: Mapping[str, dict[str, Any]]) -> list[str]:
    """Read risk events back and return the hosts of those that are missing or differ."""
    hits = engine.search(index, {"size": len(stored), "query": {"ids": {"values": list(stored)}}})["hits"]["hits"]
    found = {hit["_id"]: hit["_source"] for hit in hits}
    return [event["host"]["name"] for event_id, event in stored.items() if found.get(event_id) != event]


# What another writer stored just before is not visible to searches until that writer's own request ends.
_READ_BACK = Retrying(
    retry=retry_if_result(bool),
    stop=stop_after_delay(10),
    wait=wait_fixed(0.2),
    retry_error_callback=lambda state: state.outcome and state.outcome.result(),
)
