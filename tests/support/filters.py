"""Random filters of detect.toml that targets can be told, and names of hosts that they are about."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from integration.detection.severity import Severity
from integration.findings.filter import Filter, FilterEntry
from tests.support.builders import RULE

HOSTS = ("gpu-1", "GPU-2", "Häns", "ΟΔΌΣ.lab", "a{{x}}'\\b", "node[7]\n*")
TEXTS = ("model", "MODEL", "É☃", "server.go", "'\\", '"', "{ctx}", "s", "σ")

_patterns = st.one_of(
    st.sampled_from(["gpu-?", "*", "HÄNS", "οδός*", "*ΣΣ*", "*{*'\\b", "node?7?*", "*.lab", "g*u*-*"]),
    st.text(st.sampled_from("gpu-12*?]!Σσ{x.\n"), min_size=1, max_size=6).filter(lambda drawn: "{{" not in drawn),
)
_levels = st.sampled_from([Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL])
_bounds = st.dictionaries(st.sampled_from(RULE.numbers), st.one_of(st.integers(0, 4), st.sampled_from([10, 2**40])), max_size=1)
_conditions = st.fixed_dictionaries(
    {},
    optional={
        "host": st.lists(_patterns, min_size=1, max_size=2).map(tuple),
        "rule": st.sampled_from([(RULE.id,), ("other",)]),
        "severity_at_least": _levels,
        "severity_at_most": _levels,
        "greater_than": _bounds,
        "less_than": _bounds,
    },
)


def entry(action: str, **conditions: Any) -> FilterEntry:
    return FilterEntry.model_validate({"action": action} | conditions)


entries = st.builds(lambda action, stated: entry(action, **stated), st.sampled_from(["exclude", "keep"]), _conditions.filter(bool))
filters = st.lists(entries, min_size=1, max_size=3).map(lambda drawn: Filter(tuple(drawn)))
