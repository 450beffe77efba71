"""The machine that a line came from: as its user, its carrier or its file's path names it."""

from __future__ import annotations

import re
import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Final, NamedTuple

from integration.errors import InputError
from integration.log.blocks import STANDARD_INPUT

_PART: Final = re.compile(r"path:(-?[1-9][0-9]*)")
_KIND: Final = "(?:ollama|server|app)"
_LOG_NAME: Final = re.compile(
    rf"(?:(?P<host>.+?)[-_.])?{_KIND}(?:[-_.]{_KIND})*(?:[-_.][0-9]+)*\.log(?:[-.][0-9]+)*(?:\.(?:gz|xz|bz2|zst))?", re.IGNORECASE
)
_DATE_OR_NUMBER: Final = re.compile(r"[0-9_-]*|[0-9]+(?:\.[0-9]+){0,2}")
_NO_HOST: Final = re.compile(rf"\.?{_KIND}|logs?|{_DATE_OR_NUMBER.pattern}", re.IGNORECASE)

_Folders = tuple[str, ...]

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
        self._paths = paths
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
            named = None if path == STANDARD_INPUT else self._rule(path)
            if not named:
                raise InputError(f"{path}: --host-from finds no host in this path")
        return Machine(named or self._this_machine, is_named=bool(named))

    def folders(self) -> dict[str, str]:
        """Return the logs of whose machine nothing is known but a folder that may name it, each with that folder."""
        if self._given or self._rule:
            return {}
        folders = {path: PurePath(path).parent.name for path in self._paths if path not in self._known}
        return {path: folder for path, folder in folders.items() if self._may_name(path, folder)}

    def all_in(self, folders: Iterable[str]) -> bool:
        """Return whether every log is in a folder of one of these names, and nothing else names its machine."""
        parents = {path: PurePath(path).parent.name for path in self._paths}
        return set(parents.values()) <= set(folders) and all(parents[path] == host for path, host in self._known.items())

    def _may_name(self, path: str, folder: str) -> bool:
        may_be = _may_be_host(folder) and folder != self._this_machine and not folder.lower().endswith(".zip")
        return may_be and bool(_LOG_NAME.fullmatch(PurePath(path).name))


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
    others = {path: _folders(path) for path in paths if path not in named}
    above = _above_hosts(set(map(_dateless, others.values())))
    columns = {path: column for path, folders in others.items() if (column := _host_column(folders, above))}
    rules = ["the names of the files (HOST-server.log)"] * bool(named)
    if columns:
        numbers = {columns.get(path) for path in paths}
        # Given as an option it must fit every path.
        option = f" (--host-from path:{numbers.pop()})" if len(numbers) == 1 else ""
        rules.append(f"the folders of the files{option}")
    return named | {path: others[path][column] for path, column in columns.items()}, " and ".join(rules)


def _in_name(path: str) -> str | None:
    name = _LOG_NAME.fullmatch(_parts(path)[-1]) if _parts(path) else None
    return name["host"] if name and name["host"] and _may_be_host(name["host"]) else None


def _folders(path: str) -> _Folders:
    """Return the root of a path, or an empty text, and the folders below it."""
    return PurePath(path).anchor, *_parts(path)[:-1]


def _dateless(folders: _Folders) -> _Folders:
    return tuple("" if _DATE_OR_NUMBER.fullmatch(folder) else folder for folder in folders)


def _above_hosts(alike: Iterable[_Folders]) -> set[_Folders]:
    """Return what stands above the folders of hosts: those by which logs differ that are alike but for one folder.

    Where logs differ in more than one, no folder is known to be a host's.
    """
    groups: dict[tuple[_Folders, _Folders], list[_Folders]] = defaultdict(list)
    for folders in alike:
        for column in range(1, len(folders)):
            if _may_be_host(folders[column]):
                groups[folders[:column], folders[column + 1 :]].append(folders)
    differing = {around: group for around, group in groups.items() if len(group) > 1}
    in_groups = Counter(folders for group in differing.values() for folders in group)
    return {above for (above, _), group in differing.items() if all(in_groups[folders] == 1 for folders in group)}


def _host_column(folders: _Folders, above: set[_Folders]) -> int | None:
    """Return which of the folders is a host's, the outermost that may be one."""
    alike = _dateless(folders)
    return next((n for n in range(1, len(folders)) if alike[:n] in above and _may_be_host(folders[n])), None)


def _may_be_host(name: str) -> bool:
    """Return whether a name may be a machine's: not a date, not a number, and not what such files are called anywhere."""
    return not _NO_HOST.fullmatch(name)
