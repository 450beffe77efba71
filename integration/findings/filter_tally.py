"""What each entry of the user's filter does to findings: none hides anything in silence, and none stands there for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from integration.findings.filter import Filter, FilterEntry
from integration.findings.finding import Finding

_MAX_REASON = 60


class FilterTally:
    """Counts findings on their way through a filter; with `may`, what an entry may match counts as matched by a `keep` entry."""

    def __init__(self, post_filter: Filter, *, may: bool = False) -> None:
        self._entries = post_filter.entries
        self._keeps = FilterEntry.may_match if may else FilterEntry.matches
        self._matched: Counter[int] = Counter()
        self._taken: Counter[int] = Counter()
        self._kept_by_none = 0
        self._seen = 0

    def counted(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings, each counted."""
        for finding in findings:
            self._seen += 1
            self._count(finding)
            yield finding

    def _count(self, finding: Finding) -> None:
        excluded, kept = ([i for i, each in enumerate(self._entries) if each.action == action] for action in ("exclude", "keep"))
        excluding = [i for i in excluded if self._entries[i].matches(finding)]
        keeping = [i for i in kept if self._keeps(self._entries[i], finding)]
        self._matched.update([*excluding, *keeping])
        if excluding:
            self._taken[excluding[0]] += 1
        elif kept and not keeping:
            self._kept_by_none += 1

    @property
    def taken(self) -> dict[str, int]:
        """How many findings each entry took away, by its place and reason."""
        taken = {self._named(i): count for i, count in sorted(self._taken.items())}
        return taken | ({"no `keep` entry": self._kept_by_none} if self._kept_by_none else {})

    def notes(self) -> Iterator[str]:
        """Yield what to tell: how many findings which entry took away, and which entries matched none of those that there were."""
        taken = self.taken
        if count := sum(taken.values()):
            by = ", ".join(f"{of:,} by {name}" for name, of in taken.items())
            yield f"{count:,} more finding{'s' * (count != 1)} taken away by the filter in your settings: {by}."
        idle = [self._named(i) for i in range(len(self._entries)) if not self._matched[i]]
        if self._seen and idle:
            yield f"Of your filter, what matched no finding here: {', '.join(idle)}."

    def _named(self, position: int) -> str:
        reason = self._entries[position].reason[:_MAX_REASON]
        return f"[[filter]] {position + 1}{f' ({reason})' if reason else ''}"
