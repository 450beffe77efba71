"""Read what `mutmut run` has found: print how many mutants died, and fail for too few or for one that lives without a reason.

`make test-mutation` calls it. A mutant is one small change to a function of the files that `[tool.mutmut]` in pyproject.toml names.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import yaml
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

LEAST = 0.9
"""The part of the mutants of each room that must die."""
LISTED = Path(__file__).parent / "survivors.yml"
_DIED = ("killed", "timeout", "segfault")


def outcomes(path: Path) -> dict[str, bool]:
    """Return the mutants of a source file that were tried, and whether each lives."""
    data = SourceFileMutationData(path=path)
    data.load()
    return {name: status_by_exit_code[code] not in _DIED for name, code in data.exit_code_by_key.items() if code is not None}


def change(mutant: str, path: Path) -> tuple[str, str]:
    """Return the function that a mutant changes, and how; its number would be another one after any change to the function."""
    diff = get_diff_for_mutant(mutant, path=path).splitlines()[3:]  # without the names of the files, and the lines' numbers
    before, after = (" ".join(line[1:].strip() for line in diff if line[0] == sign) for sign in "-+")
    function = mutant.partition("__mutmut_")[0].replace(".x_", ".").replace(".xǁ", ".").replace("ǁ", ".")
    return function.removeprefix("integration."), f"{before}  ->  {after}"


def listed() -> set[tuple[str, str]]:
    """Return the survivors of which `survivors.yml` says why they live, each as a function and a change."""
    entries = yaml.safe_load(LISTED.read_text(encoding="utf-8"))
    return {(each["function"], changed) for each in entries if each["why"] for changed in each["changes"]}


def main() -> int:
    """Return 0 where enough mutants of each room died and every survivor is listed, else 1."""
    tried, lived = Counter[str](), Counter[str]()
    unlisted: dict[str, list[str]] = {}
    known = listed()
    for path in walk_mutatable_files():
        found = outcomes(path)
        living = [change(mutant, path) for mutant, lives in found.items() if lives]
        if not found:
            continue
        room = path.parts[1]
        tried[room] += len(found)
        lived[room] += len(living)
        for function, changed in set(living) - known:
            unlisted.setdefault(function, []).append(changed)
    for room, number in tried.items():
        print(f"{room}: {number - lived[room]} of {number} mutants died")
    if unlisted:
        print(f"These live, and {LISTED.name} does not say why; kill them by a test of what the code does, or list them:")
        entries = [{"function": function, "why": "", "changes": changes} for function, changes in unlisted.items()]
        print(yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=10_000))
    short = [room for room, number in tried.items() if number - lived[room] < LEAST * number]
    if short or not tried:
        print(f"Fewer than {LEAST:.0%} died: {', '.join(short)}" if tried else "No mutant was tried")
    return 1 if unlisted or short or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
