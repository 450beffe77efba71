"""The command `detect`: verbs, options and exit codes; the logic is elsewhere."""

from __future__ import annotations

import sqlite3
import sys
import traceback
from typing import Annotated

import typer

from integration import __version__
from integration.cli.standard_output import PipeClosedError
from integration.cli.verbs import DebugOption, Verbs, debugging, typer_app
from integration.errors import DetectError, InputError

app = typer_app(
    cls=Verbs,
    completion=True,
    help="Splunk's detection of a possible RCE via model loading in Ollama, for Elasticsearch and OpenSearch.",
    epilog="Exit codes: 0 done; 1 the answer is no; 2 bad usage, rule or input; 3 the cluster refused or cannot be reached; "
    "4 partly done",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(__version__)  # noqa: T201
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
    _debug: DebugOption = False,
) -> None: ...


def main() -> None:
    """Run the command; a fault becomes one message on standard error, its notes below it, and its exit code."""
    debugging.wanted = False
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except PipeClosedError as error:
        sys.exit(error.exit_code)
    except DetectError as error:
        _end(error, error)
    except sqlite3.OperationalError as error:  # of the temporary files, the only databases here
        hint = "SQLITE_TMPDIR names another folder for it, with more room"
        _end(error, InputError(f"a temporary file cannot be written ({error}); {hint}"))


def _end(error: Exception, told: DetectError) -> None:
    from integration.cli.output import escaped_lines  # not above: `--help` needs none of it

    if debugging.wanted:
        traceback.print_exception(error)
    print(escaped_lines("\n".join([f"detect: {told}", *getattr(told, "__notes__", [])])), file=sys.stderr)  # noqa: T201
    sys.exit(told.exit_code)
