"""`detect scan`: log files to findings, without a cluster."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from integration.cli.config import note_filtered
from integration.cli.logs import FilesArgument, HostFromOption, HostOption, note_doubts, note_hosts
from integration.cli.output import note, progress
from integration.cli.report import Report, with_report
from integration.commands.scan import scan as scan_files
from integration.findings.filter import FilteredFindings
from integration.log.blocks import names_of_logs
from integration.log.documents import each_once
from integration.log.hosts import Hosts
from integration.log.recognition import said_unlike


@with_report
def scan(report: Report, files: FilesArgument, host: HostOption = None, host_from: HostFromOption = None) -> None:
    """Evaluate log files with the Python reference of the search; no cluster is asked.

    Rotated files belong in one call, and files of several machines may be in it. Without --host or --host-from, a line's carrier
    (journald, syslog, Kubernetes) names the machine, else the path (HOST-server.log, logs/HOST/server.log), else it is this one.

    Example: detect scan ~/.ollama/logs/server*.log --format json --fail-on high
    """
    files = each_once(files)
    hosts = Hosts(list(names_of_logs(files)), given=host, host_from=host_from)
    total = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    with progress("Reading", total or None, size=True) as advance:
        result = scan_files(report.rules, files, hosts=hosts, zone=report.zone, on_bytes=advance)
    passed = FilteredFindings(report.settings.post_filter.passes)
    with closing(result):
        events = {"read": result.read, "selected": result.selected.hosts.total()}
        report.print(passed.kept(result.findings()), events)
    note_filtered(passed.filtered)
    for log in result.logs:
        if log.lines and not log.is_ollamas:
            note(said_unlike(log.path, log.lines))
    if len(result.logs) > 1 and not host:
        note_hosts(result.lines_by_machine(hosts), hosts.rule)
    note_doubts(result.selected, "selected events")
    report.end(passed.highest_severity)
