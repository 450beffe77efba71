"""Finding and reading detect.toml: bounded, nothing run, errors that name file, line and setting."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from platformdirs import user_config_path
from pydantic import ValidationError

from integration.cli.settings.model import Config
from integration.cli.settings.toml_lines import line_of
from integration.detection.faults import Fault, Language
from integration.errors import InputError

FILE_NAME = "detect.toml"
_MAX_BYTES = 256 * 1024
# `tomllib` takes time with the square of a dotted key's length.
_MAX_DOTS = 100
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)")


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
        raise InputError(_explain(path, text, data, error)) from error


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


def _explain(path: Path, text: str, data: object, error: ValidationError) -> str:
    faults = Language(Config.model_json_schema(), "setting", "a table").faults(error, data)
    lines = sorted((line_of(text, each.location), _named(each), each.message) for each in faults)
    return "\n".join(f"{path}:{line}: {name}: {message}" for line, name, message in lines)


def _named(fault: Fault) -> str:
    """Return what a fault is about; entries such as `[[filter]]` are counted as people count them."""
    match fault.location:
        case (str(table), int(number), *rest):
            return ".".join([f"[[{table}]] {number + 1}", *map(str, rest)])
        case _:
            return fault.field
