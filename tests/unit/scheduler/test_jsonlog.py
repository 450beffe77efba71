from __future__ import annotations

import io
import json

from integration.scheduler.jsonlog import JsonLog
from tests.support.watching import START


def test_log_lines_stay_one_object_a_line() -> None:
    stream = io.StringIO()
    JsonLog(stream, lambda: START)("info", "finding", host='a"\n{"event":"forged"}\u2028\x1b[31m')
    (line,) = stream.getvalue().splitlines()
    assert line.isascii()
    assert json.loads(line) == {
        "time": "2026-11-24T10:00:00.000Z",
        "level": "info",
        "event": "finding",
        "host": 'a"\n{"event":"forged"}\u2028\x1b[31m',
    }
