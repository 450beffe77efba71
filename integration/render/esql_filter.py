"""SPL 15 in ES|QL: what a query's statistics must have besides, and the condition on its rows.

A text too long for the mapping's `ignore_above` is not seen by ES|QL, but that an event has one is: `unseen` counts those events of
a host. Where there are some, a statement on lists neither excludes a finding nor fails to keep it. In our own index such an event
has no line either; of the user's own fields `_ignored` tells.
"""

from __future__ import annotations

from collections.abc import Callable

from integration.case import fold
from integration.fields import MappedRule, name_in_index
from integration.filter import Action, Count, Filter, List
from integration.globs import pattern
from integration.lists import MAX_VALUES
from integration.render import esql_text as text
from integration.render.post_filter import Test, joined, passing
from integration.rule import Rule, Severity


class RowFilter:
    """The filter for one rule: `commands` on rows that have `rank` and all of `finding.`.

    `statistics` and `metadata` (of FROM) are what they need.
    `InputError` for a filter that ES|QL cannot say.
    """

    def __init__(self, rule: Rule, post_filter: Filter) -> None:
        conditions = _Conditions(rule)
        passes = passing(post_filter, rule, conditions)
        self.metadata = " METADATA _ignored" if isinstance(rule, MappedRule) and "unseen" in conditions.columns else ""
        self.statistics = [f"{name} = {code}" for name, code in conditions.columns.items()]
        self.commands = [] if passes is True else [f"WHERE {passes or 'false'}"]


class _Conditions:
    """The `Language` of rows. A column `filter_N` answers what other columns do not; equal questions share one."""

    name = "Kibana, whose language is ES|QL"
    conjunction = "AND"
    disjunction = "OR"
    negation = "NOT "

    def __init__(self, rule: Rule) -> None:
        self.columns: dict[str, str] = {}
        self._rule = rule

    def host(self, globs: tuple[str, ...], action: Action) -> Test:  # noqa: ARG002
        """Each glob is a pattern of its own, since one of them all could be too much for an automaton."""
        matched = [_told("glob", glob, lambda folded: text.rlike(pattern(folded))) for glob in globs]
        return joined([f"{text.folded('host.name')} RLIKE {each}" for each in matched], self.disjunction)

    def severity(self, comparison: str, level: Severity, action: Action) -> Test:
        """The ladder's value; unseen texts may make it another."""
        test = f"rank {comparison} {int(level)}"
        heeds_texts = any(condition.stat != "error_types" for condition in self._rule.list_conditions)
        return self._as_far_as_seen(test, action) if heeds_texts else test

    def count(self, stat: Count, comparison: str, bound: int, action: Action) -> Test:
        """Every count is exact, but that unseen texts are not in the product of SPL 14."""
        test = f"finding.{stat} {comparison} {bound}"
        return self._as_far_as_seen(test, action) if stat == "spl_row_count" else test

    def contains(self, name: List, texts: tuple[str, ...], action: Action) -> Test:
        """Of a list that is cut, the reference sees the first values only."""
        return self._listed(name, f"{self._held(name, texts, otherwise=0)} == 1", action)

    def all_contain(self, name: List, texts: tuple[str, ...], action: Action) -> Test:
        """Every value is looked at, also of a list that is cut."""
        return self._listed(name, f"{self._held(name, texts, otherwise=2)} == 1", action)

    def _listed(self, name: List, test: str, action: Action) -> str:
        if name == "error_types":
            return test
        complete = f" AND number_of_{name} <= {MAX_VALUES}" if action == "exclude" else ""
        return self._as_far_as_seen(f"{test}{complete}", action)

    def _as_far_as_seen(self, test: str, action: Action) -> str:
        self.columns["unseen"] = f"SUM(CASE({self._is_cut()}, 1, 0))"
        return f"({test} AND unseen == 0)" if action == "exclude" else f"({test} OR unseen > 0)"

    def _is_cut(self) -> str:
        if not isinstance(self._rule, MappedRule):
            return "event.original IS NULL"
        names = [name_in_index(self._rule, field) for _, field in self._rule.stats.values]
        ignored = 'CONCAT(",", MV_CONCAT(_ignored, ","), ",")'
        return joined([f"{ignored} LIKE {text.holding(f',{name},')}" for name in dict.fromkeys(names)], self.disjunction)

    def _held(self, name: List, texts: tuple[str, ...], otherwise: int) -> str:
        """1 where a value holds one of the texts and no value has scored more, `otherwise` being the score of one that does not."""
        rule = self._rule
        ours = rule.classification.field if name == "error_types" else name_in_index(rule, getattr(rule.stats.values, name))
        field = text.field(ours)
        held = joined([f"{text.folded(field)} LIKE {_told('text', each, text.holding)}" for each in texts], self.disjunction)
        code = f"MAX(CASE({field} IS NULL, 0, {held}, 1, {otherwise}))"
        known = next((column for column, other in self.columns.items() if other == code), f"filter_{len(self.columns)}")
        self.columns[known] = code
        return known


def _told(what: str, stated: str, say: Callable[[str], str]) -> str:
    """Say a text of the filter, folded; `ValueError` names it."""
    try:
        return say(fold(stated))
    except ValueError as error:
        raise ValueError(f"the {what} {stated[:100]!r} {error}") from error
