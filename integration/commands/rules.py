"""`detect rules`: what stands in rule files, what is wrong with them, and how a new one begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from integration.detection.cases import load_cases
from integration.detection.loading import read_rules
from integration.detection.model import Rule
from integration.errors import InputError, RuleError

_TEMPLATES = Path(__file__).parent / "new_rule"
_ID = re.compile(r"[a-z][a-z0-9_]{0,79}")
_WORD = re.compile("RULE_ID|RULE_NAME|FOLDER")


def check(folders: Sequence[Path]) -> tuple[list[Rule], list[str]]:
    """Return the rules that can be read, and every fault of the files of rules and of their cases, one line each."""
    rules, faults = read_rules(folders)
    found = [rules[rule_id] for rule_id in sorted(rules)]
    for rule in found:
        try:
            load_cases(rule)
        except RuleError as error:
            faults += str(error).splitlines()
    return found, faults


def changes(rule: Rule, configured: Rule) -> list[str]:
    """Return what the user's settings change of a rule: the top-level keys of its file."""
    before, after = rule.model_dump(), configured.model_dump()
    return [key for key in before if before[key] != after[key]]


def begin(rule_id: str, folder: Path) -> list[Path]:
    """Write the file of a new rule into a folder, with its first cases, and return both; `InputError` when one cannot be new."""
    if not _ID.fullmatch(rule_id):
        raise InputError(f"{rule_id!r} cannot be a rule's id: small letters, digits and _, a letter first, at most 80 of them")
    taken, _ = read_rules([folder] if folder.is_dir() else [])
    files = {folder / f"{rule_id}.yml": "rule.yml", folder / "tests" / rule_id / "cases.yml": "cases.yml"}
    there = next((path for path in files if path.exists()), None)
    if rule_id in taken or there is not None:
        raise InputError(f"there is a rule {rule_id} already: {there or taken[rule_id].file}; nothing was written")
    words = {"RULE_ID": rule_id, "RULE_NAME": rule_id.replace("_", " ").capitalize(), "FOLDER": str(folder)}
    for path, template in files.items():
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_WORD.sub(lambda found: words[found[0]], text), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    return list(files)
