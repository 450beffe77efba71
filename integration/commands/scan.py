"""`detect scan`: log files straight to findings by the reference, without a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from heapq import merge

from integration.detection.model import Rule
from integration.errors import InputError
from integration.evaluation.reference import Reference
from integration.findings.finding import Finding
from integration.log.blocks import check_readable
from integration.log.documents import with_host
from integration.log.event import event_of
from integration.log.files import read_candidates


@dataclass(frozen=True, slots=True)
class Scan:
    """What the files hold: findings, how many events were read, and how many a rule selected. To be closed.

    `undated` of the selected ones have no time of their own and none from a carrier, but that of a line above or of the file.
    """

    references: tuple[Reference, ...]
    read: int
    selected: int
    undated: int

    def findings(self) -> Iterator[Finding]:
        """Give the findings by window, host and rule, one at a time: there may be more than memory holds."""
        return merge(*(reference.findings() for reference in self.references), key=lambda finding: finding.sort_key)

    def close(self) -> None:
        """Give back what is kept on disk."""
        for reference in self.references:
            reference.close()


def scan(
    rules: Sequence[Rule],
    paths: Sequence[str],
    *,
    host: str | None = None,
    zone: tzinfo = UTC,
    on_bytes: Callable[[int], None] | None = None,
) -> Scan:
    """Evaluate rules over files (packed or not, `-` for standard input), all together, whatever their size.

    `host` names the machine of every line; else its carrier does, else this machine's name. `zone` is what SPL prints times
    in; `on_bytes` hears of progress.
    """
    check_readable(paths)
    references = tuple(Reference(rule, zone) for rule in rules)
    read = selected = undated = 0
    for path in paths:
        reader = read_candidates(path, needles(rules), progress=on_bytes)
        try:
            for machine, line in with_host(reader, host):
                event = event_of(line.line, host=machine, shipped_at=line.shipped_at)
                if sum([reference.add(event) for reference in references]):
                    selected += 1
                    undated += line.line.stamp is None and line.line.carried is None
        except InputError as error:
            if not (lines := read + reader.lines_read):
                raise
            raise InputError(f"{error}\n{lines:,} lines were read up to there, {selected:,} of them selected") from error
        read += reader.lines_read
    return Scan(references, read, selected, undated)


def needles(rules: Sequence[Rule]) -> list[bytes] | None:
    """Give lower-case texts of which every selected line holds one, so that most lines need no parsing; None when there are none.

    Only a level serves: it is compared as ASCII, while a term that ignores case may be met by letters beyond it.
    """
    alternatives = [alternative for rule in rules for alternative in rule.selection]
    if not all(alternative.level for alternative in alternatives):
        return None
    return sorted({f"level={level}".lower().encode() for alternative in alternatives for level in alternative.level})
