"""Finding and reading detect.toml: bounded, nothing run, errors that name file, line and setting."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from platformdirs import user_config_path
from pydantic import ValidationError

from integration.cli.settings.model import Config
from integration.detection.faults import Fault, Language
from integration.errors import InputError

FILE_NAME = "detect.toml"
_MAX_BYTES = 256 * 1024
# `tomllib` takes time with the square of a dotted key's length.
_MAX_DOTS = 100
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)")

# `tomllib` does not say on which line a value stands; the text shows it well enough.
_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEYS = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_LINE = re.compile(rf"[ \t]*(?:\[\[[ \t]*(?P<array>{_KEYS})[ \t]*\]\]|\[[ \t]*(?P<table>{_KEYS})[ \t]*\]|(?P<key>{_KEYS})[ \t]*=)")
_PART = re.compile(_KEY)

Location = tuple[int | str, ...]


def load_config(named: Path | None = None) -> Config:
    """Read the file that was named, else the one that is found; without any, everything is as by default.

    `InputError` names the file and, as far as it is known, the line and the setting.
    """
    path = named or _find()
    if path is None:
        return Config()
    text = _read(path)
    data: dict[str, object] = {}
    try:
        data = tomllib.loads(text)
        return Config.model_validate(data).model_copy(update={"source": path})
    except tomllib.TOMLDecodeError as error:
        line = _AT_LINE.search(str(error))
        number = int(line[1]) if line else len(text.splitlines())
        raise InputError(f"{path}:{number}: is not TOML: {_AT_LINE.sub('', str(error))}") from error
    except RecursionError as error:
        raise InputError(f"{path}: is nested too deeply") from error
    except ValidationError as error:
        faults = Language(Config.model_json_schema(), "setting", "a table").faults(error, data)
        lines = sorted((_line_of(text, each.location), _named(each), each.message) for each in faults)
        raise InputError("\n".join(f"{path}:{line}: {name}: {message}" for line, name, message in lines)) from error


def _find() -> Path | None:
    """Look in this folder, then in the user's configuration folder.

    A file in this folder that someone else put there is refused: it could send credentials from the environment elsewhere.
    """
    here = Path(FILE_NAME)
    if here.is_file():
        if hasattr(os, "geteuid") and here.stat().st_uid not in (os.geteuid(), 0):
            raise InputError(
                f"{here.absolute()} belongs to another user, so it is not read by itself; name it with --config to use it"
            )
        return here
    try:
        own = user_config_path("ollama-detect") / FILE_NAME
    except RuntimeError:  # a user without a home, as containers run programs
        return None
    return own if own.is_file() else None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise InputError(f"{path}: larger than {_MAX_BYTES // 1024} KiB; settings are a few lines")
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.count(b".") > _MAX_DOTS:
            raise InputError(f"{path}:{number}: holds more than {_MAX_DOTS} dots")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}:{data[: error.start].count(10) + 1}: is not UTF-8 text") from error


def _named(fault: Fault) -> str:
    """Return what a fault is about; entries such as `[[filter]]` are counted as people count them."""
    match fault.location:
        case (str(table), int(number), *rest):
            return ".".join([f"[[{table}]] {number + 1}", *map(str, rest)])
        case _:
            return fault.field


def _line_of(text: str, location: Sequence[int | str]) -> int:
    """Return the 1-based line of the longest prefix of `location` that the file spells out; 1 when it spells out none."""
    lines: dict[Location, int] = {}
    for number, path in _paths(text):
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], number)
    found = (lines.get(tuple(location[:length])) for length in range(len(location), 0, -1))
    return next((line for line in found if line is not None), 1)


def _paths(text: str) -> Iterator[tuple[int, Location]]:
    """Yield each header and key with its line; elements of arrays of tables are numbered as pydantic numbers them."""
    counts: dict[Location, int] = {}
    table: Location = ()
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line)
        if match is None:
            continue
        parts = [part.strip("\"'") for part in _PART.findall(match[match.lastgroup or 0])]
        if match["key"] is not None:
            yield number, (*table, *parts)
            continue
        table = ()
        for part in parts:
            table = (*table, part)
            last = part is parts[-1]
            if match["array"] is not None and last:
                counts[table] = counts.get(table, -1) + 1
            if table in counts:
                table = (*table, counts[table])
        yield number, table
