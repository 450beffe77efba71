"""What is said on standard error while something goes on."""

from __future__ import annotations

import pytest

from integration.cli import output
from integration.cli.output import progress


@pytest.mark.parametrize(("total", "said"), [(200, "Windows: 15%\nWindows: 30%\n"), (None, "Windows: 30\nWindows: 60\n")])
def test_a_pipe_gets_a_line_each_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], total: int | None, said: str
) -> None:
    seconds = iter([0.0, 30.0, 59.0, 61.0, 62.0, 120.0, 122.0])
    monkeypatch.setattr(output, "monotonic", lambda: next(seconds))
    with progress("Windows", total) as advance:
        for _ in range(6):
            advance(10)
    assert capsys.readouterr() == ("", said)
