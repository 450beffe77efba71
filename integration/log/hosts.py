"""The machine that a line came from: as its user, its carrier or its file's path names it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Final, NamedTuple

from integration.errors import InputError

_PART: Final = re.compile(r"path:(-?[1-9][0-9]*)")
_KIND: Final = "(?:ollama|server|app)"
_LOG_NAME: Final = re.compile(
    rf"(?:(?P<host>.+?)[-_.])?{_KIND}(?:[-_.]{_KIND})*(?:[-_.][0-9]+)*\.log(?:[-.][0-9]+)*(?:\.(?:gz|xz|bz2|zst))?", re.IGNORECASE
)
_DATE_OR_NUMBER: Final = re.compile(r"[0-9_-]*|[0-9]+(?:\.[0-9]+){0,2}")
_NO_HOST: Final = re.compile(rf"\.?{_KIND}|logs?|{_DATE_OR_NUMBER.pattern}", re.IGNORECASE)

HostOf = Callable[[str], str | None]
"""The host that a path names, None where it names none."""


class Machine(NamedTuple):
    """A machine, and whether anything names it: else it is taken to be this one."""

    name: str
    is_named: bool


class Hosts:
    """Which machine each line of some logs came from.

    `given` is the user's word for all of them, `host_from` the user's rule for paths: `path:N`, the N-th part of the path (counted
    from the end where N is negative), or a regular expression with a group. Without them a line's carrier names the machine, else
    the log's path, if it has a form that is known; where nothing does, it is this machine. `rule` says how paths do in words.

    Raises `InputError` for a rule that cannot be read.
    """

    def __init__(self, paths: Sequence[str] = (), *, given: str | None = None, host_from: str | None = None) -> None:
        self._given = given
        self._rule = None if host_from is None else _rule_of(host_from)
        self._known, self.rule = ({}, "") if given or host_from else _told_by(paths)
        self._this_machine = socket.gethostname()

    def of(self, path: str, carried: str | None) -> Machine:
        """Return the machine of a line of the log at `path`, whose carrier names `carried`.

        Raises `InputError` where the user's rule does not fit the path.
        """
        if self._given:
            return Machine(self._given, is_named=True)
        named = carried or self._known.get(path)
        if self._rule is not None:
            named = self._rule(path)
            if not named:
                raise InputError(f"{path}: --host-from finds no host in this path")
        return Machine(named or self._this_machine, is_named=bool(named))

    def folder_of(self, path: str) -> str | None:
        """Return the folder of a log that nothing else names the machine of, where it may be a machine's name."""
        if self._given or self._rule or path in self._known or not _LOG_NAME.fullmatch(PurePath(path).name):
            return None
        folder = PurePath(path).parent.name
        return folder if _may_be_host(folder) and folder != self._this_machine else None


def _rule_of(text: str) -> HostOf:
    if part := _PART.fullmatch(text):
        number = int(part[1])
        return lambda path: _part(path, number)
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InputError(f"--host-from {text!r} is neither path:N nor a regular expression: {error}") from error
    if pattern.groups != 1:
        raise InputError(f"--host-from {text!r}: write the host as one group, as in '([^/]+)-server'")
    return lambda path: found[1] if (found := pattern.search(path)) else None


def _parts(path: str) -> tuple[str, ...]:
    """Return the parts of a path without its root."""
    pure = PurePath(path)
    return pure.parts[bool(pure.anchor) :]


def _part(path: str, number: int) -> str | None:
    parts = _parts(path)
    return parts[number - 1 if number > 0 else number] if -len(parts) <= number <= len(parts) else None


def _told_by(paths: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return the hosts that paths name, and the rule by which they do in words."""
    named = {path: host for path in paths if (host := _in_name(path))}
    if named:
        return named, "the names of the files (HOST-server.log)"
    column = _differing_folder(paths)
    if column is None:
        return {}, ""
    return {path: _parts(path)[column] for path in paths}, f"the folders of the files (--host-from path:{column + 1})"


def _in_name(path: str) -> str | None:
    name = _LOG_NAME.fullmatch(_parts(path)[-1]) if _parts(path) else None
    return name["host"] if name and name["host"] and _may_be_host(name["host"]) else None


def _differing_folder(paths: Iterable[str]) -> int | None:
    """Return which part of the paths names a host: the one folder by which they differ, beside those of dates and numbers."""
    folders = {_parts(path)[:-1] for path in paths}
    if len({len(folder) for folder in folders}) != 1:
        return None
    columns = [set(column) for column in zip(*folders, strict=True)]
    differing = [
        number for number, column in enumerate(columns) if len(column) > 1 and not all(map(_DATE_OR_NUMBER.fullmatch, column))
    ]
    return differing[0] if len(differing) == 1 and all(map(_may_be_host, columns[differing[0]])) else None


def _may_be_host(name: str) -> bool:
    """Return whether a name may be a machine's: not a date, not a number, and not what such files are called anywhere."""
    return not _NO_HOST.fullmatch(name)
