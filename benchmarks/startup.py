"""How long `detect --version` and `detect --help` take, against `python -c "import typer"`.

Run: python benchmarks/startup.py
Prints a row of a Markdown table for each; the commands run several times in turn, and each one's best time counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

_COLUMNS = ("command", "seconds", "`import typer`", "ratio")
_BASE = (sys.executable, "-c", "import typer")
_DETECT = str(Path(sys.executable).with_name("detect"))
_COMMANDS = {"`detect --version`": (_DETECT, "--version"), "`detect --help`": (_DETECT, "--help")}


def seconds(command: tuple[str, ...]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    best = dict.fromkeys([_BASE, *_COMMANDS.values()], float("inf"))
    for _ in range(runs):
        for command in best:
            best[command] = min(best[command], seconds(command))
    print(" | ".join(_COLUMNS), " | ".join("---" for _ in _COLUMNS), sep="\n")
    for name, command in _COMMANDS.items():
        print(f"{name} | {best[command]:.3f} | {best[_BASE]:.3f} | {best[command] / best[_BASE]:.2f}")


if __name__ == "__main__":
    main()
