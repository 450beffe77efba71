"""What really happened in made-up logs: which episode, on which host, when, and whether it was an attack with an impact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from integration.errors import InputError
from integration.sandbox.sample.generator import Plan, by_host
from integration.sandbox.sample.texts import Episode
from integration.times import rfc3339


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An episode in a host's log. `start` and `end` are the times of its first and last line, in milliseconds.

    In the scenarios attack and noisy, an episode is the only one of its host in a clock hour, and before the fiftieth minute.
    """

    host: str
    version: str
    episode: Episode
    start: int
    end: int
    lines: tuple[str, ...]


def occurrences(plan: Plan) -> Iterator[Occurrence]:
    """Yield the episodes of a plan's logs, host by host; one that the end of the log cuts off is none."""
    for host, version, lines in by_host(plan):
        texts: list[str] = []
        start = plan.start
        for line in lines:
            if (episode := line.episode) is None:
                continue
            start = start if texts else line.instant
            texts.append(line.text)
            if line.last:
                yield Occurrence(host, version, episode, start, line.instant, tuple(texts))
                texts = []


def write_truth(path: Path, plan: Plan) -> int:
    """Write the episodes as JSON, one a line and with RFC 3339 times, and return their number.

    Raises `InputError` where the system does not let us write.
    """
    told = list(occurrences(plan))
    try:
        with path.open("w", encoding="utf-8") as file:
            for one in told:
                truth = {name: value for name, value in one.episode._asdict().items() if name != "text"}
                times = {"start": rfc3339(one.start, millis=True), "end": rfc3339(one.end, millis=True)}
                shown = {"host": one.host, "version": one.version} | truth | times | {"lines": one.lines}
                file.write(json.dumps(shown, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    return len(told)
