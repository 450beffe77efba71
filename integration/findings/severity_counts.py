"""How many findings there are for each key, and how severe: days, hosts, messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from integration.detection.severity import Severity

MAX_KEYS = 10_000
"""The most keys that are counted each: logs are written by attackers, who may name any number of hosts and days."""


class SeverityCounts(dict[str, Counter[Severity]]):
    """Findings by key and severity. Of very many keys the first are counted each, and all others together in `beyond`."""

    def __init__(self) -> None:
        super().__init__()
        self.beyond: Counter[Severity] = Counter()

    def add(self, key: str, severity: Severity) -> None:
        """Count a finding."""
        known = key in self or len(self) < MAX_KEYS
        (self.setdefault(key, Counter()) if known else self.beyond)[severity] += 1


def in_words(counts: Counter[Severity]) -> str:
    """Return how many findings have which severity, the most severe first."""
    return ", ".join(f"{counts[level]:,} {level}" for level in sorted(counts, reverse=True))


def top_keys(counts: Mapping[str, Counter[Severity]], most: int) -> list[str]:
    """Return the keys with the most findings; of those with as many the one with the most severe first."""
    return sorted(counts, key=lambda key: (-counts[key].total(), -max(counts[key]), key))[:most]
