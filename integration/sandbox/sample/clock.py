"""How the lines of a log show an instant, and how a transport wraps them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Prefix(StrEnum):
    """What a transport puts around every line."""

    BARE = "bare"
    JOURNALD = "journald"
    COMPOSE = "compose"
    DOCKER_DESKTOP = "docker-desktop"
    DOCKER_JSON = "docker-json"


class Clock:
    """The time on a machine, in the spellings of a log; set anew for each line, worked out once a second.

    `utc` is `2026-11-24T08:50:00` without a zone, `millis` three digits.
    """

    def __init__(self) -> None:
        self.utc = self.syslog = self.millis = ""
        self._second: int | None = None

    def set(self, instant: int) -> None:
        """Set the clock to `instant` in epoch milliseconds."""
        second, millis = divmod(instant, 1000)
        self.millis = f"{millis:03d}"
        if second != self._second:
            self._second = second
            now = datetime.fromtimestamp(second, UTC)
            self.utc = now.isoformat()[:19]
            self.syslog = f"{_MONTHS[now.month - 1]} {now.day:2d} {self.utc[11:]}"

    def slog(self, rest: str) -> str:
        """Write a line of the server or of a runner."""
        return f"time={self.utc}.{self.millis}Z {rest}"

    def gin(self, rest: str) -> str:
        """Write a line of the access log."""
        return f"[GIN] {self.utc[:10].replace('-', '/')} - {self.utc[11:]} {rest}"

    def recovery(self, rest: str) -> str:
        """Write the line, red, with which Gin recovers from a panic."""
        date = self.utc[:10].replace("-", "/")
        return f"\x1b[31m{date} {self.utc[11:]} [Recovery] {date} - {self.utc[11:]} {rest}"


def _docker_json(clock: Clock, _host: str, line: str) -> str:
    text = json.dumps(f"{line}\n", ensure_ascii=False)
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")  # as Go's encoder has it
    stream = "stdout" if line.startswith("[GIN] ") else "stderr"
    return f'{{"log":{text},"stream":"{stream}","time":"{clock.utc}.{clock.millis}417902Z"}}'


WRAPPINGS: Mapping[Prefix, Callable[[Clock, str, str], str]] = {
    Prefix.JOURNALD: lambda clock, host, line: f"{clock.syslog} {host} ollama[1499]: {line}",
    Prefix.COMPOSE: lambda _clock, _host, line: f"ollama-1  | {line}",
    Prefix.DOCKER_DESKTOP: lambda clock, _host, line: f"{clock.utc.replace('T', ' ')} {line}",
    Prefix.DOCKER_JSON: _docker_json,
}
"""What each transport makes of a line, given the clock and the host; a bare line is as it is."""
