"""Cases beside a rule file: lines of a log, and what must come of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from integration.detection.loading import faults_in, read_yaml, tuples
from integration.detection.model import Rule
from integration.errors import InputError, RuleError
from integration.times import parse_time

NOT_SELECTED = "none"
"""What stands in place of a label for a line that the rule does not select."""

_Line = Annotated[str, StringConstraints(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _is_time(text: str) -> str:
    try:
        parse_time(text)
    except InputError as error:
        raise ValueError(str(error)) from error
    return text


class LabelledLine(_Model):
    """The short form for one line: the label that it gets, alone."""

    line: _Line
    label: str


class Case(_Model):
    """Lines, and what must come of them.

    `log` is a text that is read like a log file; each of `lines` is one event, as a shipper sends it. `expect` says of each line
    its label and any field of its event; `findings` are all that the lines make, each with the columns that matter. `labels` says
    one label a line and nothing else. `host` and `time` are those of lines that name none.
    """

    name: _Line
    host: _Line = "gpu-1"
    time: Annotated[str, AfterValidator(_is_time)] = "2026-03-01T10:00:00Z"
    labels: tuple[LabelledLine, ...] = ()
    lines: tuple[_Line, ...] = ()
    log: str = ""
    expect: tuple[dict[str, Any], ...] | None = None
    findings: tuple[dict[str, Any], ...] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if [bool(self.labels), bool(self.lines), bool(self.log)].count(True) != 1:
            raise ValueError("needs one of `labels`, `lines` and `log`, and no other")
        says = self.expect is not None or self.findings is not None
        if says == bool(self.labels):
            raise ValueError("needs `expect` or `findings` beside its lines; `labels` says all by itself")
        if any(not isinstance(finding.get("host"), str) for finding in self.findings or ()):
            raise ValueError("each of `findings` names its host")
        return self

    @property
    def shipped_at(self) -> int:
        """Return `time` in epoch milliseconds."""
        return parse_time(self.time)

    @property
    def labels_expected(self) -> list[object]:
        """Return the labels that it expects of lines."""
        return [entry.label for entry in self.labels] + [entry["label"] for entry in self.expect or () if "label" in entry]

    @property
    def fires(self) -> bool:
        """Return whether it expects that the rule sees something in its lines."""
        return bool(self.findings) or any(label != NOT_SELECTED for label in self.labels_expected)

    @property
    def stays_silent(self) -> bool:
        """Return whether it expects that the rule sees nothing in its lines, or in some of them."""
        return self.findings == () or NOT_SELECTED in self.labels_expected


class CaseFile(NamedTuple):
    """The cases of a file, each with the line that it begins in."""

    path: Path
    cases: tuple[tuple[int, Case], ...]


_CASES = TypeAdapter(Annotated[tuple[Case, ...], Field(min_length=1)])


def cases_folder(rule: Rule) -> Path:
    """Return the folder of a rule's cases, whether it is there or not: `tests/ID` beside the rule's file."""
    if rule.file is None:
        raise RuleError(f"{rule.id}: comes from no file, so that no cases can stand beside it")
    return rule.file.parent / "tests" / rule.id


def load_cases(rule: Rule) -> list[CaseFile]:
    """Read the files of cases beside a rule, in the order of their names; `RuleError` names file, line and field."""
    paths = sorted(path for path in cases_folder(rule).glob("*.y*ml") if path.suffix in (".yml", ".yaml"))
    return [_load(path) for path in paths]


def _load(path: Path) -> CaseFile:
    root, data = read_yaml(path)
    if root is None or not isinstance(data, list):
        raise RuleError(f"{path}:1: a file of cases must be a list of which each begins with `- name: ...`")
    try:
        cases = _CASES.validate_python(tuples(data))
    except ValidationError as error:
        raise RuleError(faults_in(path, root, data, error, _CASES.json_schema())) from error
    return CaseFile(path, tuple((node.start_mark.line + 1, case) for node, case in zip(root.value, cases, strict=True)))
