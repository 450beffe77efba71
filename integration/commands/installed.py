"""The checks of `detect doctor` on what was installed, on what runs the rules, and on what came since."""

from __future__ import annotations

from integration.commands.check import Answers, Installation, Verdict
from integration.commands.losses import losses
from integration.install.gin_timezone import installed_timezone
from integration.install.objects import Connections
from integration.install.ownership import has_tag_text, manager, tagged_rules, untagged
from integration.install.plan import State, plan
from integration.install.shared_objects import shared_objects
from integration.install.streams import overriding, streams_of
from integration.log.event import parse_document
from integration.log.shipper_times import zone_of
from integration.names import DATASETS, PIPELINE
from integration.scheduler.progress import read_progress
from integration.times import now, rfc3339

_SAMPLES = (
    'time=2026-11-24T08:50:00.123Z level=ERROR source=server.go:224 msg="ollama exited" err="exit status 1"',
    '[GIN] 2026/11/24 - 08:50:00 | 500 |  2.859719514s |      172.18.0.3 | POST     "/api/chat"',
)


def objects(installation: Installation) -> Answers:
    """Compare the objects that rules share with the desired ones."""
    engine = installation.engine
    planned = plan(Connections(engine), shared_objects(installation.rules, engine.name, streams_of(engine)))
    of = {state: [each for each in planned if each.state is state] for state in State}
    named = {state: ", ".join(f"{each.kind} {each.name!r}" for each in of[state]) for state in State}
    install = "`detect install --force`" if of[State.FOREIGN] else "`detect install`"
    if len(of[State.SAME]) == len(planned):
        yield Verdict.OK, f"all {len(planned)} are as they should be"
    if of[State.MISSING]:
        yield (
            Verdict.FAIL,
            f"{len(of[State.MISSING])} of {len(planned)} missing, and put there by {install}: {named[State.MISSING]}",
        )
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


def pipeline(installation: Installation) -> Answers:
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


def scheduler(installation: Installation) -> Answers:
    """Say how far `detect watch` is with each rule."""
    for rule in installation.rules:
        done = read_progress(installation.engine, installation.namespace, rule.id)
        if done is None:
            yield Verdict.INFO, f"`detect watch` has not run {rule.id} in this namespace"
            continue
        late = rule.windows.last_run(now()).end > done.end
        behind = "; a run is due: is `detect watch` still there?" if late else ""
        yield Verdict.WARN if late else Verdict.OK, f"{rule.id} is done up to {rfc3339(done.end, millis=False)}{behind}"


def documents(installation: Installation) -> Answers:
    """Did what came become events that the rules see; the user's own index has no pipeline of ours."""
    if any(rule.field_names.own_index for rule in installation.rules):
        return
    found = [loss for loss in losses(installation.engine, installation.index) if loss.count]
    for loss in found:
        senders = f"; sent by {', '.join(loss.senders)}" if loss.senders else ""
        detail = f"{loss.count:,} document{'s' * (loss.count != 1)} {loss.text}{senders}"
        yield Verdict.FAIL if loss.fault else Verdict.INFO, detail, loss.mend
    if not installation.engine.count(installation.index, {"match_all": {}}):
        yield Verdict.INFO, f"there are no documents in {installation.index} yet"
    elif not any(loss.fault for loss in found):
        yield Verdict.OK, f"every document of {installation.index} is an event that the rules see, and names its machine"
