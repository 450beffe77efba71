"""How fast `detect scan` reads a large debug log, against `grep` on the same file, and how much memory it takes.

Run: python benchmarks/scan.py --mib 1024
Prints rows of a Markdown table. All programs run several times in turn; of each the least time counts that a processor spent on it
(user and system), which says more than the clock where other programs run beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from integration.sandbox.sample import Plan, Scenario, write_files

_LINES_A_MIB = 5_357
_SPLUNKS, _OURS = "ollama_possible_rce_via_model_loading", "ollama_model_loading_exploitation"


class Run(NamedTuple):
    """One run of a program: what it printed, the seconds that processors spent on it, and the most memory it held, in MiB."""

    out: bytes
    seconds: float
    peak: float


def run(command: list[str]) -> Run:
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(out, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))


def measure(commands: dict[str, list[str]], rounds: int) -> dict[str, Run]:
    """Run all programs in turn; return the fastest run of each, with the highest peak of its runs."""
    run(commands["grep"])  # reads the file into the system's cache
    runs = [{name: run(command) for name, command in commands.items()} for _ in range(rounds)]
    fastest = {name: min((each[name] for each in runs), key=lambda one: one.seconds) for name in commands}
    return {name: one._replace(peak=max(each[name].peak for each in runs)) for name, one in fastest.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024, help="size of the log")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="detect-benchmark-") as folder:
        files = write_files(Path(folder), Plan(hosts=1, lines=options.mib * _LINES_A_MIB, scenarios=(Scenario.DEBUG,)))
        log = next(file for file in files if file.path.name == "server.log")
        scan = [str(Path(sys.executable).with_name("detect")), "scan", str(log.path), "--host", "gpu-01", "--format", "json"]
        ran = measure(
            {
                "grep": ["grep", "-ci", "level=error", str(log.path)],
                "Splunk's": [*scan, "--rule", _SPLUNKS],
                "ours": [*scan, "--rule", _OURS],
                "both": scan,
            },
            options.rounds,
        )
    for name in ("Splunk's", "ours", "both"):
        read = json.loads(ran[name].out)["events"]["read"]
        if read != log.lines:
            sys.exit(f"detect scan read {read} of {log.lines} lines")
    print("| what | this | against | ratio |\n|---|---|---|---|")
    size = f"`scan` of a debug log of {options.mib:,} MiB"
    _row(f"{size} by Splunk's rule, against `grep -ci level=error`", ran["Splunk's"], ran["grep"])
    _row(f"{size} by both rules, against Splunk's alone", ran["both"], ran["Splunk's"])
    _row(f"{size} by both rules, against the second alone", ran["both"], ran["ours"])


def _row(what: str, this: Run, against: Run) -> None:
    ratio = this.seconds / against.seconds
    print(f"| {what}; peak memory {this.peak:.0f} MiB | {this.seconds:.2f} s | {against.seconds:.2f} s | {ratio:.1f} |")


if __name__ == "__main__":
    main()
