"""Findings that wait in a temporary file are the same, in the same order, as those that memory holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.findings import spool
from integration.findings.finding import Finding
from integration.findings.spool import spooled
from tests.support.builders import error, event, findings_of

HOUR = 3_600_000
(PLAIN,) = findings_of([event(error('source=server.go:1 msg="model" err="exit status 1"'))])
HOSTS = ("a", "b", "\ud800", "\udfff", "\ue000", "\uffff", "\U00010000", "a\x00", "a\x00b", "'", "é")
hosts = st.sampled_from(HOSTS) | st.text(max_size=3)


def found(host: str, hour: int, rule: str, count: int, messages: tuple[str, ...]) -> Finding:
    start, end = PLAIN.window_start + hour * HOUR, PLAIN.window_end + hour * HOUR
    return replace(PLAIN, host=host, rule_id=rule, window_start=start, window_end=end, error_count=count, error_messages=messages)


findings = st.lists(
    st.builds(
        found,
        hosts,
        st.integers(-2, 2),
        st.sampled_from(["r1", "r2"]),
        st.integers(1, 9),
        st.lists(st.text("abé\ud800\U00010000", max_size=4), max_size=3).map(tuple),
    ),
    max_size=40,
)


@given(findings, st.integers(0, 5), st.integers(-1, 400))
def test_in_memory_or_not_findings_are_the_same(given_: list[Finding], most: int, characters: int) -> None:
    first: dict[tuple[int, str, str], Finding] = {}
    for finding in given_:
        first.setdefault(finding.sort_key, finding)
    expected = [first[key] for key in sorted(first)]
    for bounds in ({}, {"MAX_FINDINGS": most}, {"MAX_CHARACTERS": characters}):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in bounds.items():
                patch.setattr(spool, name, value)
            with spooled(given_) as kept:
                assert len(kept) == len(expected)
                assert list(kept) == expected
                assert list(kept) == expected


def test_what_fails_while_it_is_taken_in_gives_nothing() -> None:
    def failing() -> object:
        yield PLAIN
        raise RuntimeError

    with pytest.raises(RuntimeError), spooled(failing()):  # type: ignore[arg-type]
        pytest.fail("the block ran")
