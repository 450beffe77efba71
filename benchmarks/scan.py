"""How fast `detect scan` reads a large debug log, against `grep` on the same file, and how much memory it takes.

Run: python benchmarks/scan.py --mib 1024
Prints a row of a Markdown table; both programs run several times in turn, and each one's best time counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from integration.sandbox.sample import Plan, Scenario, write_files

_COLUMNS = ("system", "Python", "log", "lines", "selected", "`grep -ci level=error`", "`detect scan`", "ratio", "peak memory")


class Run(NamedTuple):
    """One run of a program: what it printed, how long it took in seconds, and the most memory it held, in MiB."""

    out: bytes
    seconds: float
    peak: float


def run(command: list[str]) -> Run:
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(out, seconds, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))


def measure(log: Path, rounds: int) -> tuple[Run, Run]:
    """Run both programs in turn; give the fastest run of each, the scan's with the highest peak of them all."""
    grep = ["grep", "-ci", "level=error", str(log)]
    scan = [str(Path(sys.executable).with_name("detect")), "scan", str(log), "--host", "gpu-01", "--format", "json"]
    run(grep)  # reads the file into the system's cache
    runs = [(run(grep), run(scan)) for _ in range(rounds)]
    searches, scans = zip(*runs, strict=True)
    fastest = min(scans, key=lambda one: one.seconds)
    return min(searches, key=lambda one: one.seconds), fastest._replace(peak=max(one.peak for one in scans))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024, help="size of the log")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="detect-benchmark-") as folder:
        files = write_files(Path(folder), Plan(hosts=1, size=options.mib << 20, scenarios=(Scenario.DEBUG,)))
        log = next(file for file in files if file.path.name == "server.log")
        search, scan = measure(log.path, options.rounds)
    events = json.loads(scan.out)["events"]
    if events["read"] != log.lines:
        sys.exit(f"detect scan read {events['read']} of {log.lines} lines")
    cells = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        platform.python_version(),
        f"{log.bytes / 2**20:,.0f} MiB",
        f"{log.lines:,}",
        f"{events['selected']:,}",
        f"{search.seconds:.2f} s",
        f"{scan.seconds:.2f} s",
        f"{scan.seconds / search.seconds:.1f}",
        f"{scan.peak:.0f} MiB",
    )
    for row in (_COLUMNS, ("---",) * len(_COLUMNS), cells):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
