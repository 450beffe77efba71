"""SPL 15 in ES|QL: what a query's statistics must have besides, and the condition on its rows.

Of a text too long for the mapping's `ignore_above` ES|QL does not see the whole. That an event has one is told by the field of what
is shown of it in our own index, by `_ignored` in the user's. For a host that has some, a statement on their list neither excludes a
finding nor fails to keep it; in the user's own index neither does one on what depends on all values.
"""

from __future__ import annotations

from collections.abc import Callable

from integration.detection.case import fold
from integration.detection.columns import ListName, NumberName
from integration.detection.fields import name_in_index
from integration.detection.globs import pattern
from integration.detection.model import Rule, Severity
from integration.findings.filter import Action, Filter
from integration.findings.values import MAX_BYTES, MAX_VALUES
from integration.render.post_filter import Test, joined, passing
from integration.targets.kibana import esql_lists
from integration.targets.kibana import esql_text as text


class RowFilter:
    """The filter for one rule: `commands` on rows that have `rank` and all of `finding.`.

    `statistics`, `sizes` (columns beside the lists as long as these are whole) and `metadata` (of FROM) are what they need.
    `InputError` for a filter that ES|QL cannot say.
    """

    def __init__(self, rule: Rule, post_filter: Filter) -> None:
        conditions = _Conditions(rule)
        passes = passing(post_filter, rule, conditions)
        self.metadata = " METADATA _ignored" if rule.field_names.own_index and "unseen" in conditions.columns else ""
        self.statistics = [f"{name} = {code}" for name, code in conditions.columns.items()]
        self.sizes = [f"{name} = {code}" for name, code in conditions.sizes.items()]
        self.commands = [] if passes is True else [f"WHERE {passes or 'false'}"]


class _Conditions:
    """The `Language` of rows. A column `filter_N` answers what other columns do not; equal questions share one."""

    name = "Kibana, whose language is ES|QL"
    conjunction = "AND"
    disjunction = "OR"
    negation = "NOT "

    def __init__(self, rule: Rule) -> None:
        self.columns: dict[str, str] = {}
        self.sizes: dict[str, str] = {}
        self._rule = rule

    def host(self, globs: tuple[str, ...], action: Action) -> Test:  # noqa: ARG002
        """Each glob is a pattern of its own, since one of them all could be too much for an automaton."""
        matched = [_told("glob", glob, lambda folded: text.rlike(pattern(folded))) for glob in globs]
        return joined([f"{text.folded('host.name')} RLIKE {each}" for each in matched], self.disjunction)

    def severity(self, comparison: str, level: Severity, action: Action) -> Test:
        """The ladder's value; texts that are not seen may make it another."""
        test = f"rank {comparison} {int(level)}"
        heeds_texts = any(condition.stat != "error_types" for condition in self._rule.list_conditions)
        return self._as_far_as_seen(test, action) if heeds_texts else test

    def count(self, stat: NumberName, comparison: str, bound: int, action: Action) -> Test:
        """Every count is exact, but that texts that are not seen are not in the product of SPL 14."""
        test = f"finding.{stat} {comparison} {bound}"
        return self._as_far_as_seen(test, action) if stat == "spl_row_count" else test

    def contains(self, name: ListName, texts: tuple[str, ...], action: Action) -> Test:
        """Of a list that is cut, the reference sees the first values only."""
        return self._listed(name, f"{self._held(name, texts, otherwise=0)} == 1", action)

    def all_contain(self, name: ListName, texts: tuple[str, ...], action: Action) -> Test:
        """Every value is looked at, also of a list that is cut."""
        return self._listed(name, f"{self._held(name, texts, otherwise=2)} == 1", action)

    def _listed(self, name: ListName, test: str, action: Action) -> str:
        if name == "error_types":
            return test
        if action == "exclude":
            size = f"bytes_of_{name}"
            self.sizes[size] = f'CASE(number_of_{name} <= {MAX_VALUES}, BYTE_LENGTH(MV_CONCAT(finding.{name}, "")))'
            test = f"{test} AND COALESCE({size} <= {MAX_BYTES}, false)"
        if long := esql_lists.shortened(self._rule, name):
            return self._unless_some(f"long_{name}", f"COUNT({long})", test, action)
        return self._as_far_as_seen(test, action)

    def _as_far_as_seen(self, test: str, action: Action) -> str:
        """What depends on all texts, in the user's own index."""
        if not self._rule.field_names.own_index:
            return test
        names = [name_in_index(self._rule, field) for _, field in self._rule.stats.values.items()]
        ignored = 'CONCAT(",", MV_CONCAT(_ignored, ","), ",")'
        cut = joined([f"{ignored} LIKE {text.holding(f',{name},')}" for name in dict.fromkeys(names)], self.disjunction)
        return self._unless_some("unseen", f"SUM(CASE({cut}, 1, 0))", test, action)

    def _unless_some(self, column: str, code: str, test: str, action: Action) -> str:
        self.columns[column] = code
        return f"({test} AND {column} == 0)" if action == "exclude" else f"({test} OR {column} > 0)"

    def _held(self, name: ListName, texts: tuple[str, ...], otherwise: int) -> str:
        """1 where a value holds one of the texts and no value has scored more, `otherwise` being the score of one that does not."""
        field = esql_lists.column(self._rule, name)
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
