"""`detect scan`: log files to findings, without a cluster."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.config import ConfigOption, configured, note_filtered
from integration.cli.options import (
    DEFAULT_ROWS,
    FailOnOption,
    MaxSplRowsOption,
    RuleOption,
    RulesOption,
    SplRowsOption,
    TabularFormat,
    TabularFormatOption,
    TimezoneOption,
    severity_of,
    zone_of,
)
from integration.cli.output import print_findings, progress
from integration.filter import Passed
from integration.scan import scan as scan_files


def scan(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Log files, gzip too; - is standard input.")],
    host: Annotated[str | None, typer.Option(help="The machine the lines come from.")] = None,
    timezone: TimezoneOption = "UTC",
    rule: RuleOption = None,
    rules: RulesOption = None,
    fail_on: FailOnOption = None,
    spl_rows: SplRowsOption = False,
    max_spl_rows: MaxSplRowsOption = DEFAULT_ROWS,
    config: ConfigOption = None,
    form: TabularFormatOption = TabularFormat.TABLE,
) -> None:
    """Evaluate log files with the Python reference of the search; no cluster is asked.

    Rotated files belong in one call. Without --host, the host of a journald prefix, else this machine's name.

    Example: detect scan ~/.ollama/logs/server*.log --format json --fail-on high
    """
    settings, loaded = configured(config, rules, rule)
    zone, threshold = zone_of(timezone), severity_of(fail_on)
    total = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    with progress("Reading", total or None, size=True) as advance:
        result = scan_files(loaded, files, host=host, zone=zone, on_bytes=advance)
    passed = Passed(settings.post_filter)
    with closing(result):
        events = {"read": result.read, "selected": result.selected}
        print_findings(passed.of(result.findings()), events, form, max_spl_rows if spl_rows else None)
    note_filtered(passed.filtered)
    if passed.reaches(threshold):
        raise typer.Exit(1)
