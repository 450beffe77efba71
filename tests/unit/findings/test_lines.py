"""The first lines behind findings: those that sorting all lines would show, whatever the order and the size of the buffer."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.findings import lines as module
from integration.findings.lines import EvidenceLine, FirstLines, LineStore
from tests.support.builders import RULE, error, event, findings_of, rule_with

HOSTS = ("a", "\ud800", "é", "a\x00b")
FINDINGS = {(each.rule_id, each.host): each for rule in (RULE, rule_with()) for host in HOSTS for each in findings_of(
    [event(error('msg="model"'), host=host)], rule
)}  # fmt: skip
added = st.lists(st.tuples(st.sampled_from(sorted(FINDINGS)), st.integers(0, 5), st.text(max_size=4)), max_size=40)


@given(added, st.booleans())
def test_the_first_in_time_of_each_are_kept_and_the_others_counted(
    rows: list[tuple[tuple[str, str], int, str]], spills: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch, closing(LineStore(3, 100)) as store:
        patch.setattr(module, "BUFFER_BYTES", 700 if spills else 1 << 20)
        of_each: dict[tuple[str, str], list[EvidenceLine]] = {key: [] for key in FINDINGS}
        for number, (key, time, text) in enumerate(rows):
            line = EvidenceLine(time, "model_error", f"x:{number}", text)
            store.add(key[0], FINDINGS[key].window_start, key[1], line)
            of_each[key].append(line)
        for key, every in of_each.items():
            ordered = sorted(every, key=lambda line: line.time)  # stable: of one time the first that came
            assert store.of(FINDINGS[key]) == FirstLines(tuple(ordered[:3]), max(0, len(every) - 3))


def test_a_line_is_cut() -> None:
    assert EvidenceLine(0, "", "", "x" * 10).cut(10).text == "x" * 10
    assert EvidenceLine(0, "", "", "x" * 11).cut(10).text == "x" * 9 + "…"
