"""The table of the verbs. The module of a verb is imported when the verb is used, so that `--version` and `--help` are quick."""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

_WIDEST = 1_000


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb in the help of `detect`: its panel, the first line of its own help, and its module if it is not of the verb's name."""

    panel: str
    summary: str
    module: str = ""


_FILES, _LIFE_CYCLE, _EVALUATION, _ALERTING, _TOOLS = "Log files", "Cluster life cycle", "Evaluation", "Alerting", "Tools"
VERBS = {
    "scan": Verb(_FILES, "Evaluate log files with the Python reference of the search; no cluster is asked."),
    "ingest": Verb(
        _FILES, "Send log lines through the installed pipeline into the data stream; the same file a second time changes nothing."
    ),
    "install": Verb(
        _LIFE_CYCLE, "Put the ingest pipeline, the index templates and the rules on the cluster; repeat it as often as you like."
    ),
    "diff": Verb(
        _LIFE_CYCLE,
        "Compare each object on the cluster with what this version and these rules would install; ends with 1 on any difference.",
    ),
    "status": Verb(
        _LIFE_CYCLE,
        "Say what is installed, how the rules run, how many events there are, and how many lines could not be parsed.",
    ),
    "uninstall": Verb(_LIFE_CYCLE, "Remove what `detect install` made and nothing else."),
    "doctor": Verb(
        _LIFE_CYCLE,
        "Examine the connection, privileges, clocks, installed objects, the pipeline and the scheduler; change nothing.",
    ),
    "run": Verb(_EVALUATION, "Let the cluster evaluate scheduled windows and print the findings."),
    "validate": Verb(_EVALUATION, "Compare the cluster's findings with the Python reference over the same lines."),
    "explain": Verb(_EVALUATION, "Say step by step why a line is found, or why not."),
    "watch": Verb(_EVALUATION, "Run the rules by their schedule and store their findings as risk events."),
    "findings": Verb(_EVALUATION, "List findings: risk events, and alerts of OpenSearch Alerting or Kibana."),
    "enable": Verb(_ALERTING, "Start the rules where `detect install` put them; nothing else of them changes."),
    "disable": Verb(
        _ALERTING, "Stop the rules; they stay installed, with their open alerts, and an upgrade leaves them stopped.", "enable"
    ),
    "test": Verb(_TOOLS, "Run the cases beside rules: lines, and what must come of them."),
    "export": Verb(_TOOLS, "Write every rendered body to a file, without a cluster."),
    "sample": Verb(_TOOLS, "Write made-up Ollama logs to try the detection on: benign, noisy, under attack."),
    "cluster": Verb(_TOOLS, "Start and stop real nodes on this machine, without Docker."),
    "demo": Verb(_TOOLS, "Start a real node, send sample logs through the pipeline, and validate the findings."),
}


class _Command(TyperCommand):
    """A verb whose help shows its options by their panels."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            own = "Arguments" if param.param_type_name == "argument" else "Options"
            if record is not None:
                panels.setdefault(getattr(param, "rich_help_panel", None) or own, []).append(record)
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)


def typer_app(**settings: Any) -> typer.Typer:
    """Return an empty command whose help is plain text as wide as the terminal."""
    return typer.Typer(
        add_completion=False,
        context_settings={"max_content_width": _WIDEST},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        **settings,
    )


class _Commands(UserDict[str, Any]):
    """The commands by name, each made when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        module = import_module(f"integration.cli.{self.data[name].module or name}")
        verb = getattr(module, name)
        if isinstance(verb, typer.Typer):
            return get_command(verb)
        app = typer_app()
        app.command(name, cls=_Command)(verb)
        return get_command(app)


class Verbs(TyperGroup):
    """The verbs, listed by panel."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands(VERBS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the table, for which no verb is imported."""
        width = max(map(len, VERBS))
        for panel in dict.fromkeys(verb.panel for verb in VERBS.values()):
            with formatter.section(panel):
                formatter.write_dl([(name.ljust(width), verb.summary) for name, verb in VERBS.items() if verb.panel == panel])
