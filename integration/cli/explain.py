"""`detect explain`: why a line is found, or why not."""

from __future__ import annotations

from typing import Annotated

import typer

from integration.cli.config import ConfigOption, IndexOption, configured
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.logs import HostFromOption, HostOption
from integration.cli.options import Format, FormatOption, RuleOption, RulesOption
from integration.cli.output import escaped, print_json
from integration.commands.explain import Explanation, explain_document, explain_line, line_at
from integration.errors import InputError
from integration.evaluation.explanation import Trial, Verdict
from integration.log.hosts import Hosts
from integration.times import rfc3339

_MAX_VALUE = 300


@with_cluster
def explain(
    cluster: ClusterOptions,
    place: Annotated[str | None, typer.Argument(metavar="FILE:LINE", help="A line of a log; - is one on standard input.")] = None,
    doc: Annotated[str | None, typer.Option("--doc", metavar="ID", help="A document of the index of events instead.")] = None,
    host: HostOption = None,
    host_from: HostFromOption = None,
    rule: RuleOption = None,
    rules: RulesOption = None,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say step by step why a line is found, or why not.

    What carried it is taken off, secrets are blanked out, fields are read; then each rule's conditions are tried one by one. With
    --url on the command line the line also goes through the pipeline there, of which nothing is stored; each step where the two
    differ is marked, and ends the verb with 1.

    Example: detect explain server.log:42
    """
    _, loaded = configured(config, rules, rule)
    if (place is None) == (doc is None):
        raise InputError("name one thing to explain: FILE:LINE, - or --doc ID")
    if doc is not None:
        with cluster.open() as engine:
            explained = explain_document(engine, loaded, index or cluster.namespace.events, doc)
    else:
        line = line_at(str(place))
        with cluster.open_if_asked_for() as asked:
            explained = explain_line(line, Hosts([line.path], given=host, host_from=host_from), loaded, asked)
    if form is Format.JSON:
        print_json(_json(explained))
    else:
        _print(explained)
    if explained.differs:
        raise typer.Exit(1)


def _print(explained: Explanation) -> None:
    width = max(len(step.name) for step in explained.steps)
    print(escaped(explained.place))  # noqa: T201
    for step in explained.steps:
        print(f"  {escaped(step.name):{width}}  {escaped(step.says, _MAX_VALUE)}")  # noqa: T201
        if step.there is not None:
            print(f"  {'DIFFERS':>{width}}  on the cluster: {escaped(step.there, _MAX_VALUE)}")  # noqa: T201
    if explained.compared:
        print("The cluster DIFFERS where it is marked." if explained.differs else "The cluster agrees in every step.")  # noqa: T201
    for each in explained.verdicts:
        _print_verdict(each)


def _print_verdict(verdict: Verdict) -> None:
    rule = verdict.rule
    said = "NOT selected" if verdict.label is None else f"selected, {rule.classification.field} is {verdict.label}"
    print(f"\n{rule.id}: {said}")  # noqa: T201
    for trial in verdict.alternatives:
        _print_trial(trial, f"selection, {trial.name}")
    for trial in verdict.classes:
        _print_trial(trial, f"class {trial.name}")
    if verdict.label is not None:
        if not any(trial.holds for trial in verdict.classes):
            print(f"  yes  {verdict.label}: the class of all the rest")  # noqa: T201
        start, end, run = (
            rfc3339(time, millis=False) for time in (verdict.window.start, verdict.window.end, verdict.window.run_at)
        )
        print(f"  it counts in the window from {start} to {end}, which the run at {run} covers")  # noqa: T201


def _print_trial(trial: Trial, name: str) -> None:
    """Write a condition; of one that does not hold only what fails."""
    print(f"  {_answer(trial.holds)}  {name}")  # noqa: T201
    for part in trial.parts:
        if trial.holds or not part.holds:
            found = f": {part.found}" * bool(part.found)
            print(f"         {_answer(part.holds)}  {escaped(part.says + found, _MAX_VALUE)}")  # noqa: T201


def _answer(holds: bool) -> str:
    return "yes" if holds else "no "


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
        "window": window,
    }


def _trial_json(trial: Trial) -> dict[str, object]:
    parts = [{"says": part.says, "holds": part.holds, "found": part.found} for part in trial.parts]
    return {"name": trial.name, "holds": trial.holds, "conditions": parts}
