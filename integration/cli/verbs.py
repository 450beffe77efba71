"""The table of the verbs. The module of a verb is imported when the verb is used, so that `--version` and `--help` are quick."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from inspect import Parameter, Signature, cleandoc, signature
from itertools import takewhile
from textwrap import indent, wrap
from types import SimpleNamespace
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from integration.errors import InputError

_WIDEST = 1_000
_INDENT = 2


PANELS = {
    "Log files": {
        "scan": "Evaluate log files with the Python reference of the search; no cluster is asked.",
        "ingest": "Send log lines through the installed pipeline into the data stream; "
        "the same file a second time changes nothing.",
    },
    "Cluster life cycle": {
        "install": "Put the ingest pipeline, the index templates and the rules on the cluster; repeat it as often as you like.",
        "diff": "Compare each object on the cluster with what this version and these rules would install; "
        "ends with 1 on any difference.",
        "status": "Say what is installed, how the rules run, how many events there are, and how many lines could not be parsed.",
        "uninstall": "Remove what `detect install` made and nothing else.",
        "doctor": "Examine the connection, privileges, clocks, installed objects, the pipeline and the scheduler; change nothing.",
    },
    "Evaluation": {
        "run": "Let the cluster evaluate scheduled windows and print the findings.",
        "backtest": "Say how many findings the past would have had: by severity, day, hour and host, and of which messages.",
        "validate": "Compare the cluster's findings with the Python reference over the same lines.",
        "explain": "Say step by step why a line is found, or why not.",
        "watch": "Run the rules by their schedule and store their findings as risk events.",
        "notify": "List whom `detect watch` tells of findings, and send each a test message.",
        "findings": "List findings, or show one: risk events, and alerts of OpenSearch Alerting or Kibana.",
    },
    "Alerting": {
        "enable": "Start the rules where `detect install` put them; nothing else of them changes.",
        "disable": "Stop the rules; they stay installed, with their open alerts, and an upgrade leaves them stopped.",
    },
    "Rules": {
        "rules": "List the rules, show one, check their files, or begin a new one.",
        "test": "Run the cases beside rules: lines, and what must come of them.",
    },
    "Tools": {
        "export": "Write every rendered body to a file, without a cluster.",
        "sample": "Write made-up Ollama logs to try the detection on: benign, noisy, under attack.",
        "cluster": "Start and stop real nodes on this machine, without Docker.",
        "demo": "Start a real node, send sample logs through the pipeline, and validate the findings.",
    },
}
"""The verbs by panel, each with the first line of its own help."""
SUMMARIES = {name: summary for verbs in PANELS.values() for name, summary in verbs.items()}
_MODULES = {"disable": "enable"}
"""The modules of verbs that are not of the verb's name."""


debugging = SimpleNamespace(wanted=False)
"""Whether tracebacks are wanted, as is said before a verb or after it."""


def _heed(wanted: bool) -> None:
    debugging.wanted = debugging.wanted or wanted


DebugOption = Annotated[bool, typer.Option("--debug", envvar="DETECT_DEBUG", callback=_heed, help="Show tracebacks of faults.")]


def replacing(
    name: str,
    make: Callable[..., object],
    verb: Callable[..., None],
    context: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Callable[..., None]:
    """Return a verb that has the options of `make` in place of its parameter `name`, which gets what `make` returns.

    Both run within `context`. A verb without such a parameter has the options besides its own.
    """
    own = signature(verb, eval_str=True).parameters
    shared = signature(make, eval_str=True).parameters

    def call(**given: Any) -> None:
        with context():
            made = make(**{each: given.pop(each) for each in shared})
            verb(**given, **({name: made} if name in own else {}))

    parameters = [*(p for each, p in own.items() if each != name), *shared.values()]
    keyword_only = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in parameters]
    call.__signature__ = Signature(keyword_only)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in keyword_only}
    call.__name__, call.__doc__ = verb.__name__, verb.__doc__
    return call


def verb_of(app: typer.Typer, name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that makes a function a verb, of its own name or another, with the option --debug after its own."""

    def debug(_debug: DebugOption = False) -> None: ...

    def make(verb: Callable[..., None]) -> Callable[..., None]:
        app.command(name or verb.__name__, cls=VerbCommand)(replacing("", debug, verb))
        return verb

    return make


class VerbCommand(TyperCommand):
    """A verb whose help shows its options by their panels, the connection apart, and whose faults are in words of its own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; a value that does not fit is told without the words of the library that found out.

        `InputError` names what there is instead of an option that many look for in vain.
        """
        for option in takewhile(lambda argument: argument != "--", args):
            if instead := _instead_of(option.partition("=")[0], self):
                raise InputError(instead)
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the text of the help; an option in an example is not broken at its hyphens."""
        width = formatter.width - _INDENT
        for paragraph in cleandoc(self.help or "").split("\n\n"):
            lines = wrap(" ".join(paragraph.split()), width, break_on_hyphens=False, break_long_words=False)
            formatter.write("\n" + indent("\n".join(lines), " " * _INDENT) + "\n")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a table for each panel."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            argument = param.param_type_name == "argument"
            own = "Arguments" if argument else "Options"
            if record is not None:
                record = (record[0].partition(" <")[0], record[1]) if argument else record  # its type says nothing to a user
                panels.setdefault(getattr(param, "rich_help_panel", None) or own, []).append(record)
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)


def _instead_of(option: str, verb: TyperCommand) -> str | None:
    if verb.name == "scan" and option in ("--since", "--from", "--to"):
        return f"scan has no {option}, it reads files whole: `detect backtest FILE {option}` looks at a time"
    if option in ("--password", "--api-key") and any(f"{option}-file" in param.opts for param in verb.params):
        variable = f"DETECT_{option.strip('-').upper().replace('-', '_')}"
        return f"there is no {option}, as others can read the command line: set {variable}, or give {option}-file"
    return None


class VerbGroup(TyperGroup):
    """A verb that has verbs of its own, each listed with the whole first line of its help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the table."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, str(verb.help).partition("\n")[0]) for name, verb in self.commands.items()])


class ListingGroup(VerbGroup):
    """A verb with verbs of its own, of which `list` is meant where none is named."""

    default = "list"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb in front that is meant."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else [self.default, *args])


def typer_app(*, completion: bool = False, **settings: Any) -> typer.Typer:
    """Return an empty command whose help is plain text as wide as the terminal."""
    return typer.Typer(
        add_completion=completion,
        context_settings={"max_content_width": _WIDEST},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        **settings,
    )


class _Commands(UserDict[str, Any]):
    """The commands by name, each made when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in self.data:
            raise KeyError(name)
        module = import_module(f"integration.cli.{_MODULES.get(name, name)}")
        verb = getattr(module, name)
        if isinstance(verb, typer.Typer):
            return get_command(verb)
        app = typer_app()
        verb_of(app)(verb)
        return get_command(app)


class Verbs(TyperGroup):
    """The verbs, listed by panel."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands(SUMMARIES)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the table, for which no verb is imported."""
        width = max(map(len, SUMMARIES))
        for panel, verbs in PANELS.items():
            with formatter.section(panel):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in verbs.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what a word may become; no verb is imported to tell its name."""
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in SUMMARIES.items()}
        found: list[Any] = super().shell_complete(ctx, incomplete)
        return found
