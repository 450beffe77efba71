"""`detect explain`: why a line is found, or why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.logs import HostFromOption, HostOption
from integration.cli.options import Form, FormatOption, RuleOptions, TimezoneOption, with_rules, zone_of
from integration.cli.output import escaped, note, print_json
from integration.cli.tables import print_hanging, print_table
from integration.commands.evidence import Evidence, evidence_in_files, evidence_on_cluster
from integration.commands.explain import Explanation, explain_document, explain_line, line_at
from integration.errors import InputError
from integration.evaluation.explanation import Part, Trial, Verdict
from integration.log.blocks import names_of_logs
from integration.log.documents import each_once
from integration.log.hosts import Hosts
from integration.times import rfc3339

_MAX_VALUE = 300


@with_cluster
@with_rules
def explain(
    cluster: ClusterOptions,
    options: RuleOptions,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE:LINE", help="A line of a log, - is one on standard input; with --finding the log files."),
    ] = None,
    finding: Annotated[
        str | None,
        typer.Option("--finding", metavar="ID", help="The lines behind a finding instead; the first characters of its id do."),
    ] = None,
    doc: Annotated[str | None, typer.Option("--doc", metavar="ID", help="A document of the index of events instead.")] = None,
    host: HostOption = None,
    host_from: HostFromOption = None,
    timezone: TimezoneOption = "UTC",
    every: Annotated[bool, typer.Option("--all", help="Of each class that does not take the line, what fails.")] = False,
    form: FormatOption = "table",
) -> None:
    """Say step by step why a line is found, or why not.

    What carried it is taken off, secrets are blanked out, fields are read; then each rule's conditions are tried one by one. With
    --url on the command line the line also goes through the pipeline there, of which nothing is stored; each step where the two
    differ is marked, and ends the verb with 1.

    --finding shows the lines behind a finding in time order, and what made its severity: in the files that are named (of a finding
    of `detect scan`), else on the cluster.

    Example: detect explain server.log:42
    """
    loaded, where = options.rules, options.deployment(cluster.namespace).events
    named = places or []
    if finding is not None and doc is None:
        if every:
            raise InputError("--all is about the classes of one line: it does not go with --finding")
        zone = zone_of(timezone)
        if named:
            hosts = Hosts(list(names_of_logs(named)), given=host, host_from=host_from)
            evidence = evidence_in_files(loaded, each_once(named), hosts, finding.lower(), zone)
        else:
            with cluster.open() as engine:
                evidence = evidence_on_cluster(engine, loaded, where, cluster.namespace.risk, finding.lower(), zone)
        _print_evidence(evidence, form)
        return
    if finding is not None or len(named) + (doc is not None) != 1:
        raise InputError("name one thing to explain: FILE:LINE, -, --doc ID, or --finding ID with the log files or without")
    if doc is not None:
        with cluster.open() as engine:
            explained = explain_document(engine, loaded, where, doc)
    else:
        line = line_at(named[0])
        with cluster.open_if_asked_for() as asked:
            explained = explain_line(line, Hosts([line.path], given=host, host_from=host_from), loaded, asked)
    _print_explanation(explained, form, every=every)
    if explained.differs:
        raise typer.Exit(1)


def _print_explanation(explained: Explanation, form: Form, *, every: bool) -> None:
    """Write what each step made of a line; with `every` in a table too why each class does not take it."""
    if form == "json":
        print_json(_json(explained))
        return
    _print_steps(explained)
    for each in explained.verdicts:
        _print_verdict(each, every=every)


def _print_evidence(evidence: Evidence, form: Form) -> None:
    """Write the lines behind a finding, and what made its severity."""
    finding = evidence.finding
    if form == "json":
        lines = [line._asdict() | {"time": rfc3339(line.time, millis=True)} for line in evidence.lines]
        about = {"finding": {"id": finding.id} | finding.to_json(), "severity": [_part_json(part) for part in evidence.reasons]}
        print_json(about | {"lines": lines, "lines_left_out": evidence.left_out})
        return
    start, end = (rfc3339(time, millis=False) for time in (finding.window_start, finding.window_end))
    print_hanging("", f"{finding.id}: {finding.rule_id}, host {finding.host}, from {start} to {end}")
    print(f"\nseverity {finding.severity}")  # noqa: T201
    for part in evidence.reasons:
        _print_part(part, "  ")
    print()  # noqa: T201
    rows = [[rfc3339(line.time, millis=True), line.label, line.place, escaped(line.text, _MAX_VALUE)] for line in evidence.lines]
    print_table(["time", "label", "place", "line"], rows)
    if evidence.left_out:
        note(f"The first {len(rows):,} lines in time; {evidence.left_out:,} more.")


def _print_steps(explained: Explanation) -> None:
    width = max(len(step.name) for step in explained.steps)
    print_hanging("", explained.place)
    for step in explained.steps:
        print_hanging(f"  {step.name:{width}}  ", step.says, _MAX_VALUE)
        if step.there is not None:
            print_hanging(f"  {'DIFFERS':>{width}}  ", f"on the cluster: {step.there}", _MAX_VALUE)
    if explained.compared:
        print("The cluster DIFFERS where it is marked." if explained.differs else "The cluster agrees in every step.")  # noqa: T201


def _print_verdict(verdict: Verdict, *, every: bool) -> None:
    rule = verdict.rule
    said = "NOT selected" if verdict.label is None else f"selected, {rule.classification.field} is {verdict.label}"
    print()  # noqa: T201
    print_hanging("", f"{rule.id}: {said}")
    for trial in verdict.alternatives:
        _print_trial(trial, f"selection, {trial.name}")
    _print_classes(verdict.classes, every=every)
    if verdict.remark:
        print_hanging("  ", verdict.remark)
    if verdict.label is not None:
        if not any(trial.holds for trial in verdict.classes):
            _print_answer("  ", f"{verdict.label}: the class of all the rest", holds=True)
        start, end, run = (
            rfc3339(time, millis=False) for time in (verdict.window.start, verdict.window.end, verdict.window.run_at)
        )
        print_hanging("  ", f"it counts in the window from {start} to {end}, which the run at {run} covers")


def _print_classes(classes: Sequence[Trial], *, every: bool) -> None:
    """Write the class that takes the line, and before it with `every` what fails first of each other, else their number."""
    others = [trial for trial in classes if not trial.holds]
    if every:
        for trial in others:
            failing = next(part for part in trial.parts if not part.holds)
            _print_answer("  ", f"class {trial.name}: {failing.outcome}", holds=False)
    elif others:
        said = "1 class does" if len(others) == 1 else f"{len(others)} classes do"
        _print_answer("  ", f"{said} not take it; --all says why", holds=False)
    for trial in classes:
        if trial.holds:
            _print_trial(trial, f"class {trial.name}")


def _print_trial(trial: Trial, name: str) -> None:
    """Write a condition; of one that does not hold only what fails."""
    _print_answer("  ", name, holds=trial.holds)
    for part in trial.parts:
        if trial.holds or not part.holds:
            _print_part(part, "         ")


def _print_part(part: Part, margin: str) -> None:
    _print_answer(margin, part.outcome, holds=part.holds)


def _print_answer(margin: str, text: str, *, holds: bool) -> None:
    print_hanging(f"{margin}{'yes' if holds else 'no '}  ", text, _MAX_VALUE)


def _json(explained: Explanation) -> dict[str, object]:
    return {
        "place": explained.place,
        "steps": [
            {"step": step.name, "says": step.says} | ({"cluster": step.there} if step.there is not None else {})
            for step in explained.steps
        ],
        "compared": explained.compared,
        "differs": explained.differs,
        "event": explained.event.document(),
        "rules": [_verdict_json(each) for each in explained.verdicts],
    }


def _verdict_json(verdict: Verdict) -> dict[str, object]:
    window = {name: rfc3339(getattr(verdict.window, name), millis=False) for name in ("start", "end", "run_at")}
    return {
        "rule_id": verdict.rule.id,
        "selected": verdict.label is not None,
        "label": verdict.label,
        "selection": [_trial_json(trial) for trial in verdict.alternatives],
        "classes": [_trial_json(trial) for trial in verdict.classes],
        "remark": verdict.remark,
        "window": window,
    }


def _trial_json(trial: Trial) -> dict[str, object]:
    return {"name": trial.name, "holds": trial.holds, "conditions": [_part_json(part) for part in trial.parts]}


def _part_json(part: Part) -> dict[str, object]:
    return {"says": part.says, "holds": part.holds, "found": part.found}
