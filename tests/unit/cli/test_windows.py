"""What is said of the windows that a verb evaluates."""

from __future__ import annotations

import pytest

from integration.cli import windows
from integration.cli.windows import told
from integration.times import parse_time
from tests.support.builders import RULE


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-11-24T09:50:00Z", "Evaluated: 1 window, 2026-11-24 08:50 to 2026-11-24 09:50 (UTC)."),
        ("2026-11-24T09:49:59Z", "Evaluated: 1 window, 2026-11-24 08:50 to 2026-11-24 09:50 (UTC). The last one is not over yet."),
    ],
)
def test_a_window_that_is_not_over_is_said(monkeypatch: pytest.MonkeyPatch, at: str, said: str) -> None:
    monkeypatch.setattr(windows, "now", lambda: parse_time(at))
    assert told([(RULE, [RULE.windows.last_run(parse_time("2026-11-24T10:00:00Z"))])]) == said
