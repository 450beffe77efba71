"""`detect explain`: why a line is found, or why not."""

from __future__ import annotations

from typing import Annotated

import typer

from integration.cli.config import ConfigOption, IndexOption, configured
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.explanation import print_evidence, print_explanation
from integration.cli.logs import HostFromOption, HostOption
from integration.cli.options import Format, FormatOption, RuleOption, RulesOption, TimezoneOption, zone_of
from integration.commands.evidence import evidence_in_files, evidence_on_cluster
from integration.commands.explain import explain_document, explain_line, line_at
from integration.errors import InputError
from integration.log.blocks import names_of_logs
from integration.log.documents import each_once
from integration.log.hosts import Hosts


@with_cluster
def explain(
    cluster: ClusterOptions,
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
    rule: RuleOption = None,
    rules: RulesOption = None,
    timezone: TimezoneOption = "UTC",
    index: IndexOption = None,
    every: Annotated[bool, typer.Option("--all", help="Of each class that does not take the line, what fails.")] = False,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say step by step why a line is found, or why not.

    What carried it is taken off, secrets are blanked out, fields are read; then each rule's conditions are tried one by one. With
    --url on the command line the line also goes through the pipeline there, of which nothing is stored; each step where the two
    differ is marked, and ends the verb with 1.

    --finding shows the lines behind a finding in time order, and what made its severity: in the files that are named (of a finding
    of `detect scan`), else on the cluster.

    Example: detect explain server.log:42
    """
    _, loaded = configured(config, rules, rule)
    where = index or cluster.namespace.events
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
        print_evidence(evidence, form)
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
    print_explanation(explained, form, every=every)
    if explained.differs:
        raise typer.Exit(1)
