"""The table of the verbs: it says what the verbs say themselves, and nothing of them is imported for the help."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from integration import cli
from integration.cli.verbs import PANELS, SUMMARIES
from tests.support.cli import detect

DETECT = typer.main.get_command(cli.app)


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_is_the_first_line_of_the_verb_s_own_help(name: str) -> None:
    verb = DETECT.commands[name]  # type: ignore[attr-defined]
    assert SUMMARIES[name] == inspect.cleandoc(verb.help).splitlines()[0]


def test_help_lists_every_verb_under_its_panel() -> None:
    listed: dict[str, str] = {}
    panel = ""
    for line in detect("--help").out.splitlines():
        if line.endswith(":"):
            panel = line.removesuffix(":")
        elif line.startswith("  ") and not line.startswith("   "):
            listed[line.split()[0]] = panel
    assert {name: panel for panel, verbs in PANELS.items() for name in verbs}.items() <= listed.items()


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_no_verb_is_imported_before_it_is_used(option: str) -> None:
    """Rich, pydantic and the clients of the clusters take longer than all else."""
    script = "import sys\nfrom integration.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", script, option], capture_output=True, text=True, check=True)
    loaded = set(ran.stderr.split())
    assert "integration.cli.verbs" in loaded
    assert loaded.isdisjoint({"rich", "pydantic", "yaml", "urllib3", "opensearchpy", "elasticsearch", "tenacity"})
    assert loaded.isdisjoint({f"integration.cli.{name}" for name in SUMMARIES})


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_is_as_wide_as_the_terminal(columns: int) -> None:
    command = [sys.executable, "-m", "integration", "install", "--help"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": str(columns)})
    widest = max(map(len, ran.stdout.splitlines()))
    assert columns - 20 < widest <= columns


def test_a_mistyped_verb_is_told_with_the_one_that_was_meant() -> None:
    answer = detect("statsu")
    assert (answer.code, "Did you mean 'status'?" in answer.err) == (2, True)


def test_debug_is_heeded_before_a_verb_and_after_it() -> None:
    for arguments in (["--debug", "run", "--at", "soon"], ["run", "--at", "soon", "--debug"], ["run", "--debug", "--at", "soon"]):
        assert "Traceback" in detect(*arguments).err
    assert "Traceback" not in detect("run", "--at", "soon").err


@pytest.mark.parametrize("arguments", [["cluster"], ["rules"], ["findings", "show"], *([name] for name in SUMMARIES)], ids=" ".join)
def test_no_description_is_cut(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = detect(*arguments, "--help")
    assert answer.code == 0
    assert not [line for line in answer.out.splitlines() if line.rstrip().endswith(("...", "\u2026")) and "Usage: " not in line]
    assert "list[" not in answer.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["st"], {"status"}),
        (["run", "--fo"], {"--format"}),
        (["cluster", ""], {"up", "down", "status"}),
        (["rules", "c"], {"check"}),
    ],
)
def test_the_shell_completes_verbs_and_options(words: list[str], expected: set[str]) -> None:
    given = {"_DETECT_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(["detect", *words]), "COMP_CWORD": str(len(words))}
    command = Path(sys.executable).with_name("detect")
    ran = subprocess.run([command], capture_output=True, text=True, check=False, env=os.environ | given)
    assert set(ran.stdout.split()) == expected, ran.stderr


def test_a_value_that_is_none_of_an_option_is_told_in_plain_words() -> None:
    answer = detect("scan", "--format", "yaml")
    assert (answer.code, "'--format': 'yaml' is not one of 'table', 'json', 'csv', 'html'" in answer.err) == (2, True)
