"""`detect rules list`, `show`, `check`, `new`: the rule files."""

from __future__ import annotations

from typing import Annotated

import typer

from integration.cli.options import ConfigOption, FormatOption, RulesOption, configured, rules_of
from integration.cli.output import escaped, escaped_lines, note, print_json
from integration.cli.tables import print_table
from integration.cli.verbs import VerbGroup, typer_app, verb_of
from integration.commands.rules import begin, changes
from integration.commands.rules import check as check_files
from integration.errors import InputError
from integration.folders import asset_folder

rules = typer_app(
    cls=VerbGroup,
    help="List the rules, show one, check their files, or begin a new one.\n\n"
    "A folder of yours, named by --rules or in detect.toml, adds to the shipped rules.",
)


@verb_of(rules, "list")
def listed(rules: RulesOption = None, config: ConfigOption = None, form: FormatOption = "table") -> None:
    """List the rules: the shipped ones, and those of your folders.

    Example: detect rules list --rules my-rules
    """
    _, loaded = configured(config, rules, None)
    if form == "json":
        names = ("id", "version", "name", "status")
        records = [{name: getattr(rule, name) for name in names} for rule in loaded]
        for record, rule in zip(records, loaded, strict=True):
            record |= {"cron": rule.schedule.cron, "file": str(rule.file)}
        print_json({"rules": records})
        return
    rows = []
    for rule in loaded:
        shipped = rule.file is not None and rule.file.is_relative_to(asset_folder("rules"))
        place = "shipped" if shipped else str(rule.file)
        rows.append([rule.id, str(rule.version), rule.status, rule.name, rule.schedule.cron, place])
    print_table(["rule", "version", "status", "name", "schedule (UTC)", "file"], rows)


@verb_of(rules)
def show(
    rule: Annotated[str, typer.Argument(metavar="ID", help="The rule's id.")],
    rules: RulesOption = None,
    config: ConfigOption = None,
    form: FormatOption = "table",
) -> None:
    """Show a rule: its file as it stands, or with --format json what comes of it and your settings.

    Example: detect rules show ollama_possible_rce_via_model_loading
    """
    _, (asked,) = configured(config, rules, [rule])
    if form == "json":
        print_json(asked.model_dump(mode="json", by_alias=True))
        return
    (read,) = rules_of(rules, [rule])
    if read.file is not None:
        print(escaped_lines(read.file.read_text(encoding="utf-8").rstrip("\n")))  # noqa: T201
        note(f"From {read.file}.")
    if changed := changes(read, asked):
        note(f"Your detect.toml changes: {', '.join(changed)}; --format json shows the rule as it is used.")


@verb_of(rules)
def check(rules: RulesOption = None, config: ConfigOption = None, form: FormatOption = "table") -> None:
    """List every fault of every rule file, and of the cases beside them, each with its file and line; ends with 1 on any.

    Where the rules are without fault, what your detect.toml says of them is checked too.

    Example: detect rules check --rules my-rules
    """
    found, faults = check_files(rules or ())
    if not faults:
        try:
            configured(config, rules, None)
        except InputError as error:
            faults += str(error).splitlines()
    if form == "json":
        print_json({"valid": not faults, "rules": [rule.id for rule in found], "faults": faults})
    else:
        for fault in faults:
            print(escaped(fault))  # noqa: T201
    note(f"{len(found):,} rule{'s' * (len(found) != 1)} read, {len(faults):,} fault{'s' * (len(faults) != 1)}.")
    if faults:
        raise typer.Exit(1)


@verb_of(rules)
def new(
    rule: Annotated[str, typer.Argument(metavar="ID", help="The new rule's id, such as ollama_out_of_memory.")],
    rules: RulesOption = None,
    config: ConfigOption = None,  # noqa: ARG001 - its callback feeds the others
    form: FormatOption = "table",
) -> None:
    """Begin a rule in a folder of yours: a file with comments to fill in, and its first cases.

    It works as it stands. The folder is made if need be; of several that are named, the first is taken.

    Example: detect rules new ollama_out_of_memory --rules my-rules
    """
    if not rules:
        raise InputError("name the folder for the new rule: --rules FOLDER, or `rules` in detect.toml")
    folder = rules[0]
    files = begin(rule, folder)
    if form == "json":
        print_json({"files": [str(file) for file in files]})
    else:
        for file in files:
            print(escaped(str(file)))  # noqa: T201
    note(f"Fill it in, then: detect rules check --rules {folder}; detect test --rules {folder} --rule {rule}")
