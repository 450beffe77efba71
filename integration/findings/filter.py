"""SPL 15, `ollama_possible_rce_via_model_loading_filter`: the user's own conditions on findings, kept in detect.toml.

As in a Splunk search, text is compared ignoring case. What runs on a cluster is told the same by `render.post_filter`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from integration.detection.case import fold
from integration.detection.columns import SHARED_NUMBERS
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.detection.texts import Name
from integration.findings.finding import Finding


def _listed(value: object) -> object:
    """One text stands for a list of one."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _severity(value: object) -> object:
    return Severity.parse(value) if isinstance(value, str) else value


_MAX_REASON = 60
Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(min_length=1)]
Level = Annotated[Severity, BeforeValidator(_severity)]
Bound = Annotated[int, Field(ge=0, le=2**53)]
Action = Literal["exclude", "keep"]


class FilterEntry(BaseModel):
    """One `[[filter]]`: it matches a finding of which everything it states holds.

    `host` is globs, one of which must match. `contains` asks for a list in which some value holds one of the texts. `all_contain`
    asks for one that is complete, not empty, and whose every value does: the safe form for known false positives, since one
    harmless line beside an attack does not meet it. A finding whose rule has no such column is not matched.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    action: Action
    reason: str = ""
    rule: Texts | None = None
    host: Texts | None = None
    severity_at_least: Level | None = None
    severity_at_most: Level | None = None
    greater_than: dict[Name, Bound] = {}
    less_than: dict[Name, Bound] = {}
    contains: dict[Name, Texts] = {}
    all_contain: dict[Name, Texts] = {}

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"action", "reason"}:
            raise ValueError("states no condition, so it would match every finding")
        return self

    def fits(self, rule: Rule) -> bool:
        """Whether findings of a rule can match: it is asked for, and has every column that the entry names."""
        numbers, lists = {*rule.numbers, *SHARED_NUMBERS}, set(rule.lists)
        return (
            (self.rule is None or rule.id in self.rule)
            and numbers >= {*self.greater_than, *self.less_than}
            and lists >= {*self.contains, *self.all_contain}
        )

    def matches(self, finding: Finding) -> bool:
        """Whether everything the entry states holds of a finding, as far as its lists show."""
        cut = dict(finding.truncated)
        return (
            self.fits(finding.rule)
            and self._holds_beside_lists(finding)
            and all(any(_holding(texts, finding[name])) for name, texts in self.contains.items())
            and all(name not in cut and _all_hold(texts, finding[name]) for name, texts in self.all_contain.items())
        )

    def may_match(self, finding: Finding) -> bool:
        """Whether it matches, or would if a list that is cut went on in the right way."""
        cut = dict(finding.truncated)
        return (
            self.fits(finding.rule)
            and self._holds_beside_lists(finding)
            and all(name in cut or any(_holding(texts, finding[name])) for name, texts in self.contains.items())
            and all(
                (name in cut and not finding[name]) or _all_hold(texts, finding[name]) for name, texts in self.all_contain.items()
            )
        )

    def _holds_beside_lists(self, finding: Finding) -> bool:
        host = fold(finding.host)
        return (
            (self.host is None or any(fnmatchcase(host, fold(glob)) for glob in self.host))
            and (self.severity_at_least is None or finding.severity >= self.severity_at_least)
            and (self.severity_at_most is None or finding.severity <= self.severity_at_most)
            and all(finding[stat] > bound for stat, bound in self.greater_than.items())
            and all(finding[stat] < bound for stat, bound in self.less_than.items())
        )


def _holding(texts: tuple[str, ...], values: tuple[str, ...]) -> Iterable[bool]:
    """Say of each value whether it holds one of the texts."""
    folded = [fold(text) for text in texts]
    return (any(text in fold(value) for text in folded) for value in values)


def _all_hold(texts: tuple[str, ...], values: tuple[str, ...]) -> bool:
    return bool(values) and all(_holding(texts, values))


@dataclass(frozen=True)
class Filter:
    """All entries: a finding passes when no `exclude` entry matches it and, where there are `keep` entries, one of them does."""

    entries: tuple[FilterEntry, ...] = ()

    def passes(self, finding: Finding) -> bool:
        """Whether a finding is the user's concern."""
        return self._lets_through(finding, FilterEntry.matches)

    def may_pass(self, finding: Finding) -> bool:
        """Whether it passes, or might if its lists were whole: an alert shows fewer values than its rule saw."""
        return self._lets_through(finding, FilterEntry.may_match)

    def _lets_through(self, finding: Finding, keeps: Callable[[FilterEntry, Finding], bool]) -> bool:
        keep = [entry for entry in self.entries if entry.action == "keep"]
        excluded = any(entry.matches(finding) for entry in self.entries if entry.action == "exclude")
        return not excluded and (not keep or any(keeps(entry, finding) for entry in keep))

    def kept(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings that pass, in their order."""
        return filter(self.passes, findings)


NO_FILTER = Filter()
"""Every finding passes, as upstream's `search *`."""


class FilterTally:
    """Lets findings through that pass a filter, and counts what each entry does: none hides anything in silence.

    With `may`, what an entry may match counts as matched by a `keep` entry.
    """

    def __init__(self, post_filter: Filter, *, may: bool = False) -> None:
        self._entries = post_filter.entries
        self._keeps = FilterEntry.may_match if may else FilterEntry.matches
        self._matched: Counter[int] = Counter()
        self._taken: Counter[int] = Counter()
        self._kept_by_none = 0
        self._seen = 0

    def kept(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings that pass, in their order."""
        return filter(self.passes, findings)

    def passes(self, finding: Finding) -> bool:
        """Count a finding, and return whether it passes."""
        self._seen += 1
        excluded, kept = ([i for i, each in enumerate(self._entries) if each.action == action] for action in ("exclude", "keep"))
        excluding = [i for i in excluded if self._entries[i].matches(finding)]
        keeping = [i for i in kept if self._keeps(self._entries[i], finding)]
        self._matched.update([*excluding, *keeping])
        if excluding:
            self._taken[excluding[0]] += 1
            return False
        if kept and not keeping:
            self._kept_by_none += 1
            return False
        return True

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
