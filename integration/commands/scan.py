"""`detect scan`: log files straight to findings by the reference, without a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from heapq import merge

from integration.detection.conditions import Condition
from integration.detection.model import Rule
from integration.detection.needles import needles_of_rule
from integration.detection.schedule import Window
from integration.errors import InputError
from integration.evaluation.reference import Reference
from integration.findings.finding import Finding
from integration.findings.lines import EvidenceLine, LineStore
from integration.log.blocks import Stream
from integration.log.documents import Tally
from integration.log.event import UNKNOWN_HOST, Event, event_of
from integration.log.files import CandidateReader, RawLine, ReadLog
from integration.log.hosts import Hosts
from integration.log.recognition import said_unlike


@dataclass(frozen=True, slots=True)
class Scan:
    """What the files hold: findings, the logs that were read, and a tally of the events that a rule selected. To be closed.

    Events without a time of their own have that of a line above or of the file.
    """

    references: tuple[Reference, ...]
    logs: tuple[ReadLog, ...]
    selected: Tally

    @property
    def read(self) -> int:
        """Return how many events were read."""
        return sum(log.lines for log in self.logs)

    def lines_by_machine(self, hosts: Hosts) -> Counter[str]:
        """Return how many lines each machine has, as far as the paths of the logs tell; lines may name another one."""
        lines: Counter[str] = Counter()
        for log in self.logs:
            lines[hosts.of(log.path, None).name] += log.lines
        return lines

    def unlike(self) -> list[str]:
        """Return what is said of the logs that do not look like Ollama's."""
        return [said_unlike(log.path, log.lines) for log in self.logs if log.lines and not log.is_ollamas]

    def findings(self) -> Iterator[Finding]:
        """Yield the findings by window, host and rule, one at a time: there may be more than memory holds."""
        return merge(*(reference.findings() for reference in self.references), key=lambda finding: finding.sort_key)

    def close(self) -> None:
        """Delete what is kept on disk."""
        for reference in self.references:
            reference.close()


def scan(
    rules: Sequence[Rule],
    logs: Sequence[str | Stream],
    *,
    hosts: Hosts,
    zone: tzinfo = UTC,
    on_bytes: Callable[[int], None] | None = None,
    window: Window | None = None,
    lines: LineStore | None = None,
) -> Scan:
    """Evaluate rules over files (packed or not, `-` for standard input) and streams, all together, whatever their size.

    `hosts` names the machine of each line, `zone` is what SPL prints times in; `on_bytes` hears of progress, and `lines` gets every
    line that a rule selects. With a `window` the events within it are evaluated as one, else each in the window of its scheduled
    run.
    """
    references = tuple(Reference(rule, zone, window) for rule in rules)
    done: list[ReadLog] = []
    selected = Tally()
    wanted, without = needles(rules), unselected_levels(rules)

    def selects(line: str) -> bool:
        event = Event(line, 0, UNKNOWN_HOST)
        return any(reference.selects(event) for reference in references)

    for log in logs:
        reader = CandidateReader(log, wanted, without=without, selects=selects, progress=on_bytes)
        try:
            for line in reader:
                machine = hosts.of(line.path, line.line.host)
                event = event_of(line.line, host=machine.name, shipped_at=line.shipped_at)
                labels = [(reference.rule, label) for reference in references if (label := reference.add(event)) is not None]
                if labels:
                    selected.add(machine, line)
                if lines is not None:
                    _keep(lines, line, event, labels)
        except InputError as error:
            if not (read := reader.lines_read + sum(each.lines for each in done)):
                raise
            selected_lines = selected.hosts.total()
            raise InputError(f"{error}\n{read:,} lines were read up to there, {selected_lines:,} of them selected") from error
        done += reader.logs
    return Scan(references, tuple(done), selected)


def _keep(lines: LineStore, line: RawLine, event: Event, labels: Sequence[tuple[Rule, str]]) -> None:
    """Keep a line for the finding of each rule that selects it."""
    for rule, label in labels:
        start = rule.windows.window_of(event.time).start
        lines.add(rule.id, start, event.host, EvidenceLine(event.time, label, f"{line.path}:{line.number}", event.original))


def needles(rules: Sequence[Rule]) -> list[bytes] | None:
    """Return lower-case texts of which every selected line holds one, None when there are none: most lines need no parsing then."""
    found = [needles_of_rule(rule) for rule in rules]
    every = {needle for each in found for needle in each or ()}
    return sorted(needle.encode() for needle in every) if all(found) else None


def unselected_levels(rules: Sequence[Rule]) -> list[str]:
    """Return which of the levels that fill a debug log no rule selects in a record."""
    alternatives = [alternative for rule in rules for alternative in rule.selection]
    return [level for level in ("DEBUG", "TRACE") if not any(_selects(alternative, level) for alternative in alternatives)]


def _selects(alternative: Condition, level: str) -> bool:
    """Whether a record of a level may be selected."""
    levels, never = ([name.upper() for name in names] for names in (alternative.level, alternative.not_level))
    return (not alternative.kind or "record" in alternative.kind) and (not levels or level in levels) and level not in never
