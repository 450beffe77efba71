"""`detect scan`: log files to findings, without a cluster."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.config import note_filtered
from integration.cli.output import note, progress
from integration.cli.report import Report, with_report
from integration.commands.scan import scan as scan_files
from integration.findings.filter import FilteredFindings
from integration.log.documents import each_once


@with_report
def scan(
    report: Report,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Log files, packed or not; - is standard input.")],
    host: Annotated[str | None, typer.Option(help="The machine the lines come from.")] = None,
) -> None:
    """Evaluate log files with the Python reference of the search; no cluster is asked.

    Rotated files belong in one call. Without --host, the host of a journald prefix, else this machine's name.

    Example: detect scan ~/.ollama/logs/server*.log --format json --fail-on high
    """
    files = each_once(files)
    total = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    with progress("Reading", total or None, size=True) as advance:
        result = scan_files(report.rules, files, host=host, zone=report.zone, on_bytes=advance)
    passed = FilteredFindings(report.settings.post_filter.passes)
    with closing(result):
        events = {"read": result.read, "selected": result.selected}
        report.print(passed.kept(result.findings()), events)
    note_filtered(passed.filtered)
    if result.undated:
        note(f"{result.undated:,} of the selected events have no time of their own: that of a line above counts, or the file's.")
    report.end(passed.highest_severity)
