from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.fuzz.checks import check
from tests.support.hostile import BYTES


@pytest.mark.parametrize("line", BYTES.values(), ids=BYTES)
def test_what_must_hold_of_every_line_holds_of_the_known_ones(line: bytes) -> None:
    check(line)


if find_spec("atheris"):  # which has wheels for Linux on x86-64 alone

    @pytest.mark.tools
    def test_some_more_lines_led_by_coverage(tmp_path: Path) -> None:
        """From one seed; `make fuzz` tries others for longer. The fuzzer ends at the first chance after so many runs."""
        options = ["-runs=600", "-seed=1", "-max_len=512", f"-artifact_prefix={tmp_path}/"]
        command = [sys.executable, "-m", "tests.support.fuzz", *options]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        done = re.search(r"^Done (\d+) runs", ran.stderr, re.MULTILINE)
        assert done is not None
        assert int(done[1]) >= 600
