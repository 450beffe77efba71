"""A test run that is told to end leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import until

ROOT = Path(__file__).parents[3]
TEST = """
import time
from pathlib import Path
import pytest

HERE = Path(__file__).parent

@pytest.fixture(scope="session")
def started():
    (HERE / "started").touch()
    yield
    (HERE / "ended").touch()

def test_that_waits(started):
    time.sleep(600)
"""


def test_fixtures_are_torn_down_on_sigterm(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "test_that_waits.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "--numprocesses=1", str(tmp_path)]
    with subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL) as run:
        until((tmp_path / "started").exists, "the test")
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 128 + signal.SIGTERM
    assert (tmp_path / "ended").exists()
