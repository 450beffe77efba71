"""`detect doctor`: is everything there that the detection needs, and does it work."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from integration.commands.losses import json_events, losses
from integration.commands.obstacles import FLOOD_STAGE, blocks, full_disks
from integration.detection.conditions import LINE_KIND
from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import DetectError, ForbiddenError
from integration.findings.filter import NO_FILTER, Filter
from integration.install.gin_timezone import installed_timezone
from integration.install.objects import Connections
from integration.install.ownership import has_tag_text, manager, tagged_rules, untagged
from integration.install.plan import State, plan
from integration.install.privileges import Work, lacking_privileges
from integration.install.shared_objects import shared_objects
from integration.install.streams import overriding, streams_of
from integration.log.event import parse_document
from integration.log.shipper_times import zone_of
from integration.names import DATASETS, PIPELINE, Namespace
from integration.scheduler.progress import read_progress
from integration.targets.opensearch.plugins import has_alerting
from integration.times import now, rfc3339

_TOLERATED_SKEW_MS = 5_000
_SAMPLES = (
    'time=2026-11-24T08:50:00.123Z level=ERROR source=server.go:224 msg="ollama exited" err="exit status 1"',
    '[GIN] 2026/11/24 - 08:50:00 | 500 |  2.859719514s |      172.18.0.3 | POST     "/api/chat"',
)


class Verdict(StrEnum):
    """What a check says: `fail` is what must be mended, `warn` what should be looked at, `info` what is good to know."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `mend` holds what to send to the cluster about it: requests whole, to be copied."""

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


def examine(installation: Installation) -> list[Check]:
    """Run every check; one that ends in an error fails with its words, and the others go on.

    What this user may not look at is not a fault of the installation: `work` says what the user must be able to do.
    """
    checks: list[Check] = []
    for name, check in _CHECKS.items():
        try:
            checks += [Check(name, *answer) for answer in check(installation)]
        except ForbiddenError as error:
            checks.append(Check(name, Verdict.WARN, f"cannot be looked at: {error}"))
        except DetectError as error:
            checks.append(Check(name, Verdict.FAIL, str(error)))
    return checks


def _connection(installation: Installation) -> Answers:
    engine = installation.engine
    yield Verdict.OK, f"{engine.name} {engine.version_text} ({engine.cluster_name}) at {engine.url}"
    if engine.url.startswith("http://") and not engine.url.startswith(("http://127.", "http://localhost", "http://[::1]")):
        yield Verdict.WARN, "credentials and log lines go over the network in the clear: use https://"


def _version(installation: Installation) -> Answers:
    engine = installation.engine
    if engine.name == "opensearch" and engine.version < (2, 15):
        yield Verdict.FAIL, "derived fields came with OpenSearch 2.15: upgrade the cluster"
    else:
        yield Verdict.OK, "has the computed fields that the rules need"


def _health(installation: Installation) -> Answers:
    status = installation.engine.request("GET", "/_cluster/health", retry=True)["status"]
    why = "; GET _cluster/allocation/explain tells which shard has no node, and why" if status == "red" else ""
    yield Verdict.FAIL if status == "red" else Verdict.OK, f"cluster health is {status}{why}"


def _blocks(installation: Installation) -> Answers:
    names = (installation.index, installation.namespace.risk, installation.namespace.state)
    found = list(blocks(installation.engine, names))
    yield from ((Verdict.FAIL, block.text, block.mend) for block in found)
    if not found:
        yield Verdict.OK, "nothing is closed to reading or writing"


def _disks(installation: Installation) -> Answers:
    found = full_disks(installation.engine)
    for disk in found:
        verdict = Verdict.FAIL if disk.stage == FLOOD_STAGE else Verdict.WARN
        full = f"{disk.node}'s disk is {disk.used_percent}% full, beyond the {disk.stage} watermark"
        yield verdict, f"{full}: {disk.consequence}; make room"
    if not found:
        yield Verdict.OK, "no disk is beyond a watermark"


def _permissions(installation: Installation) -> Answers:
    engine = installation.engine
    lacking = lacking_privileges(engine, installation.namespace, installation.index)
    if lacking is None:
        yield Verdict.WARN, "security is off: everybody who reaches the cluster may do anything"
        return
    if engine.name == "opensearch":
        info = engine.request("GET", "/_plugins/_security/authinfo", retry=True)
        yield Verdict.INFO, f"user {info.get('user_name')} with the roles {', '.join(info.get('roles') or ['none'])}"
    for work in Work:
        needed = work in installation.work
        if work not in lacking:
            unknown = f"not known: OpenSearch does not tell what a role grants; the role {work.role} is enough"
            yield Verdict.WARN if needed else Verdict.INFO, f"{work}: {unknown}"
        elif lacking[work]:
            enough = f"the role {work.role} has all it needs (`detect install --roles` makes it)"
            yield Verdict.FAIL if needed else Verdict.INFO, f"{work}: no, lacking: {', '.join(lacking[work])}; {enough}"
        else:
            yield Verdict.OK, f"{work}: yes"


