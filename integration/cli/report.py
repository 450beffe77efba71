"""The options of the verbs that report findings: the rules, the rows, and the severity that ends the verb with 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Annotated

import typer

from integration.cli.findings_output import print_findings
from integration.cli.options import (
    ConfigOption,
    Form,
    RuleOption,
    RulesOption,
    TimezoneOption,
    configured,
    severity_of,
    zone_of,
)
from integration.cli.output import note
from integration.cli.settings.model import Config
from integration.cli.verbs import replacing
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.errors import InputError
from integration.findings.finding import Finding
from integration.log.event import UNKNOWN_HOST

FailOnOption = Annotated[
    str | None, typer.Option("--fail-on", metavar="SEVERITY", help="End with 1 when a finding is this severe or more.")
]
SplRowsOption = Annotated[
    bool, typer.Option("--spl-rows", help="Add the rows that Splunk would print (SPL 14); in CSV, give them alone.")
]
AllOption = Annotated[bool, typer.Option("--all", help="A row for every finding, not a screenful of the most severe.")]
MaxSplRowsOption = Annotated[
    int, typer.Option("--max-spl-rows", metavar="N", min=0, help="Rows a finding at most with --spl-rows.")
]

_DEFAULT_ROWS = 1_000


@dataclass
class Report:
    """The user's settings with the rules as they change them, and how findings of these are reported in whatever form.

    `zone` is what SPL prints times in.
    """

    settings: Config
    rules: tuple[Rule, ...]
    zone: tzinfo
    _fail_on: Severity | None
    _max_spl_rows: int | None
    _every: bool
    _highest: Severity | None = None
    _of_unknown: int = 0

    def noted(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings, of which the highest severity counts in the end, and those for no known host."""
        for finding in findings:
            self._highest = max(finding.severity, self._highest or finding.severity)
            self._of_unknown += finding.host == UNKNOWN_HOST
            yield finding

    def print(self, findings: Iterable[Finding], events: Mapping[str, int], form: Form) -> None:
        """Write findings in a form, and how many events were read and selected."""
        print_findings(self.noted(findings), events, form, self.rules, self._max_spl_rows, every=self._every)

    def refuse_rows(self) -> None:
        """Raise `InputError` where rows are asked for that a page has not."""
        if self._max_spl_rows is not None or self._every:
            raise InputError(
                "--all and --spl-rows do not go with --format html: a page shows the most severe findings, and their lines"
            )

    def end(self) -> None:
        """Note findings that may sum up several machines, and end with 1 when one that was written reaches `--fail-on`."""
        if self._of_unknown:
            told = "1 finding is" if self._of_unknown == 1 else f"{self._of_unknown:,} findings are"
            note(f"{told} for the host {UNKNOWN_HOST!r} and may sum up several machines: `detect status` says who names none.")
        if self._highest is not None and self._fail_on is not None and self._highest >= self._fail_on:
            raise typer.Exit(1)


def _report(
    timezone: TimezoneOption = "UTC",
    rule: RuleOption = None,
    rules: RulesOption = None,
    fail_on: FailOnOption = None,
    spl_rows: SplRowsOption = False,
    max_spl_rows: MaxSplRowsOption = _DEFAULT_ROWS,
    every: AllOption = False,
    config: ConfigOption = None,
) -> Report:
    settings, loaded = configured(config, rules, rule)
    least = None if fail_on is None else severity_of("--fail-on", fail_on)
    return Report(settings, loaded, zone_of(timezone), least, max_spl_rows if spl_rows else None, every)


def with_report(verb: Callable[..., None]) -> Callable[..., None]:
    """Replace a verb's parameter `report: Report` by the options of a report."""
    return replacing("report", _report, verb)
