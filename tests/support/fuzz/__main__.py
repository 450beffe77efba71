"""`python -m tests.support.fuzz [libFuzzer options] [FOLDER]`: look for a line that breaks a check; it is written to `crash-*`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris
from atheris.import_hook import instrument_imports

with instrument_imports(include=["integration"]):
    from tests.support.fuzz.checks import PREFIXES, check
    from tests.support.hostile import BYTES

WORDS = (
    *(
        "time=",
        "level=ERROR",
        "source=",
        "msg=",
        "err=",
        "error=",
        '"',
        "\\",
        "=",
        " ",
        "model",
        "exited",
        "llama runner",
        "server.go:1",
    ),
    *("2026-11-24T09:00:00.000Z", "[GIN] 2025/11/06 - 06:23:22 | 200 | 50.6\u00b5s | ::1 | GET ", "a@b.cc", "api_key=", "Bearer "),
    *(
        '{"log":"',
        '\\n","stream":"stderr","time":"2025-10-02T14:46:20.123456789Z"}',
        "\\u00e9",
        "\\ud83d",
        "\x1b[2J",
        "\u202e",
        "\u0661",
    ),
    *PREFIXES,
)


def main() -> None:
    """Start from the hostile lines that are known, with the words that lines are made of."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "seeds")
        seeds.mkdir()
        for number, line in enumerate(BYTES.values()):
            (seeds / f"{number:04}").write_bytes(line)
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
        atheris.Setup([*sys.argv, str(seeds), f"-dict={words}"], check)
        atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02X}" for byte in word.encode())


if __name__ == "__main__":
    main()