def _alerting(installation: Installation) -> Answers:
    if installation.engine.name == "opensearch":
        there = has_alerting(installation.engine)
        yield Verdict.INFO, "the Alerting plugin is there" if there else "no Alerting plugin: `detect watch` runs the rules instead"
        return
    licence = installation.engine.request("GET", "/_license", retry=True)["license"]["type"]
    yield Verdict.INFO, f"licence {licence}; where Kibana is not used, `detect watch` runs the rules"


def _clock(installation: Installation) -> Answers:
    before = time.time()
    nodes = installation.engine.request("GET", "/_nodes/stats/os", retry=True)["nodes"].values()
    after = time.time()
    middle = round((before + after) * 500)
    doubt = round((after - before) * 500)
    skew = max((node["timestamp"] - middle for node in nodes), key=abs)
    if abs(skew) <= _TOLERATED_SKEW_MS + doubt:
        yield Verdict.OK, "this machine's and the cluster's agree"
    else:
        told = f"the cluster is {skew / 1000:+.1f} s off this machine's: windows would be run early or late; set up NTP"
        yield Verdict.FAIL, told


def _fields(installation: Installation) -> Answers:
    """The user's own index: are the fields of the needed kind there."""
    for rule in (rule for rule in installation.rules if rule.field_names.own_index):
        conditions = (*rule.selection, *rule.classification.classes)
        stated = {name for condition in conditions for name in condition.fields.stated}
        asked = sorted(stated | {LINE_KIND for condition in conditions if condition.kind})
        kinds = {"@timestamp": {"date", "date_nanos"}, "host.name": {"keyword"}, "log.level": {"keyword", "text"}}
        kinds |= {field: set() for field in ("event.original", *rule.field_lists.values(), *asked)}
        there = _types(installation, rule, kinds)
        if missing := [field for field in asked if not there[field]]:
            yield Verdict.INFO, f"{rule.id} finds little or nothing in {installation.index}, which has no {', '.join(missing)}"
            continue
        for field, wanted in kinds.items():
            name, types = name_in_index(rule, field), there[field]
            if not types:
                yield Verdict.FAIL, f"{field}: {installation.index} has no field {name!r}, which {rule.id} needs"
            elif wanted and not types <= wanted:
                yield Verdict.FAIL, f"{field}: {name!r} is {' and '.join(sorted(types))}, but must be {' or '.join(sorted(wanted))}"
            else:
                yield Verdict.OK, f"{field}: {name!r} is {' and '.join(sorted(types))}"


def _types(installation: Installation, rule: Rule, fields: Iterable[str]) -> dict[str, set[str]]:
    """Return the types that each event field has in the index, none where it is not there."""
    names = {field: name_in_index(rule, field) for field in fields}
    options: dict[str, str | int | bool] = {"fields": ",".join(names.values()), "ignore_unavailable": True}
    found = installation.engine.request("GET", f"/{installation.index}/_field_caps", params=options, retry=True)
    return {field: set(found["fields"].get(name, {})) for field, name in names.items()}


def _filter(installation: Installation) -> Answers:
    """The user's filter: does each of its host patterns match a machine; engines know no `[ab]`."""
    index, names = installation.index, {name_in_index(rule, "host.name") for rule in installation.rules}
    for number, entry in enumerate(installation.post_filter.entries, 1):
        for glob in (glob for glob in entry.host or () if "[" not in glob):
            pattern = {"value": glob.replace("\\", "\\\\"), "case_insensitive": True}
            if not any(installation.engine.count(index, {"wildcard": {name: pattern}}) for name in names):
                yield Verdict.WARN, f"[[filter]] {number}: no event in {index} is of a host {glob!r}; is the name right?"


