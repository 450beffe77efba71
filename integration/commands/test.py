"""`detect test`: the cases beside rules, by the reference and by a cluster."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml as plain_yaml

from integration.commands.ingest import check_installed
from integration.detection.cases import Case, CaseFile, cases_folder, load_cases
from integration.detection.loading import tuples
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import InputError
from integration.evaluation.outcomes import Outcome, by_cluster, by_reference, faults, paired, sent_lines, value_of

REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case, `by` the reference or a cluster: its faults in words, none where it passes. `place` is FILE:LINE."""

    rule_id: str
    place: str
    name: str
    by: str
    lines: int
    faults: tuple[str, ...]


def run_cases(rules: Iterable[Rule], engine: Engine | None = None) -> Iterator[Result]:
    """Yield the result of every case beside rules, by the reference and, where there is an engine, by that cluster.

    A rule without a case that fires, or without one that does not, fails by that.
    """
    if engine is not None:
        check_installed(engine)
    for rule in rules:
        files = load_cases(rule)
        for file in files:
            for line, case in file.cases:
                sent = sent_lines(case)
                outcomes = {REFERENCE: by_reference(rule, sent)}
                if engine is not None:
                    outcomes[f"{engine.name} {engine.version_text}"] = by_cluster(engine, rule, sent)
                for by, outcome in outcomes.items():
                    yield Result(rule.id, f"{file.path}:{line}", case.name, by, len(sent), tuple(faults(case, outcome)))
        yield from _lacking(rule, files)


def _lacking(rule: Rule, files: Sequence[CaseFile]) -> Iterator[Result]:
    cases = [case for file in files for _, case in file.cases]
    wanted = {
        "a label or a finding": any(case.fires for case in cases),
        "no label or no finding": any(case.stays_silent for case in cases),
    }
    lacking = tuple(f"no case expects {what}; add one to a file there" for what, is_there in wanted.items() if not is_there)
    if lacking:
        yield Result(rule.id, str(cases_folder(rule)), "cases on both sides", REFERENCE, 0, lacking)


def update(rules: Iterable[Rule]) -> Iterator[tuple[Path, str, str]]:
    """Rewrite what cases expect to what the reference finds; yield each file that changed, with its text before and after.

    Comments and order stay.
    """
    for rule in rules:
        for file in load_cases(rule):
            outcomes = [(case, by_reference(rule, sent_lines(case))) for _, case in file.cases]
            if not any(any(faults(case, outcome)) for case, outcome in outcomes):
                continue
            before = file.path.read_text(encoding="utf-8")
            after = _rewritten(before, outcomes)
            try:
                file.path.write_text(after, encoding="utf-8")
            except OSError as error:
                raise InputError(f"{file.path}: cannot be written: {error.strerror}") from error
            yield file.path, before, after


def _rewritten(text: str, outcomes: Iterable[tuple[Case, Outcome]]) -> str:
    from ruamel.yaml import YAML  # not above: only an update needs it

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    entries = yaml.load(text)
    for entry, (case, outcome) in zip(entries, outcomes, strict=True):
        if any(faults(case, outcome)):
            _correct(entry, outcome)
    written = io.StringIO()
    yaml.dump(entries, written)
    return written.getvalue()


def _correct(entry: Any, outcome: Outcome) -> None:
    """Write an outcome into a case's entry."""
    for number, labelled in enumerate(entry.get("labels", ())):
        _put(labelled, "label", outcome.labels[number])
    if "expect" in entry:
        entries = entry["expect"]
        del entries[len(outcome.labels) :]
        entries += [{"label": None} for _ in outcome.labels[len(entries) :]]
        for number, expected in enumerate(entries):
            for name in expected:
                _put(expected, name, value_of(outcome, number, name))
    if "findings" in entry:
        entries = entry["findings"]
        for expected, finding in list(paired(list(entries), outcome.findings)):
            if finding is None:
                entries.remove(expected)
            elif expected is None:
                columns = finding.to_json()
                entries.append({name: _written(columns[name]) for name in ("host", "window_start", "severity")})
            else:
                columns = finding.to_json()
                for name in expected:
                    _put(expected, name, columns.get(name))


def _put(entry: Any, name: str, value: object) -> None:
    if tuples(entry[name]) != tuples(value):
        entry[name] = _written(value)


def _written(value: object) -> object:
    """Return a value as it is written: a text in quotes where YAML would read something else without them."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, list | tuple):
        return [_written(item) for item in value]
    if isinstance(value, str) and not _is_plain(value):
        return DoubleQuotedScalarString(value)
    return value


def _is_plain(text: str) -> bool:
    try:
        return bool(plain_yaml.safe_load(text) == text)
    except plain_yaml.YAMLError:
        return False
