"""How much memory a command takes, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

MEBIBYTE = 1 << 20

MEASURE = """
import importlib, re, sys
from pathlib import Path
main = importlib.import_module(sys.argv.pop(1)).main
try:
    main()
finally:
    # The rusage of a process begins with the peak of the process that forked it; this one does not.
    peak = re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    print(int(peak[1]) * 1024, file=sys.stderr)
"""


def measured(*arguments: str, module: str = "integration.cli", code: int = 0) -> tuple[Any, int]:
    """Run a module's `main` in a process of its own; gives its JSON and the most memory (bytes) it ever had."""
    ran = subprocess.run([sys.executable, "-c", MEASURE, module, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stderr
    return json.loads(ran.stdout), int(ran.stderr.split()[-1])