def _objects(installation: Installation) -> Answers:
    """Compare the objects that rules share with the desired ones."""
    engine = installation.engine
    planned = plan(Connections(engine), shared_objects(installation.rules, engine.name, streams_of(engine)))
    of = {state: [each for each in planned if each.state is state] for state in State}
    named = {state: ", ".join(f"{each.kind} {each.name!r}" for each in of[state]) for state in State}
    install = "`detect install --force`" if of[State.FOREIGN] else "`detect install`"
    if len(of[State.SAME]) == len(planned):
        yield Verdict.OK, f"all {len(planned)} are as they should be"
    if of[State.MISSING]:
        told = f"{len(of[State.MISSING])} of {len(planned)} missing, and put there by {install}: {named[State.MISSING]}"
        yield Verdict.FAIL, told
    if drifted := of[State.DRIFTED]:
        served = frozenset[str]().union(*(tagged_rules(each.found) for each in drifted))
        dropped = ", ".join(sorted(served - {rule.id for rule in installation.rules}))
        told = f"not as they should be (`detect diff` shows where): {named[State.DRIFTED]}; {install} puts that right"
        yield Verdict.FAIL, told + (f", but drops {dropped}, which is not in this set (was --rules forgotten?)" if dropped else "")
    for each in of[State.FOREIGN]:
        by = f" (managed by {name})" if (name := manager(each.found)) else ""
        yield Verdict.FAIL, f"{each.kind} {each.name!r}{by} {untagged(1)}; `detect install --force` replaces it"
    for dataset in DATASETS:
        stream = installation.namespace.stream(dataset)
        for name in overriding(engine, dataset, stream):
            told = f"goes before {dataset.template!r} where {stream} gets its next index, which has nothing of ours then"
            yield Verdict.FAIL, f"index template {name!r} {told}: lower its priority or narrow its patterns"


def _pipeline(installation: Installation) -> Answers:
    """Let the pipeline of the cluster parse lines, and compare with the reference."""
    pipeline = installation.engine.get_pipeline(PIPELINE)
    if pipeline is None:
        yield Verdict.INFO, "is missing, so that no line was tried"
        return
    sent = [{"@timestamp": rfc3339(0, millis=True), "message": line, "host": {"name": "doctor"}} for line in _SAMPLES]
    for document, answer in zip(sent, installation.engine.simulate(PIPELINE, sent), strict=True):
        got = answer.get("doc", {}).get("_source")
        if got != parse_document(document, received_at=0, gin_timezone=zone_of(installed_timezone(pipeline))).document():
            mend = "`detect install`" if has_tag_text(pipeline.get("description")) else "`detect install --force`"
            yield Verdict.FAIL, f"parses a line otherwise than it should: {answer.get('error') or got}; {mend} puts it right"
            return
    yield Verdict.OK, "parses lines as it should"


def _scheduler(installation: Installation) -> Answers:
    """Say how far `detect watch` is with each rule."""
    for rule in installation.rules:
        done = read_progress(installation.engine, installation.namespace, rule.id)
        if done is None:
            yield Verdict.INFO, f"`detect watch` has not run {rule.id} in this namespace"
            continue
        late = rule.windows.last_run(now()).end > done.end
        behind = "; a run is due: is `detect watch` still there?" if late else ""
        yield Verdict.WARN if late else Verdict.OK, f"{rule.id} is done up to {rfc3339(done.end, millis=False)}{behind}"


def _documents(installation: Installation) -> Answers:
    """Did what came become events that the rules see; the user's own index has no pipeline of ours."""
    if any(rule.field_names.own_index for rule in installation.rules):
        return
    found = [loss for loss in losses(installation.engine, installation.index) if loss.count]
    of_json = (each.losses for each in json_events(installation.engine, installation.namespace))
    for loss in chain(found, (loss for each in of_json for loss in each if loss.count)):
        senders = f"; sent by {', '.join(loss.senders)}" if loss.senders else ""
        detail = f"{loss.count:,} document{'s' * (loss.count != 1)} {loss.text}{senders}"
        yield Verdict.FAIL if loss.fault else Verdict.INFO, detail, loss.mend
    if not installation.engine.count(installation.index, {"match_all": {}}):
        yield Verdict.INFO, f"there are no documents in {installation.index} yet"
    elif not found:
        yield Verdict.OK, f"every document of {installation.index} is an event that the rules see, and names its machine"


_CHECKS: dict[str, Callable[[Installation], Answers]] = {
    "connection": _connection,
    "version": _version,
    "health": _health,
    "blocks": _blocks,
    "disks": _disks,
    "permissions": _permissions,
    "alerting": _alerting,
    "clock": _clock,
    "objects": _objects,
    "pipeline": _pipeline,
    "fields": _fields,
    "filter": _filter,
    "scheduler": _scheduler,
    "documents": _documents,
}
