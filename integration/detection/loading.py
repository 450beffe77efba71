"""Reading rule files: YAML with line numbers, nothing but plain data, errors that name file, line and field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from integration.detection.faults import Language
from integration.detection.model import Rule
from integration.errors import RuleError
from integration.folders import SafeLoader, asset_folder

_MAX_BYTES = 1 << 20
_MAX_DEPTH = 20


class _PlainLoader(SafeLoader):
    """Safe YAML in which a date is a text."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in SafeLoader.yaml_implicit_resolvers.items()
}


def _refused(problem: str, at: yaml.Event | yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=cast("yaml.Mark", at.start_mark))


def _refuse_unfolding(text: bytes) -> None:
    """Refuse aliases, a few of which can unfold to gigabytes, and deep nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=_PlainLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases (*name) are not allowed in rule files", event)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _refused("nested too deeply", event)


def _refuse_repeated_keys(node: yaml.Node) -> None:
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_repeated_keys(each)
    if not isinstance(node, yaml.MappingNode):
        return
    seen = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refused("a key must be a word, not a list or mapping", key)
        if key.value in seen:
            raise _refused(f"key {key.value!r} stands twice", key)
        seen.add(key.value)
        _refuse_repeated_keys(value)


def load_rule(path: Path) -> Rule:
    """Read and check one rule file; `RuleError` names the file and, as far as it is known, line and field."""
    return _rule(path, _bytes(path))


@lru_cache(maxsize=64)
def _rule(path: Path, text: bytes) -> Rule:
    """Check the text of a rule file, once a process."""
    root, data = _parsed(path, text)
    if root is None or not isinstance(data, dict):
        raise RuleError(f"{path}:1: a rule file must be a mapping that begins with `id: ...`")
    try:
        return rule_of(data).read_from(path)
    except ValidationError as error:
        raise RuleError(faults_in(path, root, data, error, Rule.model_json_schema())) from error


def read_yaml(path: Path) -> tuple[yaml.Node | None, object]:
    """Read a file of plain data: its nodes, which know their lines, and what it says; `RuleError` names the file and the line."""
    return _parsed(path, _bytes(path))


def _bytes(path: Path) -> bytes:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RuleError(f"{path}: cannot be read: {error.strerror}") from error
    if len(text) > _MAX_BYTES:
        raise RuleError(f"{path}: larger than 1 MiB; a rule file is a few kilobytes")
    return text


def _parsed(path: Path, text: bytes) -> tuple[yaml.Node | None, object]:
    try:
        _refuse_unfolding(text)
        loader = _PlainLoader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return None, None
            _refuse_repeated_keys(root)
            return root, loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise RuleError(f"{path}{line}: {error.problem or error}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise RuleError(f"{path}: is not YAML text: {error}") from error


def rule_of(data: dict[str, object]) -> Rule:
    """Check a rule given as plain data, lists as lists; pydantic's `ValidationError` says what is wrong."""
    return Rule.model_validate(tuples(data))


def tuples(value: object) -> object:
    """Return plain data with tuples in place of lists, which strict models ask for."""
    if isinstance(value, dict):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def faults_in(path: Path, root: yaml.Node, data: object, error: ValidationError, schema: Mapping[str, Any]) -> str:
    """Return what is wrong with a file, one line a fault, each with the file, its line and the field."""
    faults = Language(schema, "key", "a mapping of keys to values").faults(error, data)
    placed = sorted(((_line_of(root, each.location), each) for each in faults), key=lambda pair: pair[0])
    return "\n".join(f"{path}:{line}: {each.field}: {each.message}" for line, each in placed)


def _line_of(node: yaml.Node, location: Sequence[int | str]) -> int:
    """Follow pydantic's location through the YAML nodes as far as they go; a missing key is shown at its parent's line."""
    line: int = node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                return line
            line = found[0].start_mark.line + 1
            node = found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def load_rules(folders: Sequence[Path] = (), ids: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Read the shipped rules and those of the folders, or of all these the ones named by `ids`; in the order of their ids.

    `RuleError` with all faults of all files when one is bad, a folder holds none, two rules share an id or a class field, or an id
    is unknown.
    """
    rules, faults = read_rules(folders)
    if faults:
        raise RuleError("\n".join(faults))
    return chosen([rules[rule_id] for rule_id in sorted(rules)], ids)


def chosen(rules: Sequence[Rule], ids: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules named by `ids`, all where none is named; `RuleError` when an id is unknown."""
    wanted = list(dict.fromkeys(ids))
    if unknown := [rule_id for rule_id in wanted if rule_id not in [rule.id for rule in rules]]:
        raise RuleError(f"no rule {', '.join(unknown)}; there are: {', '.join(rule.id for rule in rules)}")
    return tuple(rule for rule in rules if rule.id in wanted or not wanted)


def read_rules(folders: Sequence[Path] = ()) -> tuple[dict[str, Rule], list[str]]:
    """Return the shipped rules and those of the folders by id, and every fault of their files, one line each."""
    rules: dict[str, Rule] = {}
    faults: list[str] = []
    files: dict[tuple[str, str], Path] = {}
    found: list[Path] = []
    for folder in (asset_folder("rules"), *folders):
        try:
            found += _rule_files(folder)
        except RuleError as error:
            faults.append(str(error))
    for path in {path.resolve(): path for path in found}.values():  # a folder may be named twice
        try:
            rule = load_rule(path)
        except RuleError as error:
            faults += str(error).splitlines()
            continue
        for key, value in ((("id",), rule.id), (("classification", "field"), rule.classification.field)):
            if (other := files.setdefault((key[-1], value), path)) is not path:
                root, _ = read_yaml(path)
                at = f"{path}:{_line_of(root, key)}" if root else str(path)
                faults.append(f"{at}: {'.'.join(key)}: {value!r} is already used by {other}; each rule needs one of its own")
        rules[rule.id] = rule
    return rules, faults


def _rule_files(folder: Path) -> list[Path]:
    """Return the rule files of a folder by name."""
    if not folder.is_dir():
        raise RuleError(f"{folder}: not a folder; name the one that holds the rule files")
    files = sorted(path for path in folder.glob("*.y*ml") if path.suffix in (".yml", ".yaml"))
    if not files:
        raise RuleError(f"{folder}: holds no rule files (*.yml)")
    return files
