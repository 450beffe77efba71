"""Values too long for ES|QL, which sees doc values: computed fields of our own indices that give them shortened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integration.detection.field_names import FieldNames
from integration.detection.model import Rule
from integration.render import painless
from integration.render.shortened import DIGITS, IGNORE_ABOVE, MARK

SUFFIX = "_shortened"
"""What the name of such a field has after that of the event field and before that of the rule's class."""


def shortening_fields(rule: Rule) -> dict[str, Any]:
    """Give a runtime field for each event field that the rule makes lists of; its terms are in them, so no other rule's will do."""
    ours = rule.with_field_names(FieldNames())
    fields = dict.fromkeys(field for _, field in rule.stats.values.items())
    return {
        shortened_name(rule, field): {"type": "keyword", "script": painless.script(_source(ours, field, _terms(rule, field)))}
        for field in fields
    }


def shortened_name(rule: Rule, field: str) -> str:
    """Give the name of the computed field of an event field's shortened values."""
    return f"{field}{SUFFIX}_{rule.classification.field}"


def _terms(rule: Rule, field: str) -> Iterator[str]:
    """What the rule's severity depends on in a field's values."""
    found = (
        str(condition.contains)
        for condition in rule.list_conditions
        if condition.stat != "error_types" and rule.stats.values[condition.stat] == field
    )
    yield from dict.fromkeys(found)


def _source(rule: Rule, field: str, terms: Iterator[str]) -> str:
    """Emits the beginning of a long value, those of the terms that it holds further on, a line each, and the mark; else nothing.

    A term is one line, so that it is in what stands before the mark exactly if it is in the whole value. That itself is never
    emitted: of more than a mebibyte it would fail the whole search, and many long ones take more memory than there is.
    """
    held = "".join(f"  if ({_is_further_on(term)}) {{ shown += {painless.literal(chr(10) + term)}; }}\n" for term in terms)
    before, between, after = map(painless.literal, MARK)
    return f"""String hex(int hash) {{ return Long.toHexString(0x100000000L + (hash & 0xffffffffL)).substring(1); }}
{painless.set_text(rule, field)}if (text != null && text.length() > {IGNORE_ABOVE}) {{
  int end = Character.isHighSurrogate(text.charAt({IGNORE_ABOVE - 1})) ? {IGNORE_ABOVE - 1} : {IGNORE_ABOVE};
  String shown = text.substring(0, end);
{held}  String length = Long.toString(1{"0" * DIGITS}L + text.length()).substring(1);
  String hash = hex(text.hashCode()) + hex(text.encodeBase64().hashCode());
  emit(shown + {before} + length + {between} + hash + {after});
}}
"""


def _is_further_on(term: str) -> str:
    literal = painless.literal(term)
    return f"text.contains({literal}) && !shown.contains({literal})"
