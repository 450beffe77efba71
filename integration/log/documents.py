"""Lines as a shipper sends them: the document of a line, and an id that is the same whenever the line is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from json import JSONEncoder
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from integration.log.blocks import STANDARD_INPUT
from integration.log.gin import local_time
from integration.log.hosts import Hosts, Machine
from integration.times import FARTHEST_OFFSET, rfc3339

if TYPE_CHECKING:
    from integration.log.files import RawLine

_ID_DIGITS = 32
_HEADER_BYTES = 55  # `{"create":{"_id":"…"}}` and two line ends
_json_text = JSONEncoder(ensure_ascii=False).encode


class Document(NamedTuple):
    """A line as it is sent, and where it came from."""

    id: str
    source: str
    size: int
    """Bytes in a bulk request."""
    path: str
    number: int


@dataclass(slots=True)
class Tally:
    """How many lines of each machine were met, how many have no time of their own, and of how many nothing names the machine."""

    hosts: Counter[str] = field(default_factory=Counter)
    undated: int = 0
    unnamed: int = 0

    def add(self, machine: Machine, line: RawLine) -> None:
        """Count a line."""
        self.hosts[machine.name] += 1
        self.unnamed += not machine.is_named
        self.undated += line.line.stamp is None and line.line.carried is None


def with_host(lines: Iterable[RawLine], hosts: Hosts, tally: Tally) -> Iterator[tuple[str, RawLine]]:
    """Pair each line with the machine it came from, and count it."""
    for line in lines:
        machine = hosts.of(line.path, line.line.host)
        tally.add(machine, line)
        yield machine.name, line


def document(host: str, line: RawLine, *, with_zone: bool = False) -> Document:
    """Make the document of a line; `with_zone` an access line's names the zone of its clock, where that is known.

    Its id stands for the whole line, its host, its file and its place there: a file that is read again gives the same
    ids, and two equal lines stay two.
    """
    text = line.text.encode()
    host_bytes, host_json = _encoded(host)
    path_bytes, path_json = _encoded(resolved(line.path))
    # Each part with its length before it, so that no two lines run together to the same bytes.
    identity = b"%d:%b%d:%b%d:%b%d" % (
        len(text), text, len(host_bytes), host_bytes, len(path_bytes), path_bytes, line.offset,
    )  # fmt: skip
    source = (
        f'{{"@timestamp":"{_shown(line.shipped_at)}","message":{_json_text(line.text)},"host":{{"name":{host_json}}},'
        f'"log":{{"file":{{"path":{path_json}}},"offset":{line.offset}}}'
    )
    zone = clock_zone(line.line.text, line.line.stamp) if with_zone and line.line.stamp is not None else None
    source += f',"event":{{"timezone":"{zone}"}}}}' if zone else "}"
    size = _HEADER_BYTES + len(source.encode())
    return Document(sha256(identity).hexdigest()[:_ID_DIGITS], source, size, line.path, line.number)


def clock_zone(text: str, time: int) -> str | None:
    """Return what `event.timezone` must say for an access line to have a time, whatever zone a cluster reads its clock in.

    Where no offset leads there it is no zone's name, by which the line keeps the time it is sent with. None for any other line.
    """
    local = local_time(text)
    if local is None:
        return None
    minutes, rest = divmod(local - time, 60_000)
    if rest or timedelta(minutes=abs(minutes)) > FARTHEST_OFFSET:
        return "none"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def each_once(paths: Sequence[str]) -> list[str]:
    """Return the logs in their order, one that was named several times once: its lines are the same events.

    The name that is no link stays, since the path of a log may tell its machine.
    """
    named: dict[str, str] = {}
    for path in paths:
        name = resolved(path)
        if name not in named or (Path(named[name]).is_symlink() and not Path(path).is_symlink()):
            named[name] = path
    return list(named.values())


@lru_cache(maxsize=4096)
def resolved(path: str) -> str:
    """The name of a log in its lines' documents and ids: its full path, or `-` (`-/NAME` in a zip)."""
    return path if path == STANDARD_INPUT or path.startswith(f"{STANDARD_INPUT}/") else str(Path(path).resolve())


@lru_cache(maxsize=4096)
def _encoded(text: str) -> tuple[bytes, str]:
    """Return a name's bytes as the system has them, and its JSON, in which bytes that are no UTF-8 are replaced."""
    raw = text.encode(errors="surrogateescape")
    return raw, _json_text(raw.decode(errors="replace"))


@lru_cache(maxsize=1024)
def _shown(instant: int) -> str:
    return rfc3339(instant, millis=True)
