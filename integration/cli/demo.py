"""`detect demo`: from log lines to validated findings, on a real node."""

from __future__ import annotations

import typer

from integration.cli.cluster import EngineOption
from integration.cli.findings_output import print_findings
from integration.cli.options import FormatOption, RuleOption, RulesOption, rules_of
from integration.cli.output import note
from integration.cli.validate import print_validation
from integration.commands.demo import run_demo


def demo(
    engine: EngineOption = "opensearch",
    rule: RuleOption = None,
    rules: RulesOption = None,
    form: FormatOption = "table",
) -> None:
    """Start a real node, send sample logs through the pipeline, and validate the findings.

    The findings are compared with the Python reference. The node and its data are removed at the end; a cluster of yours is never
    touched.

    Example: detect demo
    """
    chosen = rules_of(rules, rule)
    result = run_demo(chosen, engine, note)
    events = {
        "read": result.ingested.created,
        "selected": sum(validation.selected for _, validation in result.validations),
    }
    print_findings(result.findings, events, form, chosen)
    if form == "table":
        print_validation(result.validations)
        verdict = "agrees, too" if not result.file_differences else "DIFFERS"
        print(f"Evaluated over the files themselves, which never saw the cluster, the reference {verdict}.")  # noqa: T201
    if not result.agrees:
        raise typer.Exit(1)
