"""The most severe of many findings, for those who show some of them."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from integration.detection.severity import Severity
from integration.findings.finding import Finding


def most_severe(findings: Iterable[Finding], most: int, most_characters: int) -> tuple[list[Finding], int]:
    """Return at most so many findings with so much text, in their order, and the count of all.

    Of equally severe ones the first are kept. One is kept however long it is.
    """
    heap: list[tuple[Severity, int, Finding]] = []
    count = characters = 0
    for count, finding in enumerate(findings, 1):
        heappush(heap, (finding.severity, -count, finding))
        characters += finding.characters
        while len(heap) > most or (characters > most_characters and len(heap) > 1):
            characters -= heappop(heap)[2].characters
    return [finding for _, _, finding in sorted(heap, key=lambda entry: -entry[1])], count
