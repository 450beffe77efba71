"""What the verbs that read log files have in common: which machine a line came from, and what is said of the logs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from pathlib import Path, PurePath
from shlex import quote
from typing import Annotated

import typer

from integration.cli.output import escaped, note, progress
from integration.commands.scan import Scan, scan
from integration.detection.model import Rule
from integration.findings.lines import LineStore
from integration.log.blocks import Stream
from integration.log.documents import Tally, each_once
from integration.log.files import RawLine
from integration.log.hosts import Hosts

FILES_HELP = "Log files, packed or not; each file in a zip; - is standard input."
FilesArgument = Annotated[list[str], typer.Argument(metavar="FILE", help=FILES_HELP)]
HostOption = Annotated[str | None, typer.Option("--host", metavar="NAME", help="The machine that all lines come from.")]
HostFromOption = Annotated[
    str | None,
    typer.Option(
        "--host-from",
        metavar="RULE",
        help="How a file's path names its machine: path:N is its N-th part (path:-2 the folder of the file), "
        "else a regular expression with one group.",
    ),
]
_MOST_HOSTS = 20
_PACKED = (".gz", ".xz", ".bz2", ".zst")


def told_once(files: Sequence[str]) -> list[str]:
    """Return the logs, each once, and note the names that are left out since they are of one that is read already."""
    kept = each_once(files)
    if others := sorted(set(files) - set(kept)):
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        note(f"{escaped(others[0])}{more}: other names of files that are read already")
    return kept


def note_hosts(lines: Mapping[str, int], rule: str, selected: Iterable[str] = ()) -> None:
    """List the machines with their lines, by what rule the paths name them, and others that selected lines are of."""
    by_rule = f", by {rule}" if rule else ""
    shown = _some([f"{escaped(host)} ({count:,})" for host, count in lines.items()])
    others = [escaped(host) for host in selected if host not in lines]
    note(f"Lines by machine{by_rule}: {shown}{f'; selected lines name others: {_some(others)}' if others else ''}")


def _some(hosts: Sequence[str]) -> str:
    more = len(hosts) - _MOST_HOSTS
    return ", ".join(hosts[:_MOST_HOSTS]) + (f" and {more:,} more" if more > 0 else "")


def note_empty(path: str) -> None:
    """Note a log that was named and holds no line."""
    note(f"{'standard input' if path == '-' else path}: holds no line")


def told_if_empty(path: str, lines: Iterable[RawLine]) -> Iterator[RawLine]:
    """Yield the lines of a log; where there is none, note it."""
    empty = True
    for line in lines:
        empty = False
        yield line
    if empty:
        note_empty(path)


def note_packed(files: Iterable[str]) -> None:
    """Note files whose names differ by their packing alone: they may hold the same lines."""
    alike: dict[str, list[str]] = defaultdict(list)
    for file in files:
        path = PurePath(file)
        alike[str(path.with_suffix("") if path.suffix.lower() in _PACKED else path)].append(file)
    if several := [paths for paths in alike.values() if len(paths) > 1]:
        more = f", and so do {len(several) - 1:,} more names" if len(several) > 1 else ""
        names = ", ".join(map(escaped, several[0]))
        note(f"{names} differ by their packing alone{more}: lines that are in several of them count several times")


def note_folders(hosts: Hosts, tally: Tally) -> None:
    """Note the logs that count for this machine though their folders may name others, and what would name them."""
    folders = hosts.folders() if tally.unnamed else {}
    if not folders:
        return
    names = set(folders.values())
    if not hosts.all_in(names):
        named_by = "read each machine's files apart, with --host"
    else:
        named_by = f"--host {quote(names.pop())}" if len(names) == 1 else "--host-from path:-2"
    path, *more = map(escaped, folders)
    if more:
        note(f"{path} and {len(more):,} more count for this machine. If their folder names another: {named_by}")
    else:
        note(f"{path} counts for this machine. If its folder names another: {named_by}")


def note_doubts(tally: Tally, lines: str) -> None:
    """Note lines without a time or a machine of their own."""
    if tally.undated:
        note(f"{tally.undated:,} of the {lines} have no time of their own: that of a line above counts, or the file's.")
    if tally.unnamed and len(tally.hosts) > 1:
        note(f"{tally.unnamed:,} of the {lines} name no machine: this one counts (--host and --host-from name another).")


def scan_logs(
    rules: Sequence[Rule], logs: Sequence[str | Stream], hosts: Hosts, zone: tzinfo = UTC, lines: LineStore | None = None
) -> Scan:
    """Do as `commands.scan.scan` does, with a progress bar."""
    total = sum(Path(log).stat().st_size for log in logs if isinstance(log, str) and Path(log).is_file())
    with progress("Reading", total or None, size=True) as advance:
        return scan(rules, logs, hosts=hosts, zone=zone, on_bytes=advance, lines=lines)


def note_machines(scanned: Scan, hosts: Hosts, *, told: bool) -> None:
    """Note what selected lines lack, and whose lines the logs are where there are several and nobody has `told`."""
    if len(scanned.logs) > 1 and not told:
        note_hosts(scanned.lines_by_machine(hosts), hosts.rule, scanned.selected.hosts)
    note_folders(hosts, scanned.selected)
    note_doubts(scanned.selected, "selected events")
