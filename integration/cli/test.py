"""`detect test`: the cases beside rules."""
# ruff: noqa: PT028 - a verb, not a test

from __future__ import annotations

from dataclasses import asdict
from difflib import unified_diff
from typing import Annotated

import typer

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.junit import TestCase, junit
from integration.cli.options import ConfigOption, ResultFormatOption, RuleOption, RulesOption, rules_of
from integration.cli.output import escaped, escaped_lines, note, print_json
from integration.cli.tables import print_diff
from integration.commands.test import run_cases, update


@with_cluster
def test(
    cluster: ClusterOptions,
    rewrite: Annotated[bool, typer.Option("--update", help="Rewrite what cases expect, and show the difference.")] = False,
    rule: RuleOption = None,
    rules: RulesOption = None,
    config: ConfigOption = None,  # noqa: ARG001 - its callback feeds the others
    form: ResultFormatOption = "table",
) -> None:
    """Run the cases beside rules: lines, and what must come of them.

    They stand in tests/ID/*.yml beside the file of the rule ID. The reference evaluates them; with --url on the command line, the
    cluster's pipeline and the rule there do so too, in an index of their own that is deleted again. Ends with 1 when a case fails,
    and when a rule has no case that fires or none that does not.

    Example: detect test --rules my-rules --format junit > cases.xml
    """
    loaded = rules_of(rules, rule)
    if rewrite:
        for path, before, after in update(loaded):
            print_diff(unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm=""))
    with cluster.open_if_asked_for() as engine:
        results = list(run_cases(loaded, engine))
    failed = [result for result in results if result.faults]
    if form == "json":
        print_json({"passed": not failed, "cases": [asdict(result) for result in results]})
    elif form == "junit":
        suites: dict[str, list[TestCase]] = {}
        for result in results:
            case = TestCase(result.name, result.rule_id, result.faults, result.place)
            suites.setdefault(f"{result.rule_id} by {result.by}", []).append(case)
        print(junit(suites))  # noqa: T201
    else:
        for result in failed:
            print(escaped(f"{result.place}: {result.name} ({result.rule_id}, {result.by})"))  # noqa: T201
            print(escaped_lines("\n".join(f"    {fault}" for fault in result.faults)))  # noqa: T201
    note(f"{len(results) - len(failed):,} passed, {len(failed):,} failed: {sum(result.lines for result in results):,} lines.")
    if failed:
        raise typer.Exit(1)
