"""The commands that README, docs and `--help` name are commands that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from integration.cli import app
from integration.cli.verbs import ListingGroup

ROOT = Path(__file__).parents[3]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DETECT = typer.main.get_command(app)
OF_OTHERS = {"--volumes"}
"""Options of other commands that stand in a sentence."""
_CODE = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+)`|^ {4}([^\n]+)$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[\s/$])detect(?= [a-z-])([^\n|;&<>]*)", re.MULTILINE)


def verbs(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that can be run, with the words it is called by."""
    inner: dict[str, Any] | None = getattr(command, "commands", None)
    if inner is None:
        yield names, command
    else:
        for name, each in inner.items():
            yield from verbs(each, *names, name)


def options(command: Any) -> dict[str, bool]:
    """The options of a command, and whether each takes a value."""
    own = {
        name: not param.is_flag for param in command.params for name in (*param.opts, *param.secondary_opts) if name.startswith("-")
    }
    return own | {"--help": False}


VERBS = dict(verbs(DETECT))
OPTIONS = {name for command in (DETECT, *VERBS.values()) for name in options(command)}


def code(text: str) -> Iterator[str]:
    """What stands as code in a page of Markdown: in lines and in blocks."""
    for found in _CODE.finditer(text):
        yield next(filter(None, found.groups()))


def commands(text: str) -> list[str]:
    """The commands in a text of code, each from `detect` to its end."""
    return [f"detect{found}" for found in _COMMAND.findall(text.replace("\\\n", " "))]


def fault(command: str) -> str | None:
    """What is wrong with a command, None when `detect` knows its verb and its options."""
    current: Any = DETECT
    words = iter(shlex.split(command, comments=True)[1:])
    for word in words:
        inner = getattr(current, "commands", None)
        if isinstance(current, ListingGroup) and word not in {*current.commands, "--help"}:
            current = current.commands[ListingGroup.default]
            inner = None
        if word.startswith("-") and word != "-":
            name, equals, _ = word.partition("=")
            if name not in options(current):
                return f"no option {name}"
            if options(current)[name] and not equals and next(words, None) is None:
                return f"no value for {name}"
        elif inner is not None:
            if word not in inner:
                return f"no verb {word}"
            current = inner[word]
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_can_be_run(page: Path) -> None:
    shown = [command for part in code(page.read_text(encoding="utf-8")) for command in commands(part)]
    assert {command: said for command in shown if (said := fault(command))} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_an_option_that_a_page_names_is_one_of_some_verb(page: Path) -> None:
    named = {re.split(r"[\s=/]", part)[0] for part in code(page.read_text(encoding="utf-8")) if part.startswith("--")}
    assert named - OPTIONS == OF_OTHERS & named


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_verb_is_documented_and_its_own_help_shows_what_can_be_run(words: tuple[str, ...]) -> None:
    named = [part for page in PAGES for part in code(page.read_text(encoding="utf-8"))]
    assert any(part.removeprefix("detect ").split()[: len(words)] == list(words) for part in named)
    shown = commands(f"{VERBS[words].help}\n{VERBS[words].epilog}")
    assert {command: said for command in shown if (said := fault(command))} == {}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("detect scan server.log --host gpu-1", None),
        ("detect --debug run --from A --to B", None),
        ("detect cluster up --help", None),
        ("detect run --at T --debug", None),
        ("detect findings --since 7d", None),
        ("detect findings show ID", None),
        ("detect findings --loud", "no option --loud"),
        ("detect sing", "no verb sing"),
        ("detect scan --form json", "no option --form"),
        ("detect --loud scan", "no option --loud"),
        ("detect run --from", "no value for --from"),
    ],
)
def test_an_invented_command_is_seen(command: str, said: str | None) -> None:
    assert fault(command) == said
