"""Random filters of detect.toml, and logs of hosts that they are about."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from integration.detection.columns import LISTS, NUMBERS
from integration.detection.model import Severity
from integration.findings.filter import Filter, FilterEntry
from tests.support.builders import RULE

HOSTS = ("gpu-1", "GPU-2", "Häns", "ΟΔΌΣ.lab", "a{{x}}'\\b", "node[7]\n*")
TEXTS = ("model", "MODEL", "runner", "EXIT status", "É☃", "server.go", "crash", "error", "'\\", '"', "{{ctx}}", "s", "sched", "σ")

_globs = st.one_of(
    st.sampled_from(
        ["gpu-?", "*", "HÄNS", "οδός*", "*ΣΣ*", "*{{*'\\b", "node[[]7]*", "[!a-g]*", "*[0-9]*", "[z-a]", "*.lab", "g*u*-*"]
    ),
    st.text(st.sampled_from("gpu-12*?[]!Σσ{x.\n"), min_size=1, max_size=6),
)
_some_globs = st.lists(_globs, min_size=1, max_size=2).map(tuple)
_some_texts = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2).map(tuple)
_levels = st.sampled_from([Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL])
_bounds = st.dictionaries(st.sampled_from(NUMBERS), st.one_of(st.integers(0, 4), st.sampled_from([10, 2**40])), max_size=1)
_lists = st.dictionaries(st.sampled_from(LISTS), _some_texts, min_size=1, max_size=2)
_conditions = st.fixed_dictionaries(
    {},
    optional={
        "host": _some_globs,
        "rule": st.sampled_from([(RULE.id,), ("other",)]),
        "severity_at_least": _levels,
        "severity_at_most": _levels,
        "greater_than": _bounds,
        "less_than": _bounds,
        "contains": _lists,
        "all_contain": _lists,
    },
)


def entry(action: str, **conditions: Any) -> FilterEntry:
    return FilterEntry.model_validate({"action": action} | conditions)


entries = st.builds(lambda action, stated: entry(action, **stated), st.sampled_from(["exclude", "keep"]), _conditions.filter(bool))
filters = st.lists(entries, min_size=1, max_size=3).map(lambda drawn: Filter(tuple(drawn)))
