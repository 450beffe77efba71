"""`detect doctor`: is everything there that the detection needs, and does it work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from integration.commands.check import Answers, Check, Installation, Verdict
from integration.commands.installed import documents, objects, pipeline, scheduler
from integration.commands.obstacles import FLOOD_STAGE, blocks, full_disks
from integration.detection.conditions import LINE_KIND
from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.errors import DetectError, ForbiddenError
from integration.install.privileges import Work, lacking_privileges
from integration.targets.opensearch.plugins import has_alerting

_TOLERATED_SKEW_MS = 5_000


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
            detail = (
                f"lacking: {', '.join(lacking[work])}; the role {work.role} has all it needs (`detect install --roles` makes it)"
            )
            yield Verdict.FAIL if needed else Verdict.INFO, f"{work}: no, {detail}"
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
        asked = sorted(set(_fields_of_conditions(rule)))
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


def _fields_of_conditions(rule: Rule) -> Iterator[str]:
    conditions = (*rule.selection, *rule.classification.classes)
    yield from (LINE_KIND for condition in conditions if condition.kind)
    yield from (name for condition in conditions for name in condition.fields.stated)


def _filter(installation: Installation) -> Answers:
    """The user's filter: does each of its host patterns match a machine; engines know no `[ab]`."""
    asked = [
        (number, glob)
        for number, entry in enumerate(installation.post_filter.entries, 1)
        for glob in entry.host or ()
        if "[" not in glob
    ]
    names = {name_in_index(rule, "host.name") for rule in installation.rules}
    for number, glob in asked:
        pattern = {"value": glob.replace("\\", "\\\\"), "case_insensitive": True}
        if not any(installation.engine.count(installation.index, {"wildcard": {name: pattern}}) for name in names):
            yield Verdict.WARN, f"[[filter]] {number}: no event in {installation.index} is of a host {glob!r}; is the name right?"


_CHECKS: dict[str, Callable[[Installation], Answers]] = {
    "connection": _connection,
    "version": _version,
    "health": _health,
    "blocks": _blocks,
    "disks": _disks,
    "permissions": _permissions,
    "alerting": _alerting,
    "clock": _clock,
    "objects": objects,
    "pipeline": pipeline,
    "fields": _fields,
    "filter": _filter,
    "scheduler": scheduler,
    "documents": documents,
}
